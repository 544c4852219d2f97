// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

@Suite("The memory of attention")
struct AttentionMemoryTests {
  enum Mode: String, CaseIterable, Codable {
    case forward, forwardDerivative, gradient, gradientOfForwardDerivative, hessianProduct

    /// Takes the derivative for self-attention over `length` tokens of one head.
    func run(length: Int, mask: AttentionMask) {
      var random = Random(key: 3)
      let shape: Shape = [1, length, 1, 8]
      let at = (0..<3).map { _ in Variable(random.normal(shape)) }, direction = at.reversed() as [Variable]
      let function = { (x: [Variable]) in attention(x[0], x[1], x[2], mask: mask) }
      switch self {
      case .forward: _ = function(at)
      case .forwardDerivative: _ = jvp(at: at, along: direction, of: function)
      case .gradient: _ = FlowAutodiff.gradient(at: at) { function($0).sum() }
      case .gradientOfForwardDerivative:
        _ = FlowAutodiff.gradient(at: at) { jvp(at: $0, along: direction, of: function).tangent.sum() }
      case .hessianProduct: _ = hessianVectorProduct(at: at, along: direction) { function($0).sum() }
      }
    }

    /// The most bytes that were held at once.
    func peak(length: Int, mask: AttentionMask) -> Int {
      TensorMemory.resetPeak()
      let before = TensorMemory.currentBytes
      run(length: length, mask: mask)
      return TensorMemory.peakBytes - before
    }
  }

  /// A process of its own: the figures are the process's, and other tests hold tensors meanwhile.
  @Test("it grows linearly with the length, up to 8,192 tokens", arguments: Mode.allCases)
  func linear(mode: Mode) async {
    await #expect(processExitsWith: .success) { [mode] in
      for mask in [AttentionMask.none, .blockCausal(tokensPerFrame: 32, window: 8, sink: 1)] {
        let peaks = [1024, 2048, 4096, 8192].map { mode.peak(length: $0, mask: mask) }
        for (short, long) in zip(peaks, peaks.dropFirst()) {
          #expect(Double(long) < 2.2 * Double(short), "\(mode.rawValue): \(peaks)")
        }
        // All pairs of a query and a key would take 256 MiB.
        #expect(peaks[3] < 32 << 20, "\(mode.rawValue): \(peaks)")
      }
    }
  }
}
