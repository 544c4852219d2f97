// SPDX-License-Identifier: Apache-2.0

import FlowTensor

/// A kernel run on numbers of its own at some length; a row of the table that walks the instruction sets.
struct KernelRun: Sendable {
  let name: String
  /// 0 where all instruction sets must agree to the bit.
  var tolerance: Float = 2e-5
  let run: @Sendable (_ length: Int, _ random: inout Random) -> [Tensor]

  /// The results at this length, always of the same numbers.
  func results(_ length: Int) -> [Float] {
    var random = Random(key: 5)
    return run(length, &random).flatMap(\.elements)
  }
}

private let exactFunctions: Set<UnaryFunction> = [
  .negate, .square, .absolute, .sign, .floor,
]
private let positiveFunctions: Set<UnaryFunction> = [
  .log, .sqrt, .reciprocalSqrt, .reciprocal, .logOnePlus,
]

private let unaryRuns = UnaryFunction.allCases.map { function in
  KernelRun(name: "\(function)", tolerance: exactFunctions.contains(function) ? 0 : 2e-5) { n, random in
    let x = random.normal([n]).affine(scale: 3)
    return [
      (positiveFunctions.contains(function) ? x.map(.square).affine(scale: 1, shift: 0.1) : x).map(function)
    ]
  }
}

private let binaryRuns = BinaryFunction.allCases.map { function in
  KernelRun(name: "\(function)") { n, random in
    let x = random.normal([3, n]), y = random.normal([3, n]).map(.square).affine(scale: 1, shift: 0.1)
    let row = y.rows(0..<1).reshaped([n]), column = random.uniform([3, 1]).affine(scale: 1, shift: 0.1)
    return [(x, y), (x, row), (x, column), (column, y)].map { Tensor.combine(function, $0, $1) }
  }
}

private let rowRuns: [KernelRun] = [
  KernelRun(name: "affine") { n, random in [random.normal([n]).affine(scale: -1.5, shift: 0.25)] },
  KernelRun(name: "bias") { n, random in
    [Tensor.matmul(random.normal([2, 3]), random.normal([3, n]), bias: random.normal([n]))]
  },
  KernelRun(name: "sums") { n, random in
    let x = random.normal([5, n])
    return [
      x.sum(axis: 0), x.sum(axis: 1), x.reshaped([1, 5, n]).sum(axis: 1), Tensor(Float(x.sumOfSquares)),
    ]
  },
  KernelRun(name: "modulated norm") { n, random in
    let x = random.normal([2, 3, n]), scale = random.normal([2, n]), shift = random.normal([2, n])
    let g = Tensor.modulatedNormGradient(x, scale: scale, cotangent: random.normal([2, 3, n]), epsilon: 1e-2)
    let tangent = Tensor.modulatedNormTangent(
      x, scale: scale, tangent: random.normal([2, 3, n]), modulation: (shift, scale), epsilon: 1e-2)
    let second = Tensor.modulatedNormTangentGradient(
      x, scale: scale, tangent: random.normal([2, 3, n]), scaleTangent: shift, cotangent: tangent,
      epsilon: 0.3)
    return [
      Tensor.modulatedNorm(x, scale: scale, shift: shift, epsilon: 1e-2), g.x, g.scale, g.shift, tangent,
      second.x, second.tangent, second.scale, second.modulation!.scale, second.modulation!.shift,
    ]
  },
  KernelRun(name: "root-mean-square norm") { n, random in
    let x = random.normal([6, n]), weight = random.normal([n])
    let g = Tensor.rmsNormGradient(x, weight: weight, cotangent: random.normal([6, n]), epsilon: 1e-2)
    let tangent = Tensor.rmsNormTangent(
      x, weight: weight, tangent: random.normal([6, n]), weightTangent: weight, epsilon: 1e-2)
    let second = Tensor.rmsNormTangentGradient(
      x, weight: weight, tangent: random.normal([6, n]), weightTangent: weight, cotangent: tangent,
      epsilon: 0.3)
    return [
      Tensor.rmsNorm(x, weight: weight, epsilon: 1e-2), g.x, g.weight, tangent, second.x, second.tangent,
      second.weight, second.weightTangent!,
    ]
  },
  KernelRun(name: "gated addition") { n, random in
    let x = random.normal([2, 3, n]), y = random.normal([2, 3, n]), gate = random.normal([2, n])
    let g = Tensor.gatedAddGradient(gate: gate, y, cotangent: x)
    let tangent = Tensor.gatedAddTangent(gate: gate, y, tangents: (y, gate, x))
    return [Tensor.gatedAdd(x, gate: gate, y), g.gate, g.y, tangent]
  },
  KernelRun(name: "power and bounds") { n, random in
    let x = random.normal([n])
    return [x.power(3), x.power(4), x.map(.square).power(0.7), x.clamped(-1, 0.5)]
  },
  KernelRun(name: "choice", tolerance: 0) { n, random in
    let x = random.normal([n]), y = random.normal([n])
    let c = Tensor.combine(.greater, x, y)
    return [(x, y), (x, Tensor(1)), (Tensor(2), y)].map { Tensor.select(c, $0, $1) }
  },
  KernelRun(name: "largest", tolerance: 0) { n, random in
    let x = random.normal([5, n + 1])
    return [x.largest(axis: 0), x.largest(axis: 1)]
  },
  KernelRun(name: "linear with epilogue") { n, random in
    let x = random.normal([3, 4]), weight = random.normal([n, 4]), bias = random.normal([n])
    return Activation.allCases.flatMap { activation in
      let kept = Tensor.linearKeepingSum(x, weight: weight, bias: bias, activation: activation)
      let g = Tensor.activationGradient(kept.sum, cotangent: kept.result, activation: activation)
      return [
        Tensor.linear(x, weight: weight, bias: bias, activation: activation), kept.result, kept.sum, g.sum,
        g.bias, Tensor.linearTangent(x, weight: weight, sum: kept.sum, activation: activation),
      ]
    }
  },
]

