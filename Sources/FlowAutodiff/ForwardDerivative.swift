// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// The value of a function and its derivative along a direction, J·v, in one pass.
///
/// Transformations nest with levels as gradients do: the derivative may be taken inside a gradient (then value
/// and tangent are both recorded by it), around one, or around another forward derivative.
///
/// - Parameters:
///   - tangents: the direction, one an argument and of its shape; nil where it is zero, which is cheaper.
/// - Complexity: about two evaluations; memory of two where nothing records.
public func jvp(
  at arguments: [Variable], along tangents: [Variable?], of function: ([Variable]) throws -> Variable
) rethrows -> (value: Variable, tangent: Variable) {
  let (values, tangents) = try pushforward(at: arguments, along: tangents) { [try function($0)] }
  return (values[0], tangents[0] ?? Variable(.zeros(values[0].shape)))
}

/// The value of a function, and its derivative along a direction as a constant: what targets with a stopped
/// gradient are made of (MeanFlow: u_tgt = v − (t − r)·sg(du/dt)).
///
/// The value is computed once and seen by the transformations outside, as if `function` had been called alone.
/// The tangent is detached: no transformation outside sees how it was made.
///
/// - Complexity: one evaluation for the value, recorded where a gradient is being taken, and one for the tangent,
///   recorded nowhere and freed as it goes: the memory of the plain gradient plus a few intermediate results.
public func jvpDetachingTangent(
  at arguments: [Variable], along tangents: [Variable?], of function: ([Variable]) throws -> Variable
) rethrows -> (value: Variable, tangent: Variable) {
  let (values, tangents) = try pushforward(at: arguments, along: tangents, detaching: true) {
    [try function($0)]
  }
  return (values[0], tangents[0] ?? Variable(.zeros(values[0].shape)))
}

/// The values of a function of a batch, and as a constant its derivative along a direction for some of the samples: the
/// leading axis of the arguments and of everything made of them is the batch, and no sample looks at another.
///
/// The value is computed once for all samples, as ``jvpDetachingTangent(at:along:of:)`` computes it. What else the
/// function takes of each sample must be an argument too, with the tangent nil.
///
/// - Parameters:
///   - rows: the samples that the derivative is of; each tangent has as many, and so has the result.
public func jvpDetachingTangent(
  at arguments: [Variable], along tangents: [Variable?], rows: Range<Int>,
  of function: ([Variable]) throws -> Variable
) rethrows -> (value: Variable, tangent: Variable) {
  let part = BatchPart(rows: rows, batch: arguments[0].shape[0])
  precondition(
    arguments.allSatisfy { $0.shape.rank > 0 && $0.shape[0] == part.batch },
    "jvp: arguments \(arguments.map(\.shape)) are not of one batch")
  if rows.count == part.batch { return try jvpDetachingTangent(at: arguments, along: tangents, of: function) }
  let (values, found) = try pushforward(at: arguments, along: tangents, detaching: true, part: part) {
    [try function($0)]
  }
  return (values[0], found[0] ?? Variable(.zeros(part.shape(of: values[0].shape))))
}

/// The values of a function of several results and their derivatives along a direction.
public func jvp(
  at arguments: [Variable], along tangents: [Variable?], of function: ([Variable]) throws -> [Variable]
) rethrows -> (values: [Variable], tangents: [Variable]) {
  let (values, tangents) = try pushforward(at: arguments, along: tangents, of: function)
  return (values, zip(values, tangents).map { $1 ?? Variable(.zeros($0.shape)) })
}

/// The values of a function of several results, and their derivatives along a direction as constants.
public func jvpDetachingTangent(
  at arguments: [Variable], along tangents: [Variable?], of function: ([Variable]) throws -> [Variable]
) rethrows -> (values: [Variable], tangents: [Variable]) {
  let (values, tangents) = try pushforward(at: arguments, along: tangents, detaching: true, of: function)
  return (values, zip(values, tangents).map { $1 ?? Variable(.zeros($0.shape)) })
}

