// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Testing

/// A call that must stop the process, and what the message must name.
struct Misuse: Sendable {
  let operation: String
  let names: [String]
  let call: @Sendable () -> Void

  init(_ operation: String, _ names: String..., call: @escaping @Sendable () -> Any) {
    self.operation = operation
    self.names = names
    self.call = { _ = call() }
  }
}

@Suite("Shape errors")
struct ShapeErrorTests {
  static let misuses: [Misuse] = [
    Misuse("matmul", "[4, 7]", "[8, 3]", "7 against 8") { Tensor.matmul(.zeros([4, 7]), .zeros([8, 3])) },
    Misuse("matmul", "[2, 4, 7]", "[3, 7, 3]", "batch") {
      Tensor.matmul(.zeros([2, 4, 7]), .zeros([3, 7, 3]))
    },
    Misuse("matmul", "[5]", "3 columns") {
      Tensor.matmul(.zeros([2, 2]), .zeros([2, 3]), bias: .zeros([5]))
    },
    Misuse("add", "[2, 3]", "[2]") { Tensor.combine(.add, .zeros([2, 3]), .zeros([2])) },
    Misuse("reshape", "[2, 3]", "[7]") { Tensor.zeros([2, 3]).reshaped([7]) },
    Misuse("permute", "[0, 0]", "[2, 3]") { Tensor.zeros([2, 3]).permuted([0, 0]) },
    Misuse("concatenate", "[2, 3]", "[2, 4]") {
      Tensor.concatenate([.zeros([2, 3]), .zeros([2, 4])], axis: 0)
    },
    Misuse("attention", "[1, 2, 1, 4]", "[1, 2, 1, 6]") {
      Tensor.attention(.zeros([1, 2, 1, 4]), .zeros([1, 2, 1, 6]), .zeros([1, 2, 1, 6]), mask: .none)
    },
    Misuse("attention", "[1, 2, 1, 4]", "no key", "[1, 0, 1, 4]") {
      Tensor.attention(.zeros([1, 2, 1, 4]), .zeros([1, 0, 1, 4]), .zeros([1, 0, 1, 4]), mask: .none)
    },
    Misuse("attention", "as many queries as keys", "2 and 3") {
      Tensor.attention(.zeros([1, 2, 1, 4]), .zeros([1, 3, 1, 4]), .zeros([1, 3, 1, 4]), mask: .causal)
    },
    Misuse("attention", "[1, 3]", "2 queries and 3 keys") {
      let k = Tensor.zeros([1, 3, 1, 4]),
        mask = AttentionMask.explicit([true, true, true], queries: 1, keys: 3)
      return Tensor.attention(.zeros([1, 2, 1, 4]), k, k, mask: mask)
    },
    Misuse("explicit mask", "3 elements", "2 queries and 2 keys") {
      AttentionMask.explicit([true, true, true], queries: 2, keys: 2)
    },
    Misuse("attentionGradient", "[1, 2, 1, 4]", "[1, 2, 1, 2]") {
      let x = Tensor.zeros([1, 2, 1, 4]), output = Tensor.attention(x, x, x, mask: .none)
      return Tensor.attentionGradient(x, x, x, output, cotangent: .zeros([1, 2, 1, 2]), mask: .none)
    },
    Misuse("attentionTangent", "tangent of k", "[1, 2, 1, 2]", "[1, 2, 1, 4]") {
      let x = Tensor.zeros([1, 2, 1, 4]), output = Tensor.attention(x, x, x, mask: .none)
      return Tensor.attentionTangent(
        x, x, x, output, tangents: AttentionTangents(k: .zeros([1, 2, 1, 2])), mask: .none)
    },
    Misuse("rotary", "[2, 3]", "[1, 2, 1, 4]") {
      Tensor.rotary(.zeros([1, 2, 1, 4]), cosine: .zeros([2, 3]), sine: .zeros([2, 3]))
    },
    Misuse("modulatedNorm", "[2, 4]", "[2, 5]") {
      Tensor.modulatedNorm(.zeros([2, 3, 4]), scale: .zeros([2, 4]), shift: .zeros([2, 5]), epsilon: 0)
    },
    Misuse("rmsNorm", "[3]", "[2, 4]") { Tensor.rmsNorm(.zeros([2, 4]), weight: .zeros([3]), epsilon: 0) },
    Misuse("gatedAdd", "[2, 3, 4]", "[2, 3, 1]") {
      Tensor.gatedAdd(.zeros([2, 3, 4]), gate: .zeros([2, 4]), .zeros([2, 3, 1]))
    },
    Misuse("convolution", "[1, 4, 4, 2]", "[3, 3, 3, 5]") {
      Tensor.convolution(
        .zeros([1, 4, 4, 2]), .zeros([3, 3, 3, 5]), Convolution2D(kernel: 3, padding: 1).geometry)
    },
    Misuse("convolution", "[1, 2, 9, 2]", "kernel of 3") {
      Tensor.convolution(
        .zeros([1, 2, 9, 2]), .zeros([3, 3, 3, 2]), Convolution2D(kernel: 3, stride: 2, padding: 0).geometry)
    },
    Misuse("convolution", "[2]", "[3, 3, 3, 2]") {
      Tensor.convolution(
        .zeros([1, 4, 4, 2]), .zeros([3, 3, 3, 2]), bias: .zeros([2]),
        Convolution2D(kernel: 3, padding: 1).geometry)
    },
    Misuse("linear", "[2]", "3 columns") {
      Tensor.linear(.zeros([5, 4]), weight: .zeros([3, 4]), bias: .zeros([2]), activation: .silu)
    },
    Misuse("activationGradient", "[2, 3]", "[3, 2]") {
      Tensor.activationGradient(.zeros([2, 3]), cotangent: .zeros([3, 2]), activation: .gelu).sum
    },
    Misuse("select", "[2]", "[3]") { Tensor.select(.zeros([2]), .zeros([3]), .zeros([3])) },
    Misuse("broadcast", "[3, 2]", "[3, 4]") { Tensor.zeros([3, 2]).broadcast(to: [3, 4]) },
    Misuse("sum", "[3, 2]", "[2, 2]") { Tensor.zeros([3, 2]).sum(to: [2, 2]) },
    Misuse("gather", "table of 3 rows") { Tensor.zeros([3, 2]).gather([3]) },
    Misuse("scatterAdd", "table of 3 rows") { Tensor.zeros([1, 2]).scatterAdd([3], rows: 3) },
  ]

  @Test("a misfit stops the process with a message that names both sides", arguments: misuses.indices)
  func message(index: Int) async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [index] in
      ShapeErrorTests.misuses[index].call()
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    let misuse = Self.misuses[index]
    for part in [misuse.operation + ":"] + misuse.names {
      #expect(text.contains(part), "\(misuse.operation) does not name \(part): \(text.suffix(600))")
    }
  }
}
