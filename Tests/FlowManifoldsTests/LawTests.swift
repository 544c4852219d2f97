// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowTensor
import Testing

@Suite("Laws of manifolds")
struct LawTests {
  @Test(
    "points of the prior and of exp are on the manifold, and projecting leaves them", arguments: manifoldTable
  )
  func points(laws: ManifoldCase) {
    let check = ManifoldCheck(laws)
    for (point, what) in [(check.x, "the prior"), (check.y, "exp")] {
      check.expectPoints(point, "\(what)")
      check.expect(check.manifold.projected(point), point, "projecting \(what)")
    }
    #expect(check.x.shape == [ManifoldCheck.count, check.manifold.ambient])
  }

  @Test("a row off the manifold projects to a point on it", arguments: manifoldTable)
  func projection(laws: ManifoldCase) {
    let check = ManifoldCheck(laws)
    var random = Random(key: 5)
    let row = check.x + 0.05 * Variable(random.normal(check.x.shape))
    check.expectPoints(check.manifold.projected(row), "a projection")
  }

  @Test(
    "tangent is a linear projection, and the frame of all axes is one of Parseval", arguments: manifoldTable)
  func tangents(laws: ManifoldCase) {
    let check = ManifoldCheck(laws), manifold = check.manifold, x = check.x
    var random = Random(key: 3)
    let a = Variable(random.normal(x.shape)), b = Variable(random.normal(x.shape))
    let tangent = manifold.tangent(a, at: x)
    check.expectTangents(tangent, at: x, "the tangent part")
    check.expect(
      manifold.tangent(2 * a - b, at: x), 2 * tangent - manifold.tangent(b, at: x), "linearity")
    check.expectTangents(check.u, at: x, "a frame's tangent")
    var sum = Variable(.zeros([ManifoldCheck.count, 1]))
    for axis in 0..<manifold.ambient {
      let z = Tensor((0..<manifold.ambient).map { $0 == axis ? 1 : 0 }, shape: [1, manifold.ambient])
      let frame = manifold.frame(Variable(z.broadcast(to: x.shape)), at: x)
      sum = sum + manifold.inner(frame, check.v, at: x).map(.square)
    }
    check.expect(sum, manifold.inner(check.v, check.v, at: x), "the frame's squares")
  }

  @Test(
    "exp and log undo each other; log is tangent; exp of 0 stays, with derivative 1", arguments: manifoldTable
  )
  func inverse(laws: ManifoldCase) {
    let check = ManifoldCheck(laws), manifold = check.manifold, x = check.x
    let log = manifold.log(x, check.y)
    check.expect(log, check.u, times: 3, "log of exp")
    check.expect(manifold.exp(x, log), check.y, times: 3, "exp of log")
    check.expectTangents(log, at: x, "log")
    let zero = Variable(.zeros(x.shape))
    let (stays, derivative) = jvp(at: [zero], along: [check.v]) { manifold.exp(x, $0[0]) }
    check.expect(stays, x, "exp of 0")
    check.expect(derivative, check.v, "the derivative of exp at 0")
    check.expectZero(manifold.log(x, x), times: 3, "log of the point itself")
  }

  @Test(
    "distance is a metric and the length of log; its derivative is the unit log", arguments: manifoldTable)
  func distance(laws: ManifoldCase) {
    let check = ManifoldCheck(laws), manifold = check.manifold, x = check.x, y = check.y
    let distance = manifold.distance(x, y)
    check.expect(distance, manifold.norm(check.u, at: x), times: 3, "the distance to exp")
    check.expect(distance, manifold.distance(y, x), times: 3, "symmetry")
    check.expect(distance, manifold.norm(manifold.log(x, y), at: x), times: 3, "the length of log")
    check.expectZero(manifold.distance(x, x), times: 3, "the distance of a point to itself")
    let z = manifold.exp(x, check.v * 0.05)
    let detour = manifold.distance(x, z) + manifold.distance(z, y) - distance
    #expect(detour.tensor.elements.allSatisfy { Double($0) >= -10 * laws.tolerance }, "triangle inequality")
    let v = manifold.transport(check.v, from: x, to: y)
    let derivative = jvp(at: [y], along: [v]) { manifold.distance(x, $0[0]) }.tangent
    check.expect(
      derivative * distance, -manifold.inner(manifold.log(y, x), v, at: y), times: 10, "the derivative")
  }

