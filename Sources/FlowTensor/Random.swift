// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// A counter-based source of random numbers: Philox 4×32-10 under a key, cut into streams.
///
/// The numbers depend on key, stream and place alone, never on the machine, the number of threads or what was
/// drawn elsewhere; a saved key and stream resume exactly.
public struct Random: Sendable, Hashable {
  /// The seed of the whole run.
  public let key: UInt64
  /// The stream; each draw moves to the next.
  public private(set) var stream: UInt64

  /// The stream `stream` of seed `key`.
  public init(key: UInt64, stream: UInt64 = 0) {
    self.key = key
    self.stream = stream
  }

  /// The stream of a draw.
  mutating func takeStream() -> UInt64 {
    defer { stream &+= 1 }
    return stream
  }

  /// Standard normal numbers.
  public mutating func normal(_ shape: Shape) -> Tensor {
    fill(shape) { flow_normal($0, $1, $2, $3, $4) }
  }

  /// Uniform numbers in [0, 1).
  public mutating func uniform(_ shape: Shape) -> Tensor {
    fill(shape) { flow_uniform($0, $1, $2, $3, $4) }
  }

  private mutating func fill(
    _ shape: Shape, _ kernel: (UInt64, UInt64, UInt64, Int, UnsafeMutablePointer<Float>) -> Void
  ) -> Tensor {
    let stream = takeStream()
    return Tensor(shape) { result in
      Team.split(shape.count, grain: elementGrain) { range in
        kernel(key, stream, UInt64(range.lowerBound), range.count, result + range.lowerBound)
      }
    }
  }

  /// `count` uniform numbers in [0, 1) as an array.
  public mutating func uniforms(_ count: Int) -> [Float] { uniform([count]).elements }

  /// An integer in `range`, each as likely as the others to within 2⁻²⁴.
  public mutating func integer(in range: Range<Int>) -> Int {
    range.lowerBound + min(range.count - 1, Int(Double(uniforms(1)[0]) * Double(range.count)))
  }
}
