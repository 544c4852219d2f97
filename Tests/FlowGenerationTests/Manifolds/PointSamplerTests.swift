// SPDX-License-Identifier: Apache-2.0

import AllocationCounter
import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowNN
import FlowTensor
import FlowTestSupport
import Testing

@testable import FlowGeneration

@Suite("Walks of points")
struct PointSamplerTests {
  /// All points of a stream, and how many calls each batch took.
  private func collect(
    _ bundle: ManifoldBundle, _ options: PointStreamOptions, budget: Duration = .seconds(1)
  ) throws -> (bytes: [UInt8], shapes: [[Int]], calls: Int) {
    let stream = FlowMapModel(bundle).makeStream(options)
    var bytes: [UInt8] = [], shapes: [[Int]] = [], calls = 0, left = options.count ?? 0
    while left > 0 {
      calls += 1
      guard let batch = try stream.advance(for: budget) else { continue }
      bytes += batch.bytes
      shapes.append(batch.shape)
      left -= batch.shape[0]
    }
    return (bytes, shapes, calls)
  }

  @Test(
    "a walk is the flow map's, step by step",
    arguments: ["sphere(2)", "torus(3)", "so(3)", "spd(2)", "poincare(2)"],
    [1, 3])
  func walk(geometry: String, evaluations: Int) throws {
    let bundle = try tinyManifold("tiny", geometry: geometry), space = try manifold(named: geometry)
    let map = ManifoldMap(space) { bundle.network($0, r: $1, t: $2, Parameters(bundle.weights)) }
    var random = Random(key: 2)
    let z = space.samplePrior(200, &random)
    let wanted = map.sample(z, schedule: uniformSchedule(steps: evaluations)).elements
    let found = PointSampler(bundle).transport(z, PointWalk(evaluations: evaluations)).elements
    for (a, b) in zip(found, wanted) {
      let apart = min(abs(a - b), geometry.hasPrefix("torus") ? abs(abs(a - b) - 2 * .pi) : .infinity)
      // Three exponentials of matrices multiply what rounding does to the first.
      #expect(apart < (geometry == "spd(2)" ? 1e-3 : 1e-4) * max(1, abs(b)), "\(a) for \(b)")
    }
  }

  @Test(
    "points depend on the seed and their number, not on batches, budgets or the trajectory",
    arguments: [1, 5])
  func reproducible(evaluations: Int) throws {
    let bundle = try tinyManifold("tiny")
    var options = PointStreamOptions(
      seed: 7, walk: PointWalk(evaluations: evaluations), count: 1000, batch: 1000)
    let whole = try collect(bundle, options)
    #expect(whole.shapes == [[1000, 3]])
    options.batch = 33
    let cut = try collect(bundle, options, budget: .zero)
    #expect(cut.bytes == whole.bytes && cut.shapes.count == 31 && cut.shapes.last == [10, 3])
    options.wantsTrajectory = true
    let walked = try collect(bundle, options)
    #expect(walked.shapes[0] == [33, evaluations + 1, 3])
    let stride = 12 * (evaluations + 1)
    let ends = (0..<1000).flatMap { walked.bytes[($0 + 1) * stride - 12..<($0 + 1) * stride] }
    #expect(ends == whole.bytes)
    options.seed = 8
    #expect(try collect(bundle, options).bytes != walked.bytes)
  }

  @Test("a long walk of a large batch stops when its time is up and goes on where it was")
  func budget() throws {
    let bundle = try tinyManifold("tiny", width: 512, layers: 3)
    let options = PointStreamOptions(seed: 1, walk: PointWalk(evaluations: 4), count: 4096, batch: 4096)
    let hurried = try collect(bundle, options, budget: .zero),
      whole = try collect(bundle, options, budget: .seconds(60))
    #expect(hurried.bytes == whole.bytes && whole.calls == 1 && hurried.calls >= 8, "\(hurried.calls) calls")
  }

  @Test("from given points, nowhere leaves them where they are, and a trajectory begins with them")
  func start() throws {
    let bundle = try tinyManifold("tiny")
    var options = PointStreamOptions(
      seed: 1, walk: PointWalk(start: 0.4, end: 0.4, evaluations: 1), count: 2, batch: 2,
      start: [1, 0, 0, 0, 0.6, 0.8])
    let same = try collect(bundle, options).bytes.floats
    #expect(zip(same, options.start!).allSatisfy { abs($0 - $1) < 1e-6 })
    options.walk = PointWalk(start: 0.5, end: 0.1, evaluations: 2)
    options.wantsTrajectory = true
    let walked = try collect(bundle, options).bytes.floats
    #expect(zip(walked[..<3], [1, 0, 0]).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(walked[3..<6] != walked[..<3])
    let parts = PointSampler(bundle).transport(
      Tensor(options.start!, shape: [2, 3]), options.walk
    ).elements
    #expect(parts[..<3] == walked[6..<9])
  }

  @Test("a coordinate that is not finite ends the stream")
  func numerical() throws {
    let good = try tinyManifold("tiny", geometry: "euclidean(3)")
    let weights = good.weights.map { $0.affine(scale: .infinity) }
    let bad = try ManifoldBundle(name: "bad", manifest: good.manifest, weights: weights)
    #expect(throws: AdvanceError.self) {
      try collect(bad, PointStreamOptions(seed: 1, walk: PointWalk(evaluations: 1), count: 5, batch: 5))
    }
  }

  /// A process of its own: other tests allocate meanwhile.
  @Test(
    "once a schedule has been seen, a walk allocates nothing",
    arguments: ["sphere(2)", "torus(7)", "so(3)", "se(3)", "power(se(3),3)", "power(sphere(2),8)"])
  func allocations(geometry: String) async {
    await #expect(processExitsWith: .success) { [geometry] in
      let bundle = try tinyManifold("tiny", geometry: geometry, width: 64)
      let sampler = PointSampler(bundle), schedule = sampler.makeSchedule(PointWalk(evaluations: 3))
      let points = Workspace(count: 2000 * bundle.geometry.ambient)
      bundle.geometry.draw(2000, seed: 1, first: 0, into: points.floats, stride: bundle.geometry.ambient)
      sampler.follow(points.floats, 2000, schedule)
      allocation_counter_start()
      for _ in 0..<4 { sampler.follow(points.floats, 2000, schedule) }
      let count = allocation_counter_stop()
      #expect(count == 0, "\(count) allocations in 4 walks")
    }
  }
}

extension [UInt8] {
  fileprivate var floats: [Float] {
    withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }
}
