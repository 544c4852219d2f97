// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

extension Tensor {
  /// x + gate·y, one gate for all tokens of a batch row.
  public static func gatedAdd(_ x: Tensor, gate: Tensor, _ y: Tensor) -> Tensor {
    let s = TokenShape(x.shape, gate.shape, in: "gatedAdd")
    precondition(x.shape == y.shape, "gatedAdd: shapes \(x.shape) and \(y.shape) differ")
    return Tensor(x.shape) { result in
      s.forEachPiece { batch, tokens, first, row, _ in
        flow_gated_add(
          batch, tokens, s.channels, x.pointer + first, gate.pointer + row, y.pointer + first, result + first)
      }
    }
  }

  /// The tangent of `gatedAdd` along tangents of x, gate and y, in one pass.
  public static func gatedAddTangent(
    gate: Tensor, _ y: Tensor, tangents: (x: Tensor, gate: Tensor, y: Tensor)
  ) -> Tensor {
    let s = TokenShape(y.shape, gate.shape, in: "gatedAddTangent")
    check(tangents.x, like: y, in: "gatedAddTangent")
    check(tangents.gate, like: gate, in: "gatedAddTangent")
    check(tangents.y, like: y, in: "gatedAddTangent")
    return Tensor(y.shape) { result in
      s.forEachPiece { batch, tokens, first, row, _ in
        flow_gated_add_tangent(
          batch, tokens, s.channels, tangents.x.pointer + first, gate.pointer + row,
          tangents.gate.pointer + row, y.pointer + first, tangents.y.pointer + first, result + first)
      }
    }
  }

  /// The gradients of `gatedAdd` with respect to gate and y; that of x is the cotangent itself.
  public static func gatedAddGradient(
    gate: Tensor, _ y: Tensor, cotangent: Tensor
  ) -> (gate: Tensor, y: Tensor) {
    let s = TokenShape(y.shape, gate.shape, in: "gatedAddGradient")
    check(cotangent, like: y, in: "gatedAddGradient")
    let dgate = s.sums()
    let dy = Tensor(y.shape) { result in
      s.forEachPiece { batch, tokens, first, row, piece in
        flow_gated_add_gradient(
          batch, tokens, s.channels, gate.pointer + row, y.pointer + first, cotangent.pointer + first,
          result + first, dgate.storage.base + piece)
      }
    }
    return (s.total(dgate, gate.shape), dy)
  }
}
