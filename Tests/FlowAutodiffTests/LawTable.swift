// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor

/// Every primitive, in a function or several that reach all of its rules.
let lawTable: [Law] =
  unaryLaws + binaryLaws + reductionLaws + layoutLaws + productLaws + spectralLaws + convolutionLaws
  + normLaws + derivedLaws
  + attentionLaws

private let positive: Set<UnaryFunction> = [.log, .sqrt, .reciprocalSqrt, .reciprocal, .logOnePlus]
private let poleAtZero: Set<UnaryFunction> = [.log, .reciprocalSqrt, .reciprocal]

private let unaryLaws: [Law] =
  UnaryFunction.allCases.map { function in
    let domain: Domain =
      switch function {
      case _ where positive.contains(function): .positive
      case .absolute, .sign: .nonzero
      case .floor: .shiftedGrid
      default: .real
      }
    return Law("\(function)", { [[$0]] }, domain, zero: !poleAtZero.contains(function)) {
      $0[0].map(function)
    }
  }
  + (0..<5).map { k in Law("Stumpff \(k)", { [[$0]] }) { (4 * $0[0]).map(.stumpff(k)) } }
  + (0..<3).map { order in
    Law("angle over sine, derivative \(order)", { [[$0]] }) {
      (1.5 * $0[0].map(.tanh)).map(.angleOverSine(derivative: order))
    }
  }
  + [
    Law("arithmetic with numbers", { [[3, $0]] }, .positive, zero: false) {
      3 / ($0[0] * 2 - 0.5) + $0[0] / 4
    },
    Law("affine", { [[3, $0]] }) { $0[0].affine(scale: -2, shift: 3) },
    Law("third power", { [[$0]] }) { $0[0].power(3) },
    Law("fifth power", { [[$0]] }) { $0[0].power(5) },
    Law("power 1.5", { [[$0]] }, .positive) { $0[0].power(1.5) },
    Law("power 0.3", { [[$0]] }, .positive) { $0[0].power(0.3) },
    Law("power −1.5", { [[$0]] }, .positive, zero: false) { $0[0].power(-1.5) },
    Law("clamp", { [[$0]] }, .grid) { $0[0].clamped(to: -0.44...1.07) },
  ]

private let binaryLaws: [Law] = [
  Law("add", { [[$0, 3], [3]] }) { $0[0] + $0[1] },
  Law("subtract", { [[3], [$0, 3]] }) { $0[0] - $0[1] },
  Law("multiply", { [[2, 1, $0], [3, 1]] }) { $0[0] * $0[1] },
  Law("multiply, stretched both ways", { [[2, 1, $0, 1], [1, 3, 1, 2]] }) { $0[0] * $0[1] },
  Law("divide", { [[$0, 1], [1, 3]] }, .real, .positive, zero: false) { $0[0] / $0[1] },
  Law("maximum", { [[$0], [$0]] }, .grid, .shiftedGrid) { Variable.maximum($0[0], $0[1]) },
  Law("minimum", { [[$0], [$0]] }, .grid, .shiftedGrid) { Variable.minimum($0[0], $0[1]) },
  Law("greater", { [[$0], [$0]] }, .grid, .shiftedGrid) { Variable.greater($0[0], $0[1]) + 0 * $0[0] },
  Law("angle", { [[$0, 2], [2]] }, .real, .positive) { Variable.arctangent(y: $0[0], x: $0[1]) },
  Law("choice", { [[3, $0], [$0]] }) {
    select(Tensor([1, 0, 1], shape: [3, 1]), $0[0], $0[1])
  },
]

/// Symmetric matrices around one whose eigenvalues are all 1, which is where all of these meet at 0.
private func symmetric(_ x: Variable, scale: Float) -> Variable {
  let n = x.shape[-1], ones = Tensor((0..<n * n).map { $0 % (n + 1) == 0 ? 1 : 0 }, shape: [n, n])
  return scale * (x + x.transposed) + Variable(ones)
}

