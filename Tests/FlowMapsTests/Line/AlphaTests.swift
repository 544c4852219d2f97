// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowTensor
import Glibc
import Testing

@testable import FlowMaps

/// Card 8: AlphaFlow.
@Suite("AlphaFlow")
struct AlphaTests {
  private static let line = Euclidean(dimension: 1)

  /// A network of two layers on state and times.
  private static func map(_ w: [Variable]) -> ManifoldMap {
    ManifoldMap(line) { z, r, t in matmul(matmul(concatenate([z, r, t], axis: 1), w[0]).map(.tanh), w[1]) }
  }

  private static var weights: [Variable] {
    var random = Random(key: 6)
    return [Variable(random.normal([3, 8])), Variable(random.normal([8, 1]).affine(scale: 0.5))]
  }

  private static var batch: JumpBatch {
    var random = Random(key: 7)
    let count = 24, x = Variable(random.normal([count, 1])), e = Variable(random.normal([count, 1]))
    let r = random.uniforms(count).map { 0.5 * $0 }
    let t = zip(r, random.uniforms(count)).map { $0 + 0.1 + (0.9 - $0) * $1 }
    let column = { (times: [Float]) in Variable(Tensor(times, shape: [count, 1])) }
    let path = { (time: Variable) in (1 - time) * x + time * e }
    return JumpBatch(
      z: path(column(t)), velocity: e - x, path: path, r: column(r),
      s: column(zip(r, t).map { ($0 + $1) / 2 }), t: column(t))
  }

  /// The loss and its gradient as one row of numbers.
  private static func step(_ error: (ManifoldMap, ManifoldMap) -> Variable) -> (
    loss: Double, gradient: [Double]
  ) {
    let teacher = map(weights.map(\.detached))
    let (value, gradient) = valueAndGradient(at: weights) { error(map($0), teacher).sum() }
    return (Double(value.tensor.item), gradient.flatMap { $0.tensor.elements.map { Double($0) } })
  }

  private static func step(_ target: any JumpTarget) -> (loss: Double, gradient: [Double]) {
    step { target.error(batch, online: $0, teacher: $1) }
  }

  private static func difference(_ x: [Double], _ y: [Double]) -> Double {
    let square = { (z: [Double]) in z.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    return square(zip(x, y).map { $0 - $1 }) / square(y)
  }

  @Test("a share of 1 is flow matching off the diagonal")
  func whole() {
    let plain = Self.step { online, _ in
      (online.velocity(Self.batch.z, r: Self.batch.r, t: Self.batch.t) - Self.batch.velocity).map(.square)
    }
    let found = Self.step(Alpha(share: 1))
    #expect(abs(found.loss - plain.loss) < 1e-5 * plain.loss)
    #expect(Self.difference(found.gradient, plain.gradient) < 1e-5)
  }

  @Test("a share of ½ of one's own velocity is twice the shortcut's loss")
  func half() {
    let b = Self.batch
    let shortcut = Self.step { online, teacher in
      // Its first half is a jump; AlphaFlow's goes along the velocity u(z, t, t).
      let asked = semigroupTarget(b.z, r: b.r, s: b.s, t: b.t) { z, r, t in
        teacher.velocity(z, r: distance(t, b.t) == 0 ? t : r, t: t)
      }
      return (online.velocity(b.z, r: b.r, t: b.t) - asked.detached).map(.square)
    }
    let found = Self.step(Alpha(share: 0.5, motion: .own))
    #expect(abs(found.loss - 2 * shortcut.loss) < 1e-5 * found.loss)
    #expect(Self.difference(found.gradient, shortcut.gradient.map { 2 * $0 }) < 1e-5)
  }

  @Test("as the share falls, loss and gradient become MeanFlow's, in proportion to it")
  func limit() {
    let meanFlow = Self.step(ManifoldMeanFlow(clip: 1e6))
    let errors = [0.08, 0.04, 0.02].map { share -> Double in
      let found = Self.step(Alpha(share: share))
      // The error counts 1/α, and the residual is about α of MeanFlow's.
      #expect(abs(found.loss / (share * meanFlow.loss) - 1) < 3 * share)
      return Self.difference(found.gradient, meanFlow.gradient)
    }
    for (coarse, fine) in zip(errors, errors.dropFirst()) {
      #expect(abs(coarse / fine - 2) < 0.2, "\(errors)")
    }
    #expect(errors[2] < 0.02, "\(errors)")
  }

  /// A fixed share keeps a bias: the map that has no error is Euler's method with steps of α of what is left.
  @Test(
    "the map without an error has the spread that is known",
    arguments: [(1, 0), (0.5, 0.36479), (0.25, 0.43956), (0.1, 0.47702), (0.05, 0.48868)])
  func bias(share: Double, wanted: Double) {
    let law = MixtureOnALine.normal
    let jump = { (z: Double, r: Double, t: Double) -> Double in
      var (z, t) = (z, t)
      while t - r > 1e-7 {
        z -= share * (t - r) * law.velocity(z, t)
        t -= share * (t - r)
      }
      return z
    }
    let map = ManifoldMap(Self.line) { z, r, t in
      elementwise(z, r, t) { z, r, t in
        t - r > 1e-6 ? (z - jump(z, r, t)) / (t - r) : law.velocity(z, t)
      }
    }
    let ends = [0.0, 1].map { jump($0, 0, 1) }
    #expect(abs(ends[1] - ends[0] - wanted) < 2e-5, "\(ends[1] - ends[0])")
    var batch = Self.batch
    batch.velocity = map.velocity(batch.z, at: batch.t)
    let error = { (target: Alpha) in
      Double(target.error(batch, online: map, teacher: map).mean().tensor.item) * target.share
    }
    let own = [error(Alpha(share: share)), error(Alpha(share: share, motion: .own))]
    #expect(own.allSatisfy { $0 < 5e-10 }, "\(own)")
    // Another share has an error there, so this one is pinned down.
    #expect(error(Alpha(share: share == 1 ? 0.5 : share / 2)) > 5e-9, "\(error(Alpha(share: share / 2)))")
  }

  @Test("adaptive weights do not fade as the share falls: they are of the error that MeanFlow would have")
  func adaptive() {
    let teacher = Self.map(Self.weights.map(\.detached)), weight = JumpWeight.adaptive(power: 1, offset: 0.01)
    let loss = { (target: any JumpTarget) -> Double in
      let error = target.error(Self.batch, online: teacher, teacher: teacher)
      let loss = weight.loss(
        error, r: Self.batch.r, t: Self.batch.t, scale: Float(target.scale), width: 1, logVariance: nil)
      return target.scale * Double(loss.mean().tensor.item)
    }
    let wanted = loss(ManifoldMeanFlow(clip: 1e6))
    #expect(abs(loss(Alpha(share: 0.02)) / wanted - 1) < 0.1, "\(loss(Alpha(share: 0.02))), \(wanted)")
  }

  @Test("the share falls from 1 over ½ to 0, and never rises")
  func schedule() {
    let schedule = AlphaSchedule(from: 0.1, to: 0.9)
    #expect(schedule.share(at: 0) == 1 && schedule.share(at: 0.1) == 1)
    #expect(abs(schedule.share(at: 0.5) - 0.5) < 1e-12)
    #expect(schedule.share(at: 0.9) == 0 && schedule.share(at: 1) == 0)
    let shares = (0...100).map { schedule.share(at: Double($0) / 100) }
    #expect(zip(shares, shares.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(shares.allSatisfy { $0 == 0 || $0 == 1 || ($0 >= 5e-3 && $0 <= 1 - 5e-3) })
  }
}
