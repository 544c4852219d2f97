// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// Rows that learn to jump from t over s to r.
public struct JumpBatch {
  /// The state at t.
  public var z: Variable
  /// The velocity of the row's own path at z.
  public var velocity: Variable
  /// Where the row's own path is at another time [count, 1].
  public var path: (_ time: Variable) -> Variable
  /// Where the jump lands, [count, 1].
  public var r: Variable
  /// A time between.
  public var s: Variable
  /// Where the jump starts.
  public var t: Variable
  /// A velocity v(z, t) that is known already; the teacher's stands for it if nil.
  public var known: ObjectiveMaps.Field?
  /// The velocity of a head of its own, which derivatives are taken along; the teacher's stands for it if nil.
  public var head: ObjectiveMaps.Field?
  /// Whether the teacher is the online map at its present weights: then one evaluation may serve for both.
  public var teacherIsOnline: Bool

  /// Rows, all given.
  public init(
    z: Variable, velocity: Variable, path: @escaping (_ time: Variable) -> Variable, r: Variable, s: Variable,
    t: Variable, known: ObjectiveMaps.Field? = nil, head: ObjectiveMaps.Field? = nil,
    teacherIsOnline: Bool = false
  ) {
    self.known = known
    self.head = head
    self.teacherIsOnline = teacherIsOnline
    self.z = z
    self.velocity = velocity
    self.path = path
    self.r = r
    self.s = s
    self.t = t
  }
}

/// What a jump is compared with: one characterisation of a flow map, as a squared error a row.
///
/// An exact flow map has no error under any of them, but for ``Alpha`` of a fixed share. `online` is differentiated; `teacher` is a copy of it that is
/// constant, or the moving average.
public protocol JumpTarget: Sendable {
  /// The squared error, [count, 1].
  func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable

  /// What the target is at a progress of 0…1 of the training.
  func at(progress: Double) -> any JumpTarget

  /// What an error is multiplied by to be as great as that of a derivative: adaptive weights are taken of the product.
  var scale: Double { get }
}

extension JumpBatch {
  /// The velocity of the flow, a constant: the known one, or the teacher's.
  func flow(_ teacher: ManifoldMap, at z: Variable, _ t: Variable) -> Variable {
    (known?(z, t) ?? teacher.velocity(z, at: t)).detached
  }
}

extension JumpTarget {
  /// The same throughout.
  public func at(progress: Double) -> any JumpTarget { self }
  /// 1.
  public var scale: Double { 1 }
}

extension Variable {
  /// Ones of this shape: the tangent of a time that runs.
  var running: Variable { Variable(Tensor(repeating: 1, shape: shape)) }

  /// The unit row [1, width] along one coordinate.
  static func unit(_ coordinate: Int, of width: Int) -> Variable {
    Variable(Tensor((0..<width).map { $0 == coordinate ? 1 : 0 }, shape: [1, width]))
  }
}