private let spectralLaws: [Law] =
  ([.exp, .cosineOfRoot, .sineOfRoot, .logSineOfRoot] as [SpectralFunction]).map { function in
    Law("spectral \(function)", { [[2, $0, $0]] }, extents: [1, 3]) {
      symmetric($0[0], scale: 0.5).spectral(function)
    }
  }
  + ([.log, .power(0.5), .power(-0.5), .angleOverSine, .atLeast(0.2)] as [SpectralFunction]).map { function in
    Law("spectral \(function)", { [[2, $0, $0]] }, extents: [1, 3]) {
      symmetric($0[0].map(.tanh), scale: 0.1).spectral(function)
    }
  }
  + [
    Law("spectral leading", { [[2, $0, $0]] }, extents: [3], zero: false) {
      let gap = Variable(Tensor([5, 0, 0, 0, 0, 0, 0, 0, 5], shape: [3, 3]))
      return (symmetric($0[0], scale: 0.25) + gap).spectral(.leading(rank: 2))
    }
  ]

private let reductionLaws: [Law] = [
  Law("sum of an axis", { [[3, $0, 2]] }) { $0[0].sum(axis: 1) },
  Law("sum of two axes", { [[3, $0, 2]] }) { $0[0].sum(axes: [0, -1], keepingAxes: true) },
  Law("broadcast", { [[$0, 1]] }) { $0[0].broadcast(to: [2, $0[0].shape[0], 4]) },
  Law("mean", { [[3, $0]] }) { $0[0].mean() },
  Law("mean of an axis", { [[3, $0]] }) { $0[0].mean(axis: 1) },
  Law("variance", { [[3, $0]] }) { $0[0].variance(axis: 1) },
  Law("variance of two axes", { [[3, $0, 2]] }) { $0[0].variance(axes: [0, 2]) },
  Law("largest", { [[2, $0, 3]] }, .grid) { $0[0].largest(axis: -1) },
  Law("smallest", { [[$0, 3]] }, .grid, extents: [1, 15, 17]) { $0[0].smallest(axis: 0) },
  Law("largest of two axes", { [[2, $0, 3]] }, .grid, extents: [1, 15]) {
    $0[0].largest(axes: [0, 1], keepingAxes: true)
  },
  Law("smallest of two axes", { [[2, $0, 3]] }, .grid) { $0[0].smallest(axes: [0, -1]) },
  Law("log-sum-exp", { [[3, $0]] }, extents: [1, 15, 17]) { $0[0].logSumExp(axis: 1) },
  Law("log-sum-exp of an inner axis", { [[2, 3, $0]] }) { $0[0].logSumExp(axis: 1) },
  Law("softmax", { [[3, $0]] }) { $0[0].softmax() },
]

private let layoutLaws: [Law] = [
  Law("reshape", { [[4, $0]] }) { $0[0].reshaped([2, 2 * $0[0].shape[1]]).map(.square) },
  Law("permute", { [[2, $0, 3]] }) { $0[0].permuted([2, 0, 1]) },
  Law("flip", { [[2, $0, 3]] }) { $0[0].flipped(axis: 1) },
  Law("repeat", { [[2, $0]] }) { $0[0].repeated(3, axis: 1) },
  Law("tile", { [[2, $0]] }) { $0[0].tiled(3, axis: 1) },
  Law("concatenate", { [[2, $0, 2], [2, 1, 2], [2, 3, 2]] }) { concatenate($0, axis: 1) },
  Law("stack", { [[2, $0], [2, $0]] }) { stack($0, axis: 1) },
  Law("slice", { [[3, $0 + 2, 2]] }) { $0[0].slice(axis: 1, 1..<$0[0].shape[1] - 1) },
  Law("slice of the first axis", { [[$0 + 1, 3]] }) { $0[0].slice(axis: 0, 1..<$0[0].shape[0]) },
  Law("pad", { [[3, $0]] }) { $0[0].padded(axis: -1, before: 2, after: 1) },
  Law("unstack", { [[3, 4, $0]] }) {
    let parts = $0[0].unstacked(axis: 1)
    return parts[0] * parts[3] + parts[1]
  },
  Law("gather", { [[5, $0]] }) { $0[0].gather([4, 0, 4, 2]) },
  Law("gather of no rows", { [[$0, 3]] }) { $0[0].gather([]) },
  Law("rotary embedding", { [[2, 3, $0, 4]] }) {
    let angles = Tensor([0, 1, 2, 0.5, -1, 3], shape: [3, 2])
    return $0[0].rotated(cosine: angles.map(.cosine), sine: angles.map(.sine))
  },
]

