// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// A function whose intermediate results are not kept: its derivative rules compute them anew.
///
/// The rules are checkpoints themselves, so that a derivative of a derivative keeps no more.
struct Checkpoint: Primitive {
  let function: @Sendable ([Variable]) -> [Variable]
  /// The precision of the first computation, for those that repeat it elsewhere.
  let precision: MatmulPrecision

  init(precision: MatmulPrecision = .current, _ function: @escaping @Sendable ([Variable]) -> [Variable]) {
    self.precision = precision
    self.function = function
  }

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    MatmulPrecision.$current.withValue(precision) {
      function(inputs.map { Variable($0) }).map { $0.tensor }
    }
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let count = inputs.count, moving = tangents.map { $0 != nil }
    let tangent = Checkpoint(precision: precision) { [function] given in
      var directions = given[count...].makeIterator()
      let (values, tangents) = pushforward(
        at: Array(given[..<count]), along: moving.map { $0 ? directions.next() : nil }, of: function)
      return zip(values, tangents).map { $1 ?? Variable(.zeros($0.shape)) }
    }
    return apply(tangent, to: inputs + tangents.compactMap { $0 })
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let count = inputs.count, used = cotangents.map { $0 != nil }
    let gradient = Checkpoint(precision: precision) { [function] given in
      let arguments = Array(given[..<count])
      let found = pullback(at: arguments, needed: needed, of: function) { _ in
        var seeds = given[count...].makeIterator()
        return used.map { $0 ? seeds.next() : nil }
      }
      return zip(arguments, found.cotangents).map { $1 ?? Variable(.zeros($0.shape)) }
    }
    let found = apply(gradient, to: inputs + cotangents.compactMap { $0 })
    return zip(found, needed).map { $1 ? $0 : nil }
  }
}

/// The value of a function of variables, computed again when a derivative needs what lies between: memory for time.
///
/// A gradient holds the arguments and the result until the backward pass, and the intermediate results only while
/// that passes this function: one more evaluation, the same gradient. All that derivatives are to flow to must come in
/// through `arguments`; the compiler refuses to capture a variable.
public func checkpoint(
  at arguments: [Variable], of function: @escaping @Sendable ([Variable]) -> Variable
) -> Variable {
  apply(Checkpoint { [function($0)] }, to: arguments)[0]
}
