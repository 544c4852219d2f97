// SPDX-License-Identifier: Apache-2.0

/// What happened while a gradient is being taken, in order.
///
/// Results are numbered through all operations, the leaves first: a number is a place.
final class Tape {
  private struct Entry {
    let primitive: any Primitive
    let inputs: [Variable]
    /// The place of each input, −1 for what is constant here.
    let places: [Int]
    let outputs: [Variable]
  }

  let level = Level.next()
  private let leaves: Int
  private var entries: [Entry] = []
  private var count = 0

  /// A tape for a gradient with respect to `leaves` variables.
  init(leaves: Int) { self.leaves = leaves }

  /// A variable that the gradient is taken with respect to.
  func leaf(_ primal: Variable) -> Variable {
    precondition(count < leaves, "Tape: more leaves than the \(leaves) announced")
    return recorded(primal)
  }

  private func recorded(_ primal: Variable) -> Variable {
    defer { count += 1 }
    let trace = Trace(level: level, outer: primal.trace, role: .recorded(on: self, at: count))
    return Variable(tensor: primal.tensor, trace: trace)
  }

  /// The place of a variable on this tape, −1 for a constant.
  private func place(_ role: Trace.Role?) -> Int {
    if case .recorded(_, let place)? = role { place } else { -1 }
  }

  /// Applies a primitive for the transformations outside and remembers it.
  func record(_ primitive: any Primitive, _ inputs: [Variable]) -> [Variable] {
    var primals = inputs, places = [Int](repeating: -1, count: inputs.count)
    for index in inputs.indices {
      let (primal, role) = inputs[index].unwrapped(from: level)
      primals[index] = primal
      places[index] = place(role)
    }
    let outputs = apply(primitive, to: primals)
    entries.append(Entry(primitive: primitive, inputs: primals, places: places, outputs: outputs))
    return outputs.map(recorded)
  }

  /// The product of cotangents with the Jacobian of `results` by the leaves; entries are freed as they are passed.
  ///
  /// - Returns: a cotangent a leaf, nil where it is zero.
  func backward(from results: [Variable], cotangents seeds: [Variable?]) -> [Variable?] {
    var cotangents = [Variable?](repeating: nil, count: count)
    func add(_ cotangent: Variable, at place: Int) {
      cotangents[place] = cotangents[place].map { $0 + cotangent } ?? cotangent
    }
    for case (let result, let seed?) in zip(results, seeds) {
      let place = place(result.unwrapped(from: level).role)
      if place >= 0 { add(seed, at: place) }
    }
    while let entry = entries.popLast() {
      let first = cotangents.count - entry.outputs.count
      let received = Array(cotangents[first...])
      cotangents.removeLast(entry.outputs.count)
      guard received.contains(where: { $0 != nil }) else { continue }
      let sent = entry.primitive.vjp(
        entry.inputs, entry.outputs, cotangents: received, needed: entry.places.map { $0 >= 0 })
      for case (let place, let cotangent?) in zip(entry.places, sent) where place >= 0 {
        add(cotangent, at: place)
      }
    }
    return cotangents
  }
}

/// The values of a function and the products of cotangents of its results with its Jacobian.
///
/// - Parameter needed: which arguments a derivative is wanted for.
func pullback(
  at arguments: [Variable], needed: [Bool]? = nil,
  of function: ([Variable]) throws -> [Variable], cotangents: ([Variable]) -> [Variable?]
) rethrows -> (values: [Variable], cotangents: [Variable?]) {
  let wanted = needed ?? [Bool](repeating: true, count: arguments.count)
  let tape = Tape(leaves: wanted.count { $0 })
  let results = try function(zip(arguments, wanted).map { $1 ? tape.leaf($0) : $0 })
  let values = results.map { $0.unwrapped(from: tape.level).primal }
  var found = tape.backward(from: results, cotangents: cotangents(values)).makeIterator()
  return (values, wanted.map { $0 ? found.next()! : nil })
}
