// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff

/// The maps that a loss compares, each of some rows of a batch: what a row is asked for, such as a class, is its own.
public struct ObjectiveMaps {
  /// The map of some of the rows.
  public typealias Map = (_ rows: Range<Int>) -> ManifoldMap
  /// A velocity v(z, t).
  public typealias Field = (_ z: Variable, _ t: Variable) -> Variable

  /// The map that is trained, recorded where a gradient is taken.
  public var online: Map
  /// What targets are made with: the same map of constant weights, or their moving average.
  public var teacher: Map
  /// Whether the teacher is the online map at its present weights: then one evaluation may serve for both.
  public var teacherIsOnline = false
  /// The teacher, asked for nothing in particular: what guidance leads away from.
  public var unconditional: Map?
  /// 1 for the rows that are asked for nothing in particular, [count, 1]; none if nil. They are not guided.
  public var unasked: Variable?
  /// The scale and the times that each row asks guidance for; those of the rule if nil.
  public var guidance: ((_ rows: Range<Int>) -> RowGuidance)?
  /// A velocity that is known already, that of a trained model: what is learnt in place of the path's.
  public var known: ((_ rows: Range<Int>) -> Field)?
  /// The velocity twice over on the diagonal: of the map and of a head that learns nothing else, recorded.
  public var pair:
    ((_ rows: Range<Int>) -> (_ z: Variable, _ t: Variable) -> (map: Variable, head: Variable))?
  /// The velocity of that head, a constant: what a derivative is taken along.
  public var head: ((_ rows: Range<Int>) -> Field)?
  /// The logarithm of the variance that errors between two times [count, 1] are expected to have, recorded.
  public var logVariance: ((_ r: Variable, _ t: Variable) -> Variable)?

  /// Maps of rows.
  public init(online: @escaping Map, teacher: @escaping Map) {
    self.online = online
    self.teacher = teacher
  }

  /// Maps that ask every row for the same.
  public init(online: ManifoldMap, teacher: ManifoldMap) {
    self.init(online: { _ in online }, teacher: { _ in teacher })
  }
}
