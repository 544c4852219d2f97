// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// Which keys a query may see.
public struct AttentionMask: Hashable, Sendable {
  enum Form: Hashable, Sendable {
    case none
    case frames(tokens: Int, window: Int, sink: Int)
    case explicit(VisibleKeys)
  }

  let form: Form

  /// Every key is visible.
  public static let none = AttentionMask(form: .none)

  /// A query sees the key of its own place and those before it.
  public static let causal = blockCausal(tokensPerFrame: 1)

  /// A query sees its own frame and the `window − 1` frames before it, and the first `sink` frames up to its own;
  /// all frames up to its own unless a window is given.
  public static func blockCausal(tokensPerFrame: Int, window: Int = .max, sink: Int = 0) -> AttentionMask {
    precondition(tokensPerFrame > 0 && window > 0 && sink >= 0, "blockCausal: extents out of range")
    return AttentionMask(form: .frames(tokens: tokensPerFrame, window: window, sink: sink))
  }

  /// Query i sees key j where element i·`keys` + j of `visible` is true; what a query that sees no key attends to is
  /// zero, and no derivative flows through it.
  ///
  /// The mask itself takes a byte for each pair of a query and a key.
  public static func explicit(_ visible: [Bool], queries: Int, keys: Int) -> AttentionMask {
    precondition(
      visible.count == queries * keys,
      "explicit mask: \(visible.count) elements for \(queries) queries and \(keys) keys")
    return AttentionMask(form: .explicit(VisibleKeys(visible, queries: queries, keys: keys)))
  }

  /// 1 where a query sees a key, else 0: [queries, keys].
  package func visible(queries: Int, keys: Int) -> Tensor {
    check(queries: queries, keys: keys, in: "visible")
    return Tensor(
      (0..<queries * keys).map { sees(query: $0 / keys, key: $0 % keys) ? 1 : 0 }, shape: [queries, keys])
  }

  private func sees(query: Int, key: Int) -> Bool {
    switch form {
    case .none: true
    case .frames(let tokens, let window, let sink):
      key / tokens <= query / tokens && (query / tokens - key / tokens < window || key / tokens < sink)
    case .explicit(let visible): visible.bytes[key * visible.stride + query] == 1
    }
  }

  func check(queries: Int, keys: Int, in operation: String) {
    switch form {
    case .none: break
    case .frames:
      precondition(
        queries == keys,
        "\(operation): a causal mask needs as many queries as keys, not \(queries) and \(keys)")
    case .explicit(let visible):
      precondition(
        queries == visible.queries && keys == visible.keys,
        "\(operation): a mask of [\(visible.queries), \(visible.keys)] for \(queries) queries and \(keys) keys"
      )
    }
  }
}

/// An explicit mask as the kernels read it: a row of bytes a key, in which the queries of a block lie side by side.
struct VisibleKeys: Hashable, Sendable {
  let queries: Int
  let keys: Int
  let stride: Int
  let bytes: [UInt8]

  init(_ visible: [Bool], queries: Int, keys: Int) {
    let block = Int(FLOW_ATTENTION_BLOCK)
    let stride = (queries + block - 1) / block * block
    self.queries = queries
    self.keys = keys
    self.stride = stride
    bytes = [UInt8](unsafeUninitializedCapacity: keys * stride) { bytes, count in
      bytes.initialize(repeating: 0)
      for query in 0..<queries {
        for key in 0..<keys where visible[query * keys + key] { bytes[key * stride + query] = 1 }
      }
      count = keys * stride
    }
  }
}