/// The results of all four kernels of attention.
private func attentionPasses(
  _ random: inout Random, queries: Int, keys: Int, width: Int, _ mask: AttentionMask
) -> [Tensor] {
  let query: Shape = [1, queries, 2, width], key: Shape = [1, keys, 2, width]
  let (q, k, v) = (random.normal(query), random.normal(key), random.normal(key))
  let tangents = AttentionTangents(q: random.normal(query), k: random.normal(key), v: random.normal(key))
  let d = random.normal(query), output = Tensor.attention(q, k, v, mask: mask)
  let tangent = Tensor.attentionTangent(q, k, v, output, tangents: tangents, mask: mask)
  let g = Tensor.attentionGradient(q, k, v, output, cotangent: d, mask: mask)
  let h = Tensor.attentionHessian(
    q, k, v, output, cotangent: d, tangents: tangents, outputTangent: tangent, mask: mask)
  return [output.values, output.logSums, tangent.values, tangent.logSums, g.q, g.k, g.v, h.q, h.k, h.v]
}

private let tileRuns: [KernelRun] = [
  // Products of many terms add rounding of their own.
  KernelRun(name: "tiles of tokens", tolerance: 3e-4) { n, random in
    TileOperands([3, 5, max(n, 1)], hidden: n + 2, &random).fused()
  },
  KernelRun(name: "gradients of a linear layer", tolerance: 3e-4) { n, random in
    let x = random.normal([2048, 2]), z = random.normal([2048, n]), dy = random.normal([2048, n])
    return Activation.allCases.flatMap { activation in
      let g = Tensor.linearGradient(
        x, weight: random.normal([n, 2]), cotangent: dy, activation: (activation, z))
      return [g.input!, g.weight, g.bias]
    }
  },
]