  @Test("geodesics run between their ends at constant speed", arguments: manifoldTable)
  func geodesic(laws: ManifoldCase) {
    let check = ManifoldCheck(laws), manifold = check.manifold, x = check.x, y = check.y
    let times = { (t: Float) in Variable(Tensor(repeating: t, shape: [ManifoldCheck.count, 1])) }
    check.expect(manifold.geodesic(from: x, to: y, at: times(0)).point, x, "the start")
    check.expect(manifold.geodesic(from: x, to: y, at: times(1)).point, y, times: 3, "the end")
    let length = manifold.distance(x, y)
    for t: Float in [0, 0.3, 0.8] {
      let (point, velocity) = manifold.geodesic(from: x, to: y, at: times(t))
      check.expectPoints(point, "the geodesic")
      check.expectTangents(velocity, at: point, "its velocity")
      check.expect(manifold.norm(velocity, at: point), length, times: 3, "its speed")
      check.expect(manifold.distance(x, point), t * length, times: 3, "how far it is")
      check.expect((1 - t) * velocity, manifold.log(point, y), times: 10, "where it goes")
      let derivative = jvp(at: [times(t)], along: [times(1)]) {
        manifold.geodesic(from: x, to: y, at: $0[0]).point
      }.tangent
      check.expect(derivative, velocity, times: 3, "its derivative")
    }
  }

  @Test(
    "transport keeps inner products, is undone backwards, and moves the geodesic's velocity",
    arguments: manifoldTable)
  func transport(laws: ManifoldCase) {
    let check = ManifoldCheck(laws), manifold = check.manifold, x = check.x, y = check.y
    let v = manifold.transport(check.v, from: x, to: y), w = manifold.transport(check.w, from: x, to: y)
    check.expectTangents(v, at: y, "a transported tangent")
    check.expect(
      manifold.inner(v, w, at: y), manifold.inner(check.v, check.w, at: x), times: 3, "an inner product")
    check.expect(manifold.transport(v, from: y, to: x), check.v, times: 10, "the way back")
    check.expect(
      manifold.transport(manifold.log(x, y), from: x, to: y), -manifold.log(y, x), times: 10, "the velocity")
    check.expect(manifold.transport(check.v, from: x, to: x), check.v, times: 3, "staying")
  }

  @Test(
    "transport is that of the Levi-Civita connection: a pole ladder comes to the same",
    arguments: manifoldTable)
  func ladder(laws: ManifoldCase) {
    let check = ManifoldCheck(laws), manifold = check.manifold, x = check.x
    let step: Float = 0.1
    let u = step * laws.reach * check.w, y = manifold.exp(x, u), middle = manifold.exp(x, 0.5 * u)
    let size = step * min(laws.reach, 1), near = manifold.exp(x, size * check.v)
    let reflected = manifold.exp(middle, -manifold.log(middle, near))
    let found = (-1 / size) * manifold.log(y, reflected)
    // The ladder's own error is the third power of its steps times the derivative of curvature.
    check.expect(
      found, manifold.transport(check.v, from: x, to: y), times: Double(30 / size), "the pole ladder")
  }

  @Test("how exp stretches volume is the determinant of its derivative", arguments: manifoldTable)
  func volume(laws: ManifoldCase) {
    let check = ManifoldCheck(laws), manifold = check.manifold
    guard manifold.ambient <= 27 else { return }
    check.expect(
      manifold.logVolumeOfExp(check.x, check.u),
      manifold.logVolumeOfExpByDifferential(check.x, check.u), times: 30, "the log of the volume")
  }

  /// div grad (d²/2) = n + s·∂/∂s log |det d exp(s·u)| on every manifold; the gradient is −log_y(x).
  @Test(
    "the divergence of a field is the trace of its ambient derivative and that of the volume",
    arguments: manifoldTable)
  func divergence(laws: ManifoldCase) {
    let check = ManifoldCheck(laws), manifold = check.manifold, x = check.x, y = check.y
    guard manifold.ambient <= 27 else { return }
    let field = { (y: Variable) in -manifold.log(manifold.projected(y), x) }
    var divergence = jvp(at: [y], along: [field(y)]) { manifold.logVolumeDensity($0[0]) }.tangent
    for axis in 0..<manifold.ambient {
      let e = Tensor((0..<manifold.ambient).map { $0 == axis ? 1 : 0 }, shape: [1, manifold.ambient])
      let direction = Variable(e.broadcast(to: y.shape))
      let derivative = jvp(at: [y], along: [direction]) { field($0[0]) }.tangent
      divergence = divergence + (derivative * direction).sum(axes: [1], keepingAxes: true)
    }
    let one = Variable(Tensor(repeating: 1, shape: [ManifoldCheck.count, 1]))
    let stretch = jvp(at: [one], along: [one]) { manifold.logVolumeOfExp(x, $0[0] * check.u) }.tangent
    check.expect(divergence, stretch + Float(manifold.dimension), times: 30, "the Laplacian of d²/2")
  }
}
