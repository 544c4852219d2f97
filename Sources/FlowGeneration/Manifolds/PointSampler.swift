// SPDX-License-Identifier: Apache-2.0

package import FlowMaps
package import FlowNN
public import FlowTensor

/// A network that walks points of a manifold: X_{t→r}(x) = exp_x(−(t − r)·P_x u(x, r, t)), step after step.
///
/// A task of the team takes its rows in blocks whose activations stay in a core's own cache, each through as many steps as
/// fit into a run of the team. Nothing is allocated after the first walk of a schedule.
///
/// Not Sendable: one thread drives it.
public final class PointSampler {
  /// Where the points lie.
  public let geometry: PointGeometry
  /// Where they start from when no start is given.
  public let prior: ManifoldPrior
  private let kind: SamplerKind
  private let network: CompiledMLP
  private let rooms: [MLPRows]
  /// The most rows of a task.
  private let taskRows: Int
  private let work: SamplerWork
  private var schedules: [PointWalk: PointSchedule] = [:]

  /// The most schedules whose biases are kept.
  private static let scheduleLimit = 16
  /// Operations of a task in one run of the team, about: a tenth of a millisecond. A run has several tasks a core, so that
  /// no core waits long for the last.
  private static let taskOperations = 20_000_000

  /// A sampler of a bundle's network, its weights stored as `precision` says.
  public convenience init(_ bundle: ManifoldBundle, precision: InferencePrecision? = nil) {
    self.init(
      CompiledMLP(bundle.network, weights: bundle.weights, precision: precision ?? bundle.manifest.precision),
      bundle.geometry, prior: bundle.manifest.prior, kind: bundle.manifest.sampler, head: bundle.manifest.head
    )
  }

  package init(
    _ network: CompiledMLP, _ geometry: PointGeometry, prior: ManifoldPrior = .standard,
    kind: SamplerKind = .jumps,
    head: Head = .velocity
  ) {
    self.network = network
    self.geometry = geometry
    self.prior = prior
    self.kind = kind
    rooms = (0..<Self.roomCount).map { _ in network.makeRows() }
    let block = rooms[0].capacity
    taskRows = min(1024, max(block, Self.taskOperations / max(1, network.operations) / block * block))
    work = SamplerWork(network, geometry, prior, head, rooms)
  }

  /// How many tasks a run of the team has at most, each with room of its own.
  static var roomCount: Int { 4 * Team.size }

  /// How many points a run of the team takes at most.
  var rowsPerRun: Int { rooms.count * taskRows }

  /// How many evaluations of its rows a task takes.
  var stepsPerRun: Int { max(1, 2 * Self.taskOperations / max(1, network.operations * taskRows)) }

  /// The schedule of a walk.
  func schedule(_ walk: PointWalk) -> PointSchedule {
    if let known = schedules[walk] { return known }
    if schedules.count >= Self.scheduleLimit { schedules.removeAll() }
    let schedule = PointSchedule(walk, kind, network)
    schedules[walk] = schedule
    return schedule
  }

  /// Points of the prior into `rows`, the first of number `first`.
  func draw(_ rows: PointSlice, seed: UInt64, first: Int) {
    work.task = .draw(rows, seed: seed, first: first)
    run(rows.count)
  }

  /// Puts points on the manifold that are near it.
  func project(_ rows: PointSlice) {
    work.task = .project(rows)
    run(rows.count)
  }

  /// Takes points, at most ``rowsPerRun``, through some steps of a schedule.
  func walk(_ rows: PointSlice, _ schedule: PointSchedule, steps: Range<Int>) {
    schedule.prepare(steps)
    work.task = .walk(rows, schedule, steps)
    run(rows.count)
  }

  private func run(_ count: Int) {
    work.count = count
    // An equal share for every task, so that no core is left with more than the others.
    let tasks = min(rooms.count, max(Team.size, (count + rooms[0].capacity - 1) / rooms[0].capacity))
    let share = (count + tasks - 1) / tasks
    work.share = (share + 7) / 8 * 8
    Team.run((count + work.share - 1) / work.share, work)
  }

  /// Where the walk takes points [count, ambient]; a walk of its own, all at once.
  public func transport(_ points: Tensor, _ walk: PointWalk) -> Tensor {
    let ambient = geometry.ambient, schedule = schedule(walk)
    precondition(
      points.shape.rank == 2 && points.shape[1] == ambient, "PointSampler: points of shape \(points.shape)")
    return Tensor(points.shape) { x in
      points.withElements { x.initialize(from: $0.baseAddress!, count: $0.count) }
      follow(x, points.shape[0], schedule)
    }
  }

  /// `count` points [count, ambient] that the walk takes from the prior.
  public func sample(_ count: Int, seed: UInt64, _ walk: PointWalk) -> Tensor {
    let schedule = schedule(walk)
    return Tensor([count, geometry.ambient]) { x in
      x.initialize(repeating: 0, count: count * geometry.ambient)
      var first = 0
      while first < count {
        let rows = slice(x, from: first, of: count)
        draw(rows, seed: seed, first: first)
        first += rows.count
      }
      follow(x, count, schedule)
    }
  }

