// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor
internal import Synchronization

/// Where on a tape a variable was made: the entry, and which of its results.
struct Place: Hashable {
  let entry: Int
  let result: Int
}

/// What happened while a gradient is being taken, in order.
final class Tape {
  private struct Entry {
    let primitive: (any Primitive)?
    let inputs: [Variable]
    let places: [Place?]
    let outputs: [Variable]
  }

  /// Transformations begun later are inside those begun earlier.
  let level = Tape.nextLevel()
  private var entries: [Entry] = []

  private static let levels = Atomic<Int>(0)
  private static func nextLevel() -> Int { levels.wrappingAdd(1, ordering: .relaxed).newValue }

  /// A variable that the gradient is taken with respect to.
  func leaf(_ primal: Variable) -> Variable {
    record(nil, inputs: [], places: [], outputs: [primal])[0]
  }

  func record(
    _ primitive: (any Primitive)?, inputs: [Variable], places: [Place?], outputs: [Variable]
  ) -> [Variable] {
    let entry = entries.count
    entries.append(Entry(primitive: primitive, inputs: inputs, places: places, outputs: outputs))
    return outputs.enumerated().map { result, primal in
      Variable(form: .recorded(primal, on: self, at: Place(entry: entry, result: result)))
    }
  }

  /// Walks the tape backwards from `place`; entries are freed as they are passed.
  ///
  /// - Returns: the cotangents of the first `leaves` entries.
  func backward(from place: Place, seed: Variable, leaves: Int) -> [Variable?] {
    var cotangents: [[Variable?]] = entries.map { [Variable?](repeating: nil, count: $0.outputs.count) }
    cotangents[place.entry][place.result] = seed
    while entries.count > leaves {
      let entry = entries.removeLast()
      let received = cotangents.removeLast()
      guard let primitive = entry.primitive, received.contains(where: { $0 != nil }) else { continue }
      let sent = primitive.vjp(
        entry.inputs, entry.outputs, cotangents: received, needed: entry.places.map { $0 != nil })
      for case (let place?, let cotangent?) in zip(entry.places, sent) {
        let before = cotangents[place.entry][place.result]
        cotangents[place.entry][place.result] = before.map { $0 + cotangent } ?? cotangent
      }
    }
    return cotangents.map { $0[0] }
  }
}

/// The value of a scalar function and its gradient with respect to each argument.
///
/// Gradients nest: `function` may itself take gradients. Memory: every intermediate result until the backward
/// pass has gone by it.
public func valueAndGradient(
  at arguments: [Variable], of function: ([Variable]) throws -> Variable
) rethrows -> (value: Variable, gradient: [Variable]) {
  let tape = Tape()
  let output = try function(arguments.map { tape.leaf($0) })
  let (value, place) = output.unwrapped(from: tape)
  precondition(value.shape.count == 1, "gradient: the function returned shape \(value.shape), not one number")
  let zeros = { (argument: Variable) in Variable(Tensor.zeros(argument.shape)) }
  guard let place else { return (value, arguments.map(zeros)) }
  let seed = Variable(Tensor(repeating: 1, shape: value.shape))
  let cotangents = tape.backward(from: place, seed: seed, leaves: arguments.count)
  return (value, zip(arguments, cotangents).map { argument, cotangent in cotangent ?? zeros(argument) })
}

/// The gradient of a scalar function with respect to each argument.
public func gradient(at arguments: [Variable], of function: ([Variable]) throws -> Variable) rethrows
  -> [Variable]
{
  try valueAndGradient(at: arguments, of: function).gradient
}
