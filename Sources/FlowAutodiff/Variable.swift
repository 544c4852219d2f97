// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// A tensor that derivatives can flow through: plain, recorded on the tape of a gradient being taken, or
/// carrying the tangent of a forward derivative.
///
/// Transformations nest: seen from outside the innermost one, a variable is a variable of the next, down to a
/// plain tensor.
public struct Variable {
  /// The value under all transformations.
  public let tensor: Tensor
  /// What the innermost transformation knows of it; nil for a constant.
  let trace: Trace?

  init(tensor: Tensor, trace: Trace?) {
    self.tensor = tensor
    self.trace = trace
  }

  /// A constant.
  public init(_ tensor: Tensor) { self.init(tensor: tensor, trace: nil) }

  /// A constant scalar.
  public init(_ value: Float) { self.init(Tensor(value)) }

  /// The extents of the axes.
  public var shape: Shape { tensor.shape }

  /// The same value as a constant: no derivative flows through it, of no transformation.
  public var detached: Variable { Variable(tensor) }

  /// The variable as the transformations outside `level` see it, and its part in the one of that level.
  func unwrapped(from level: Int) -> (primal: Variable, role: Trace.Role?) {
    guard let trace, trace.level == level else { return (self, nil) }
    return (Variable(tensor: tensor, trace: trace.outer), trace.role)
  }
}

/// What one transformation knows of a variable, and what those outside it know.
///
/// All transformations share the value; so unwrapping takes nothing but a look at `outer`.
final class Trace {
  enum Role {
    /// The value is result number `place` of the operations on a tape.
    case recorded(on: Tape, at: Int)
    /// The value has a tangent.
    case dual(Tangent)
    /// What is made of the value is a constant too, whatever the variables beside it.
    case constant
  }

  /// Transformations begun later are inside those begun earlier: theirs is the higher level.
  let level: Int
  let outer: Trace?
  let role: Role

  init(level: Int, outer: Trace?, role: Role) {
    self.level = level
    self.outer = outer
    self.role = role
  }
}
