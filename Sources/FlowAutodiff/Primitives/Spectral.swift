// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// M(A; E₁…E_k) = Σ f[λ_i₀, …, λ_i_k]·P_i₀·E₁·P_i₁ ⋯ E_k·P_i_k of symmetric matrices A = Σ λᵢ·Pᵢ: inputs A, E₁…E_k.
///
/// The family is closed under differentiation. Along dA: M(A; …, dA, …), summed over the k + 1 places for dA; M is
/// linear in each E. With a cotangent C, ⟨C, M⟩ is a trace, so that turning it round gives
/// C_{E_j} = M(A; E_{j+1}…E_k, Cᵀ, E₁…E_{j−1})ᵀ, and C_A the sum over p of M(A; E_{p+1}…E_k, Cᵀ, E₁…E_p)ᵀ.
/// A symmetric A is taken as given: symmetric directions for it are the caller's part.
struct Spectral: Primitive {
  let function: SpectralFunction

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.spectral(function, inputs[0], along: Array(inputs.dropFirst()))]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let directions = Array(inputs.dropFirst())
    var terms: [Variable] = []
    if let tangent = tangents[0] {
      for place in 0...directions.count {
        var along = directions
        along.insert(tangent, at: place)
        terms.append(apply(self, to: [inputs[0]] + along)[0])
      }
    }
    for place in directions.indices {
      guard let tangent = tangents[place + 1] else { continue }
      var along = directions
      along[place] = tangent
      terms.append(apply(self, to: [inputs[0]] + along)[0])
    }
    return [terms.dropFirst().reduce(terms[0], +)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let directions = inputs.dropFirst(), turned = cotangents[0]!.transposed
    /// Cᵀ between what follows the first `after` directions and the first `before` of them.
    func cycled(after: Int, before: Int) -> Variable {
      let along = directions.dropFirst(after) + [turned] + directions.prefix(before)
      return apply(self, to: [inputs[0]] + along)[0].transposed
    }
    let ofA = needed[0] ? (0...directions.count).map { cycled(after: $0, before: $0) } : []
    return [ofA.isEmpty ? nil : ofA.dropFirst().reduce(ofA[0], +)]
      + directions.indices.map { needed[$0] ? cycled(after: $0, before: $0 - 1) : nil }
  }
}

extension Variable {
  /// `function` of the symmetric part of each matrix of a batch [batch, n, n]; smooth where eigenvalues meet.
  public func spectral(_ function: SpectralFunction) -> Variable {
    apply(Spectral(function: function), 0.5 * (self + transposed))
  }
}
