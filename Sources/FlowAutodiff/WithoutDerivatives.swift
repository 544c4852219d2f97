// SPDX-License-Identifier: Apache-2.0

/// The value of a function as a constant, computed as one: no transformation outside sees how it was made, though
/// `function` captures variables that are being differentiated.
///
/// Detaching the result of a plain call gives the same value; but there a gradient being taken records every step
/// and holds its memory. Here it records nothing that `arguments` take part in, and all is freed as it goes.
public func withoutDerivatives(
  at arguments: [Variable], of function: ([Variable]) throws -> Variable
) rethrows -> Variable {
  let level = Level.next()
  let constants = arguments.map { argument in
    Variable(tensor: argument.tensor, trace: Trace(level: level, outer: nil, role: .constant))
  }
  return try function(constants).detached
}