  /// Walks `count` points in place; allocates nothing once the schedule is known.
  package func follow(_ x: UnsafeMutablePointer<Float>, _ count: Int, _ schedule: PointSchedule) {
    var first = 0
    while first < count {
      let rows = slice(x, from: first, of: count)
      walk(rows, schedule, steps: 0..<schedule.walk.evaluations)
      first += rows.count
    }
  }

  /// The schedule of a walk, for ``follow(_:_:_:)``.
  package func makeSchedule(_ walk: PointWalk) -> PointSchedule { schedule(walk) }

  private func slice(_ x: UnsafeMutablePointer<Float>, from first: Int, of count: Int) -> PointSlice {
    PointSlice(
      x: x + first * geometry.ambient, stride: geometry.ambient, times: 1,
      count: min(rowsPerRun, count - first))
  }
}

/// Rows of points that a sampler works on: [count, times, ambient], of which the walk overwrites one time or fills all.
struct PointSlice {
  /// The first number of the first point.
  let x: UnsafeMutablePointer<Float>
  /// Numbers from one point to the next.
  let stride: Int
  /// 1 where points are moved in place; otherwise one more than the steps of the whole walk.
  let times: Int
  /// How many points.
  let count: Int
}

/// The times of a walk, and what a network makes of them.
package final class PointSchedule {
  package let walk: PointWalk
  private let kind: SamplerKind
  private let network: CompiledMLP
  private var times: [MLPTimes?]

  init(_ walk: PointWalk, _ kind: SamplerKind, _ network: CompiledMLP) {
    self.walk = walk
    self.kind = kind
    self.network = network
    times = [MLPTimes?](repeating: nil, count: walk.evaluations)
  }

  /// Makes the biases of some steps, which are kept.
  func prepare(_ steps: Range<Int>) {
    FlowTensor.walk(steps.count) { offset in
      let step = steps.lowerBound + offset
      if times[step] == nil {
        let t = walk.time(step)
        times[step] = network.times(r: kind == .euler ? t : walk.time(step + 1), t: t)
      }
    }
  }

  func times(_ step: Int) -> MLPTimes { times[step].unsafelyUnwrapped }

  /// −(t − r), by which the answer at a step is multiplied.
  func scale(_ step: Int) -> Float { walk.time(step + 1) - walk.time(step) }
}

/// What the team is given: tasks of `share` rows, each with room of its own.
private final class SamplerWork: TeamWork {
  enum Task {
    case none
    case draw(PointSlice, seed: UInt64, first: Int)
    case project(PointSlice)
    case walk(PointSlice, PointSchedule, Range<Int>)
  }

  var task = Task.none
  var count = 0
  var share = 1
  private let network: CompiledMLP
  private let geometry: PointGeometry
  private let prior: ManifoldPrior
  private let head: Head
  private let rooms: [MLPRows]

  init(
    _ network: CompiledMLP, _ geometry: PointGeometry, _ prior: ManifoldPrior, _ head: Head,
    _ rooms: [MLPRows]
  ) {
    self.network = network
    self.geometry = geometry
    self.prior = prior
    self.head = head
    self.rooms = rooms
  }

  func perform(_ index: Int) {
    let first = index * share, rows = min(share, count - first)
    switch task {
    case .none: break
    case .draw(let slice, let seed, let number):
      prior.draw(
        rows, on: geometry, seed: seed, first: number + first, into: slice.x + first * slice.stride,
        stride: slice.stride)
    case .project(let slice): geometry.project(rows, slice.x + first * slice.stride, stride: slice.stride)
    case .walk(let slice, let schedule, let steps):
      let room = rooms[index]
      FlowTensor.walk((rows + room.capacity - 1) / room.capacity) { block in
        let row = block * room.capacity
        FlowTensor.walk(steps.count) { offset in
          advance(
            min(room.capacity, rows - row), slice.x + (first + row) * slice.stride, slice, schedule,
            steps.lowerBound + offset, room)
        }
      }
    }
  }

  private func advance(
    _ rows: Int, _ start: UnsafeMutablePointer<Float>, _ slice: PointSlice, _ schedule: PointSchedule,
    _ step: Int,
    _ room: MLPRows
  ) {
    var x = start
    if slice.times > 1 {
      let ambient = geometry.ambient
      let before = start + step * ambient
      x = before + ambient
      FlowTensor.walk(rows) { row in
        (x + row * slice.stride).update(from: before + row * slice.stride, count: ambient)
      }
    }
    let u = network.evaluate(rows, x, stride: slice.stride, at: schedule.times(step), in: room)
    geometry.step(
      rows, head, scale: schedule.scale(step), along: u, uStride: network.answerStride, from: x,
      stride: slice.stride)
  }
}