/// The values of a function and the tangents of its results, nil where they are zero.
func pushforward(
  at arguments: [Variable], along tangents: [Variable?], detaching: Bool = false, part: BatchPart? = nil,
  of function: ([Variable]) throws -> [Variable]
) rethrows -> (values: [Variable], tangents: [Variable?]) {
  precondition(
    tangents.count == arguments.count, "jvp: \(tangents.count) tangents for \(arguments.count) arguments")
  let level = Level.next()
  let duals = zip(arguments, tangents).map { argument, tangent in
    // Of a batch, the rules need to know what is a row a sample, whether it moves or not.
    guard tangent != nil || part != nil else { return argument }
    let moved = part?.shape(of: argument.shape) ?? argument.shape
    precondition(
      tangent == nil || tangent!.shape == moved,
      "jvp: tangent \(tangent!.shape) of an argument of shape \(argument.shape)")
    let carried = Tangent(value: detaching ? tangent?.detached : tangent, detaching: detaching, part: part)
    return argument.dual(carried, level: level)
  }
  let results = try function(duals).map { $0.primalAndTangent(of: level) }
  return (results.map(\.primal), results.map { $0.tangent?.value })
}

/// Applies a primitive for the transformations outside the innermost, and a rule to the tangents of that one.
///
/// - Parameter rule: the tangents of the results from inputs, outputs and the tangents of the inputs, as
///   ``Primitive/jvp(_:_:tangents:)``.
func applyDual(
  _ primitive: any Primitive, _ inputs: [Variable],
  rule: (_ inputs: [Variable], _ outputs: [Variable], _ tangents: [Variable?]) -> [Variable?]
) -> [Variable] {
  guard let innermost = innermost(inputs), case .dual(let kind) = innermost.role else {
    preconditionFailure("applyDual: no tangents are being carried")
  }
  let level = innermost.level
  var primals = inputs, tangents = [Tangent?](repeating: nil, count: inputs.count)
  for index in inputs.indices {
    (primals[index], tangents[index]) = inputs[index].primalAndTangent(of: level)
  }
  let outputs = apply(primitive, to: primals), moving = tangents.map { $0?.value }
  let results: [Variable?]
  if let part = kind.part {
    if moving.allSatisfy({ $0 == nil }) { return outputs.map { $0.dual(kind.with(nil), level: level) } }
    let parts = outputs.map { part.rows(of: $0) }
    results = rule(zip(primals, tangents).map { $1 == nil ? $0.detached : part.rows(of: $0) }, parts, moving)
    for case (let result?, let part) in zip(results, parts) {
      precondition(
        result.shape == part.shape, "jvp of rows: \(type(of: primitive)) mixes the samples of a batch")
    }
    return zip(outputs, results).map { $0.dual(kind.with($1), level: level) }
  }
  results =
    kind.detaching
    ? rule(primals.map { $0.detached }, outputs.map { $0.detached }, moving)
    : rule(primals, outputs, moving)
  return zip(outputs, results).map { output, tangent in
    tangent.map { output.dual(kind.with($0), level: level) } ?? output
  }
}

/// What a forward derivative carries along with a value.
struct Tangent {
  /// Of the value's shape, or of its part; nil where zero.
  let value: Variable?
  /// Whether tangents are arithmetic on constants.
  let detaching: Bool
  /// The samples that have tangents, of values that have a row each; nil for all of any value.
  let part: BatchPart?

  func with(_ value: Variable?) -> Tangent { Tangent(value: value, detaching: detaching, part: part) }
}

/// Some of the samples of a batch. A sample may be several rows of a leading axis: its tokens.
struct BatchPart {
  let rows: Range<Int>
  let batch: Int

  /// The samples' rows of a value, a constant.
  func rows(of value: Variable) -> Variable {
    Variable(value.tensor.rows(range(in: value.shape)))
  }

  func shape(of whole: Shape) -> Shape { whole.replacing(0, with: range(in: whole).count) }

  private func range(in shape: Shape) -> Range<Int> {
    precondition(
      shape.rank > 0 && shape[0] % batch == 0, "jvp of rows: \(shape) has no row for each of \(batch) samples"
    )
    let each = shape[0] / batch
    return rows.lowerBound * each..<rows.upperBound * each
  }
}

extension Variable {
  fileprivate func dual(_ tangent: Tangent, level: Int) -> Variable {
    Variable(tensor: tensor, trace: Trace(level: level, outer: trace, role: .dual(tangent)))
  }

  fileprivate func primalAndTangent(of level: Int) -> (primal: Variable, tangent: Tangent?) {
    let (primal, role) = unwrapped(from: level)
    if case .dual(let tangent)? = role { return (primal, tangent) }
    return (primal, nil)
  }
}
