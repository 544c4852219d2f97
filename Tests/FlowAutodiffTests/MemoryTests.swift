// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

/// Eight layers of which each result is kept unless something prevents it.
private struct Chain: Sendable {
  static let depth = 8
  let x: Tensor
  let weights: [Tensor]

  init() {
    var random = Random(key: 31)
    x = random.normal([512, 64])
    weights = (0..<Self.depth).map { _ in random.normal([64, 64]).affine(scale: 0.1) }
  }

  /// What is kept of a layer by a plain gradient: four results.
  static let layer: @Sendable ([Variable]) -> Variable = {
    matmul($0[0], $0[1]).map(.tanh).map(.exp).map(.silu)
  }

  /// The largest number of bytes held during `work` beyond those before it, in results of a layer.
  func peak(_ work: () -> Void) -> Double {
    TensorMemory.resetPeak()
    let before = TensorMemory.currentBytes
    work()
    return Double(TensorMemory.peakBytes - before) / Double(x.count * MemoryLayout<Float>.stride)
  }

  func gradient(of layer: ([Variable]) -> Variable) -> [Variable] {
    FlowAutodiff.gradient(at: [Variable(x)] + weights.map { Variable($0) }) { given in
      given.dropFirst().reduce(given[0]) { layer([$0, $1]) }.map(.square).mean()
    }
  }
}

/// Peaks are those of the process, so each of these tests has one of its own.
@Suite("Memory of derivatives")
struct MemoryTests {
  @Test("a checkpoint gives the same gradient to the bit, and holds less than half")
  func checkpoints() async {
    await #expect(processExitsWith: .success) {
      let chain = Chain()
      var plain: [Variable] = [], saving: [Variable] = []
      let most = chain.peak { plain = chain.gradient(of: Chain.layer) }
      let least = chain.peak { saving = chain.gradient { checkpoint(at: $0, of: Chain.layer) } }
      #expect(plain[1].tensor.sumOfSquares > 0)
      for (a, b) in zip(plain, saving) { #expect(a.tensor.elements == b.tensor.elements) }
      // Four results a layer, against one a layer and those of a single layer and its backward pass.
      #expect(most > 4 * Double(Chain.depth))
      #expect(least < most / 2, "\(least) against \(most)")
    }
  }

  @Test("a detached tangent takes no more memory than a few results")
  func detachedTangent() async {
    await #expect(processExitsWith: .success) {
      let chain = Chain()
      func step(
        _ derivative: @escaping ([Variable], [Variable?], ([Variable]) -> Variable) -> (Variable, Variable)
      )
        -> Double
      {
        chain.peak {
          _ = gradient(at: chain.weights.map { Variable($0) }) { weights in
            let x = Variable(chain.x)
            let (value, tangent) = derivative([x], [x]) { given in
              weights.reduce(given[0]) { Chain.layer([$0, $1]) }
            }
            return (value + tangent).map(.square).mean()
          }
        }
      }
      let alone = step { x, _, f in (f(x), Variable(0)) }
      let detached = step { jvpDetachingTangent(at: $0, along: $1, of: $2) }
      let recorded = step { jvp(at: $0, along: $1, of: $2) }
      let difference = step { finiteDifferenceJVPDetachingTangent(at: $0, along: $1, of: $2) }
      #expect(detached < alone + 8, "\(detached) against \(alone)")
      #expect(difference < alone + 8, "\(difference) against \(alone)")
      #expect(recorded > 2 * alone, "\(recorded) against \(alone)")
    }
  }

  @Test("what is computed without derivatives is not recorded, though it takes in what is")
  func constants() async {
    await #expect(processExitsWith: .success) {
      let chain = Chain()
      func step(_ value: @escaping ([Variable], ([Variable]) -> Variable) -> Variable) -> Double {
        chain.peak {
          let found = gradient(at: chain.weights.map { Variable($0) }) { weights in
            let y = value([Variable(chain.x)]) { given in weights.reduce(given[0]) { Chain.layer([$0, $1]) } }
            return (y * weights[0].sum()).mean()
          }
          #expect(found[1].tensor.sumOfSquares == 0 && found[0].tensor.sumOfSquares > 0)
        }
      }
      let recorded = step { x, f in f(x).detached }, constant = step { withoutDerivatives(at: $0, of: $1) }
      #expect(constant < 8, "\(constant) against \(recorded)")
      #expect(recorded > 4 * Double(Chain.depth))
    }
  }
}
