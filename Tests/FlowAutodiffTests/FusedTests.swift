// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

/// A fused function, and the same in the operations that it fuses.
struct Fusion: CustomTestStringConvertible, Sendable {
  let name: String
  let shapes: [Shape]
  let fused: @Sendable ([Variable]) -> Variable
  let separate: @Sendable ([Variable]) -> Variable

  var testDescription: String { name }

  func arguments(_ random: inout Random) -> [Variable] {
    // Weights of about 1/√input, so that everything is of one size.
    shapes.map { shape in
      Variable(random.normal(shape).affine(scale: shape.rank == 2 && shape[0] < 20 ? 0.4 : 1))
    }
  }
}

@Suite("Fused functions")
struct FusedTests {
  /// Tokens enough for the fused kernels: 37 · 14.
  private static let x: Shape = [37, 14, 6]
  private static let shared: Shape = [37, 6]

  static let fusions: [Fusion] =
    [
      Fusion(
        name: "linear layers of a modulated norm", shapes: [x, shared, shared, [5, 6], [5], [4, 6], [4]],
        fused: {
          let y = $0[0].modulatedLinear(
            scale: $0[1], shift: $0[2], layers: [($0[3], $0[4]), ($0[5], $0[6])], epsilon: 0.1)
          return concatenate([y[0], y[1].map(.square)], axis: -1)
        },
        separate: {
          let n = $0[0].modulatedNorm(scale: $0[1], shift: $0[2], epsilon: 0.1)
          let y = [linear(n, weight: $0[3], bias: $0[4]), linear(n, weight: $0[5], bias: $0[6])]
          return concatenate([y[0], y[1].map(.square)], axis: -1)
        }),
      Fusion(
        name: "gated linear layer", shapes: [x, shared, [37, 14, 5], [6, 5], [6]],
        fused: { $0[0].addingLinear($0[2], gate: $0[1], weight: $0[3], bias: $0[4]) },
        separate: { $0[0].adding(linear($0[2], weight: $0[3], bias: $0[4]), gate: $0[1]) }),
    ]
    + [Activation.gelu, .silu].map { activation in
      Fusion(
        name: "feed-forward branch with \(activation)",
        shapes: [x, shared, shared, shared, [9, 6], [9], [6, 9], [6]],
        fused: {
          $0[0].addingFeedForward(
            scale: $0[1], shift: $0[2], gate: $0[3], up: ($0[4], $0[5]), down: ($0[6], $0[7]),
            activation: activation, epsilon: 0.1)
        },
        separate: {
          let n = $0[0].modulatedNorm(scale: $0[1], shift: $0[2], epsilon: 0.1)
          let h = linear(n, weight: $0[4], bias: $0[5]).map(activation.function)
          return $0[0].adding(linear(h, weight: $0[6], bias: $0[7]), gate: $0[3])
        })
    }

  /// Everything at once: of which arguments, in which direction, against which cotangent.
  private struct Point {
    let arguments: [Variable]
    let directions: [Variable]
    let others: [Variable]
    let cotangent: Variable

    init(_ fusion: Fusion) {
      var random = Random(key: 23)
      arguments = fusion.arguments(&random)
      directions = fusion.arguments(&random)
      others = fusion.arguments(&random)
      cotangent = Variable(random.normal(fusion.separate(arguments).shape))
    }
  }

  /// `derivative` of both ways, which must agree.
  private func compare(
    _ fusion: Fusion, _ what: String, tolerance: Double = 3e-5,
    _ derivative: (([Variable]) -> Variable) -> [Variable]
  ) {
    let found = derivative(fusion.fused), wanted = derivative(fusion.separate)
    for (index, (found, wanted)) in zip(found, wanted).enumerated() {
      let difference = Tensor.combine(.subtract, found.tensor, wanted.tensor).sumOfSquares.squareRoot()
      let size = wanted.tensor.sumOfSquares.squareRoot()
      #expect(difference <= tolerance * max(size, 1e-3), "\(what) \(index): \(difference) of \(size)")
    }
  }

  @Test("have values and gradients of what they fuse, whichever are asked for", arguments: fusions)
  func firstOrder(fusion: Fusion) {
    let point = Point(fusion), count = point.arguments.count
    compare(fusion, "value") { [$0(point.arguments)] }
    compare(fusion, "gradient") { f in
      gradient(at: point.arguments) { (f($0) * point.cotangent).sum() }
    }
    for chosen in [[0], [count - 2], Array(0..<count).filter { $0 != 1 }] {
      compare(fusion, "gradient of \(chosen)") { f in
        gradient(at: chosen.map { point.arguments[$0] }) { some in
          var arguments = point.arguments
          for (place, value) in zip(chosen, some) { arguments[place] = value }
          return (f(arguments) * point.cotangent).sum()
        }
      }
    }
  }

  @Test("have the tangents of what they fuse, detached or not, along whichever arguments", arguments: fusions)
  func tangents(fusion: Fusion) {
    let point = Point(fusion), count = point.arguments.count
    for chosen in [Array(0..<count), [0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [count - 1], [count - 2]] {
      let directions = (0..<count).map { chosen.contains($0) ? point.directions[$0] : nil }
      compare(fusion, "tangent along \(chosen)") { f in
        let dual = jvp(at: point.arguments, along: directions, of: f)
        return [dual.value, dual.tangent]
      }
      compare(fusion, "gradient beside a detached tangent along \(chosen)") { f in
        gradient(at: point.arguments) { arguments in
          let dual = jvpDetachingTangent(at: arguments, along: directions, of: f)
          return (dual.value * (dual.tangent + point.cotangent)).sum()
        }
      }
    }
  }

  @Test("have the second derivatives of what they fuse", arguments: fusions)
  func secondOrder(fusion: Fusion) {
    let point = Point(fusion)
    compare(fusion, "gradient of the tangent", tolerance: 1e-4) { f in
      gradient(at: point.arguments) {
        (jvp(at: $0, along: point.directions, of: f).tangent * point.cotangent).sum()
      }
    }
    compare(fusion, "tangent of the tangent", tolerance: 1e-4) { f in
      [
        jvp(at: point.arguments, along: point.others) {
          jvp(at: $0, along: point.directions, of: f).tangent
        }.tangent
      ]
    }
    compare(fusion, "tangent of the gradient", tolerance: 1e-4) { f in
      (0..<point.arguments.count).map { index in
        jvp(at: point.arguments, along: point.directions) {
          gradient(at: $0) { (f($0) * point.cotangent).sum() }[index]
        }.tangent
      }
    }
    compare(fusion, "gradient of the gradient", tolerance: 1e-4) { f in
      gradient(at: point.arguments) { arguments in
        let inner = gradient(at: arguments) { (f($0) * point.cotangent).sum() }
        return zip(inner, point.directions).map { ($0 * $1).sum() }.reduce(Variable(0)) { $0 + $1 }
      }
    }
  }
}