private let productLaws: [Law] =
  [(false, false), (true, false), (false, true), (true, true)].map { a, b in
    Law("matmul \(a ? "ᵀ" : "")·\(b ? "ᵀ" : "")", { [a ? [$0, 3] : [3, $0], b ? [2, $0] : [$0, 2]] }) {
      matmul($0[0], $0[1], transposeA: a, transposeB: b)
    }
  } + [
    Law("batched matmul", { [[$0, 2, 3], [$0, 3, 2]] }) { matmul($0[0], $0[1]) },
    Law("matmul, right operand shared", { [[2, $0, 3], [2, 3]] }) { matmul($0[0], $0[1], transposeB: true) },
    Law("matmul, left transposed, right shared", { [[2, 3, $0], [3, 2]] }) {
      matmul($0[0], $0[1], transposeA: true)
    },
    Law("linear", { [[2, 3, $0], [4, $0], [4]] }) { linear($0[0], weight: $0[1], bias: $0[2]) },
    Law("linear of no rows", { [[$0, 3], [2, 3], [2]] }) { linear($0[0], weight: $0[1], bias: $0[2]) },
  ]
  + Activation.allCases.map { activation in
    Law("linear with \(activation)", { [[2, $0], [3, $0], [3]] }) {
      linear($0[0], weight: $0[1], bias: $0[2], activation: activation)
    }
  }

private let convolutionLaws: [Law] = {
  let same = Convolution2D(kernel: 3, padding: 1), half = Convolution2D(kernel: 3, stride: 2, padding: 1)
  let causal = CausalConvolution3D(timeKernel: 2, picture: same)
  let slower = CausalConvolution3D(timeKernel: 3, timeStride: 2, picture: half)
  return [
    Law("convolution", { [[1, 3, 4, $0], [2, 3, 3, $0], [2]] }) {
      convolve($0[0], weight: $0[1], bias: $0[2], same)
    },
    Law("convolution of stride 2", { [[$0, 4, 3, 2], [3, 3, 3, 2], [3]] }, extents: [0, 1, 9]) {
      convolve($0[0], weight: $0[1], bias: $0[2], half)
    },
    Law("transposed convolution", { [[1, 2, 3, 2], [2, 3, 3, $0], [$0]] }) {
      transposedConvolve($0[0], weight: $0[1], bias: $0[2], half, outputPadding: 1)
    },
    Law("causal convolution", { [[1, 3, 3, 2, $0], [2, 2, 3, 3, $0], [2]] }, extents: [0, 1, 3]) {
      convolve($0[0], weight: $0[1], bias: $0[2], causal)
    },
    Law(
      "causal convolution of stride 2", { [[$0, 3, 3, 4, 2], [2, 3, 3, 3, 2], [2]] }, extents: [0, 1, 2]
    ) {
      convolve($0[0], weight: $0[1], bias: $0[2], slower)
    },
    Law("causal transposed convolution", { [[$0, 2, 2, 2, 2], [2, 3, 3, 3, 1], [1]] }, extents: [0, 1, 2]) {
      transposedConvolve($0[0], weight: $0[1], bias: $0[2], slower)
    },
  ]
}()

