// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// Rows of a table by index: an embedding.
struct Gather: Primitive {
  let indices: [Int32]

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].gather(indices)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [apply(self, tangents[0]!)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [apply(ScatterAdd(indices: indices, rows: inputs[0].shape[0]), cotangents[0]!)]
  }
}

/// Rows added into a table by index: the transpose of ``Gather``.
struct ScatterAdd: Primitive {
  let indices: [Int32]
  let rows: Int

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].scatterAdd(indices, rows: rows)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [apply(self, tangents[0]!)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [apply(Gather(indices: indices), cotangents[0]!)]
  }
}

extension Variable {
  /// Row `indices[i]` of this table [rows, width] as row i.
  public func gather(_ indices: [Int32]) -> Variable { apply(Gather(indices: indices), self) }
}
