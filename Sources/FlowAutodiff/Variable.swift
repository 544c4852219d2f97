// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// A tensor that derivatives can flow through: plain, or recorded on the tape of a gradient being taken.
///
/// Transformations nest: a recorded variable holds a variable of the transformation outside it, down to a
/// plain tensor.
public struct Variable {
  enum Form {
    case plain(Tensor)
    indirect case recorded(Variable, on: Tape, at: Place)
  }

  let form: Form

  init(form: Form) { self.form = form }

  /// A constant.
  public init(_ tensor: Tensor) { form = .plain(tensor) }

  /// A constant scalar.
  public init(_ value: Float) { self.init(Tensor(value)) }

  /// The value under all transformations.
  public var tensor: Tensor {
    switch form {
    case .plain(let tensor): tensor
    case .recorded(let primal, _, _): primal.tensor
    }
  }

  /// The extents of the axes.
  public var shape: Shape { tensor.shape }

  /// The same value as a constant: no derivative flows through it.
  public var detached: Variable { Variable(tensor) }

  /// The innermost tape that this variable is recorded on.
  var tape: Tape? {
    if case .recorded(_, let tape, _) = form { tape } else { nil }
  }

  /// The variable as the transformations outside `tape` see it, and its place on `tape`.
  func unwrapped(from tape: Tape) -> (primal: Variable, place: Place?) {
    if case .recorded(let primal, let own, let place) = form, own === tape {
      (primal, place)
    } else {
      (self, nil)
    }
  }
}
