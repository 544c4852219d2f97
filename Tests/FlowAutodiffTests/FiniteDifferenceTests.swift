// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

@Suite("Finite differences")
struct FiniteDifferenceTests {
  @Test("the difference of a cube is 3x² + δ²", arguments: [Float(0.5), 0.25, 0.125])
  func cube(step: Float) {
    let x = Variable(Tensor([1, -2, 0.5]))
    let (value, tangent) = finiteDifferenceJVP(at: [x], along: [Variable(Tensor([1, 1, 1]))], step: step) {
      $0[0].power(3)
    }
    #expect(value.tensor.elements == [1, -8, 0.125])
    let wanted = [3, 12, 0.75].map { $0 + Double(step * step) }
    #expect((Vector([tangent]) - Vector(wanted)).norm < 1e-5)
  }

  @Test("at its usual step the difference of a network is its tangent to a thousandth")
  func network() {
    var random = Random(key: 3)
    let x = Variable(random.normal([4, 6])), v = Variable(random.normal([4, 6]))
    let w = Variable(random.normal([6, 5]))
    let function: ([Variable]) -> Variable = {
      matmul($0[0], w).map(.tanh) * $0[0].sum(axes: [1], keepingAxes: true)
    }
    let exact = jvp(at: [x], along: [v], of: function).tangent
    let found = finiteDifferenceJVP(at: [x], along: [v], of: function).tangent
    #expect((Vector([found]) - Vector([exact])).norm < 1e-3 * Vector([exact]).norm)
  }

  @Test("a gradient flows through a difference, and not through a detached one")
  func nested() {
    let x = Variable(Tensor([1, 2])), w = Variable(Tensor([3, -1])), one = Variable(Tensor([1, 1]))
    // ∂/∂w Σ d/dx (w²x²) = 4wx.
    let through = gradient(at: [w]) { w in
      finiteDifferenceJVP(at: [x], along: [one]) { ($0[0] * w[0]).map(.square) }.tangent.sum()
    }
    #expect((Vector(through) - Vector([12, -8])).norm < 2e-2)
    let detached = gradient(at: [w]) { w in
      finiteDifferenceJVPDetachingTangent(at: [x], along: [one]) { ($0[0] * w[0]).map(.square) }.tangent.sum()
    }
    #expect(detached[0].tensor.elements == [0, 0])
  }
}

@Suite("Hessian-vector products")
struct HessianVectorProductTests {
  @Test("the Hessian of ½xᵀAx + bᵀx is A, its gradient Ax + b")
  func quadratic() {
    let a = Variable(Tensor([2, 1, 1, 3], shape: [2, 2])), b = Variable(Tensor([1, -1]))
    let x = Variable(Tensor([4, 5])), v = Variable(Tensor([1, 10]))
    let (g, product) = hessianVectorProduct(at: [x], along: [v]) { x in
      let column = x[0].reshaped([2, 1])
      return 0.5 * (column * matmul(a, column)).sum() + (b * x[0]).sum()
    }
    #expect(g[0].tensor.elements == [14, 18] && product[0].tensor.elements == [12, 31])
  }
}