private let normLaws: [Law] = [
  Law("modulated norm", { [[2, 3, $0], [2, $0], [2, $0]] }) {
    $0[0].modulatedNorm(scale: $0[1], shift: $0[2], epsilon: 0.1)
  },
  Law("modulated norm of no tokens", { [[2, $0, 3], [2, 3], [2, 3]] }, extents: [0, 1]) {
    $0[0].modulatedNorm(scale: $0[1], shift: $0[2], epsilon: 0.1)
  },
  Law("layer norm", { [[2, 2, $0], [$0], [$0]] }) {
    $0[0].layerNorm(weight: $0[1], bias: $0[2], epsilon: 0.1)
  },
  Law("layer norm without affine", { [[4, $0]] }) { $0[0].layerNorm(epsilon: 0.1) },
  Law("group norm", { [[2, 3, 2 * $0], [2 * $0], [2 * $0]] }, extents: [0, 1, 3]) {
    $0[0].groupNorm(groups: 2, weight: $0[1], bias: $0[2], epsilon: 0.1)
  },
  Law("root-mean-square norm", { [[2, 3, $0], [$0]] }) { $0[0].rmsNorm(weight: $0[1], epsilon: 0.1) },
  Law("root-mean-square norm without weight", { [[3, $0]] }) { $0[0].rmsNorm(epsilon: 0.1) },
  Law("gated addition", { [[2, 3, $0], [2, $0], [2, 3, $0]] }) { $0[0].adding($0[2], gate: $0[1]) },
]

/// Gradients and tangents as functions: their laws are the derivative rules of fused derivative kernels.
private let derivedLaws: [Law] = {
  func law(_ name: String, _ base: Law, extents: [Int]) -> [Law] {
    let count = base.shapes(1).count
    return [
      Law("gradient of \(name)", { base.shapes($0) }, extents: extents) { x in
        let parts = gradient(at: x) { base.function($0).map(.square).sum() }
        return concatenate(parts.map { $0.reshaped([$0.shape.count]) }, axis: 0)
      },
      Law("tangent of \(name)", { base.shapes($0) + base.shapes($0) }, extents: extents) {
        jvp(at: Array($0[..<count]), along: Array($0[count...]), of: base.function).tangent
      },
    ]
  }
  return law("silu", Law("", { [[$0]] }) { $0[0].map(.silu) }, extents: [1, 15])
    + law("gelu", Law("", { [[$0]] }) { $0[0].map(.gelu) }, extents: [1, 15])
    + normLaws.flatMap { law($0.name, $0, extents: [3]) }
    + productLaws.suffix(2).flatMap { law($0.name, $0, extents: [3]) }
    + law("checkpoint", checkpointed, extents: [3]) + [checkpointed]
}()

private let checkpointed = Law("checkpoint", { [[2, $0], [$0, 3]] }) {
  checkpoint(at: $0) { matmul($0[0], $0[1]).map(.tanh) * matmul($0[0], $0[1]) }
}

private let attentionLaws: [Law] = [
  Law("attention", { [[2, $0, 3, 8], [2, 7, 3, 8], [2, 7, 3, 8]] }) {
    attention($0[0], $0[1], $0[2], mask: .none)
  },
  Law("causal attention", { n in (0..<3).map { _ in [2, n, 2, 4] } }) {
    attention($0[0], $0[1], $0[2], mask: .causal)
  },
  Law("attention in frames", { n in (0..<3).map { _ in [2, 2 * n, 2, 4] } }, extents: [1, 5]) {
    attention($0[0], $0[1], $0[2], mask: .blockCausal(tokensPerFrame: 2, window: 2, sink: 1))
  },
  Law("attention in frames, over blocks", { n in (0..<3).map { _ in [1, n, 1, 4] } }, extents: [396]) {
    attention($0[0], $0[1], $0[2], mask: .blockCausal(tokensPerFrame: 12, window: 5, sink: 1))
  },
  Law("attention, explicit mask", { [[1, $0, 2, 4], [1, 9, 2, 4], [1, 9, 2, 4]] }, extents: [1, 15]) {
    let queries = $0[0].shape[1], visible = (0..<queries * 9).map { $0 % 4 > 1 && $0 / 9 % 5 != 2 }
    return attention($0[0], $0[1], $0[2], mask: .explicit(visible, queries: queries, keys: 9))
  },
]
