// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// A bundle's flow map behind ``ManifoldModel``.
public final class FlowMapModel: ManifoldModel {
  /// What the model is.
  public let description: ManifoldModelDescription
  private let sampler: PointSampler

  /// A model that runs a bundle; `precision` overrides what the manifest says of how weights are stored.
  public init(_ bundle: ManifoldBundle, precision: InferencePrecision? = nil) {
    description = bundle.manifest.description(
      on: bundle.geometry, name: bundle.name, sha256: bundle.sha256,
      weightsByteCount: bundle.weightsByteCount, precision: precision ?? bundle.manifest.precision)
    sampler = PointSampler(bundle, precision: precision)
  }

  /// Loads the model in a folder; gives the memory that only loading needed back to the system.
  public convenience init(folder: String, precision: InferencePrecision? = nil) throws(BundleError) {
    self.init(try ManifoldBundle(folder: folder), precision: precision)
    TensorMemory.releaseUnused()
  }

  /// Begins a stream.
  public func makeStream(_ options: PointStreamOptions) -> any PointStream { FlowMapStream(sampler, options) }
}

/// A stream of a ``FlowMapModel``: the batch at hand, and how far it is.
final class FlowMapStream: PointStream {
  private let sampler: PointSampler
  private var options: PointStreamOptions
  private let schedule: PointSchedule
  private let times: Int
  private let memory: Workspace
  /// Points of batches that are done.
  private var first = 0
  /// Points of the batch at hand that are done.
  private var done = 0
  /// Steps that the points after those have been taken through; nil where they have not begun.
  private var step: Int?

  init(_ sampler: PointSampler, _ options: PointStreamOptions) {
    self.sampler = sampler
    self.options = options
    schedule = sampler.schedule(options.walk)
    times = options.wantsTrajectory ? options.walk.evaluations + 1 : 1
    memory = Workspace(count: options.batch * times * sampler.geometry.ambient)
  }

  private init(copying other: FlowMapStream) {
    (sampler, options, schedule, times) = (other.sampler, other.options, other.schedule, other.times)
    memory = Workspace(copying: other.memory)
    (first, done, step) = (other.first, other.done, other.step)
  }

  func copy() -> any PointStream { FlowMapStream(copying: self) }

  /// Given starts are counted although copies share them.
  var byteCount: Int { memory.byteCount + 4 * (options.start?.count ?? 0) }

  func reseed(_ seed: UInt64) { options.seed = seed }

  private var count: Int { min(options.batch, (options.count ?? .max) - first) }
  private var stride: Int { times * sampler.geometry.ambient }

  func advance(for budget: Duration, unless cancellation: Cancellation) throws(AdvanceError) -> PointBatch? {
    precondition(count > 0, "FlowMapStream: all points have come")
    let start = ContinuousClock.now
    repeat {
      do throws(Cancelled) { try cancellation.check() } catch { throw .cancelled }
      advanceOnce()
    } while done < count && start.duration(to: .now) < budget
    return done == count ? try finish() : nil
  }

  /// One run of the team, of bounded time.
  private func advanceOnce() {
    let slice = PointSlice(
      x: memory.floats + done * stride, stride: stride, times: times,
      count: min(sampler.rowsPerRun, count - done))
    let begun = step ?? begin(slice)
    let next = min(options.walk.evaluations, begun + sampler.stepsPerRun)
    sampler.walk(slice, schedule, steps: begun..<next)
    if next == options.walk.evaluations {
      done += slice.count
      step = nil
    } else {
      step = next
    }
  }

  private func begin(_ slice: PointSlice) -> Int {
    if let points = options.start {
      let ambient = sampler.geometry.ambient
      points.withUnsafeBufferPointer { points in
        for row in 0..<slice.count {
          let point = points.baseAddress! + (first + done + row) * ambient
          (slice.x + row * slice.stride).update(from: point, count: ambient)
        }
      }
      sampler.project(slice)
    } else {
      sampler.draw(slice, seed: options.seed, first: first + done)
    }
    return 0
  }

  private func finish() throws(AdvanceError) -> PointBatch {
    let numbers = count * stride
    guard Floats.areFinite(numbers, memory.floats) else {
      throw .numerical(place: "the points from \(first) on")
    }
    let bytes = [UInt8](UnsafeRawBufferPointer(start: memory.floats, count: 4 * numbers))
    let ambient = sampler.geometry.ambient
    let batch = PointBatch(
      first: first, shape: options.wantsTrajectory ? [count, times, ambient] : [count, ambient], bytes: bytes)
    first += count
    done = 0
    return batch
  }
}