private let attentionRuns: [KernelRun] = [
  KernelRun(name: "softmax") { n, random in [random.normal([3, n]).affine(scale: 4).softmax()] },
  KernelRun(name: "attention") { n, random in
    attentionPasses(&random, queries: min(n, 70), keys: min(n, 150) + 1, width: 5, .none)
  },
  KernelRun(name: "causal attention with a window and a sink") { n, random in
    let tokens = 2 * (n / 16 + 1)
    return attentionPasses(
      &random, queries: tokens, keys: tokens, width: 4, .blockCausal(tokensPerFrame: 2, window: 3, sink: 1))
  },
  KernelRun(name: "attention under an explicit mask") { n, random in
    let visible = random.uniforms(min(n, 90) * 40).map { $0 < 0.4 }
    return attentionPasses(
      &random, queries: min(n, 90), keys: 40, width: 18, .explicit(visible, queries: min(n, 90), keys: 40))
  },
  KernelRun(name: "rotary") { n, random in
    let angles = random.normal([3, n]), x = random.normal([2, 3, 2, 2 * n])
    let (cosine, sine) = (angles.map(.sigmoid), angles.map(.tanh))
    return [
      Tensor.rotary(x, cosine: cosine, sine: sine),
      Tensor.rotary(x, cosine: cosine, sine: sine, inverse: true),
    ]
  },
]

private let conversionRuns: [KernelRun] = [
  KernelRun(name: "bfloat16", tolerance: 0) { n, random in
    let x = random.normal([n])
    return [x.bfloat16.withUnsafeBufferPointer { Tensor(bfloat16: $0, shape: [n]) }, x.roundedToBFloat16]
  },
  KernelRun(name: "bytes", tolerance: 0) { n, random in
    // Eighths: exact with and without fused multiplication.
    let x = Tensor(random.uniforms(n).map { ($0 * 4096).rounded() / 8 - 100 })
    let bytes = x.bytes(scale: 1, shift: 0.25)
    let back = bytes.withUnsafeBufferPointer { Tensor(bytes: $0, scale: 0.5, shift: -1, shape: [n]) }
    return [Tensor(bytes.map(Float.init)), back]
  },
  KernelRun(name: "AdamW") { n, random in
    var trained = TrainedTensor(random.normal([n]))
    for number in 1...3 { trained.apply(exampleStep(number), gradient: random.normal([n])) }
    return [trained.weight, trained.first, trained.second, trained.average]
  },
]

/// Rows of weights and keys are n long and n many; small numbers keep 8-bit rounding apart from ties.
private let inferenceRuns = InferencePrecision.allCases.flatMap { precision -> [KernelRun] in
  [
    // Rounding to bytes may fall to the other side where sums of the norm before it differ by one in the last place.
    KernelRun(name: "packed linear, \(precision)", tolerance: 1e-4) { n, random in
      let n = min(max(n, 1), 200)
      let x = random.normal([9, n]), layer = (weight: random.normal([n, n]), bias: random.normal([n]))
      return [
        packedLinear(x, [layer], precision), packedLinear(x, [layer], precision, activation: .gelu),
        packedLinear(x, [layer], precision, activation: .silu),
        packedLinear(x, [layer], precision, gate: layer.bias, onto: x),
      ]
    },
    KernelRun(name: "packed convolution, \(precision)", tolerance: 1e-2) { n, random in
      let n = min(max(n, 1), 40)
      let x = random.normal([2, 2, n, n]), weight = random.normal([n, 3, 3, n]), bias = random.normal([n])
      return [packedConvolution(x, weight: weight, bias: bias, precision)]
    },
    KernelRun(name: "cached attention, \(precision)", tolerance: 1e-2) { n, random in
      let n = min(max(n, 1), 200), shape: Shape = [n, 2, 12]
      return [
        cachedAttention(
          random.normal([n / 2 + 1, 2, 12]), random.normal(shape), random.normal(shape), precision)
      ]
    },
  ]
}

/// Every kernel that has a build for each instruction set.
let kernelTable =
  unaryRuns + binaryRuns + rowRuns + tileRuns + attentionRuns + conversionRuns + inferenceRuns

/// A step in the middle of training, with every setting at work.
func exampleStep(_ number: Int) -> OptimiserStep {
  OptimiserStep(
    rate: 1e-2, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decay: 0.1, number: number, gradientScale: 0.5,
    averageDecay: 0.75)
}
