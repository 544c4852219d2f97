// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowCheckpoint
internal import FlowTensor

/// Attention alone, forward or with its gradients.
struct AttentionCase: BenchmarkCase {
  private struct Form {
    let queries: Shape
    let keys: Shape
    var mask = AttentionMask.none
  }

  private static let forms = [
    "cache": Form(queries: [1, 64, 4, 64], keys: [1, 1024, 4, 64]),
    "pictures": Form(queries: [128, 49, 3, 64], keys: [128, 49, 3, 64]),
    "causal": Form(
      queries: [1, 1024, 4, 64], keys: [1, 1024, 4, 64],
      mask: .blockCausal(tokensPerFrame: 1, window: 1024, sink: 0)),
  ]

  static var names: [String] {
    forms.keys.sorted().flatMap { ["attention-\($0)", "attention-\($0)-gradient"] }
  }

  private static func form(_ name: String) -> Form { forms[String(name.split(separator: "-")[1])]! }

  static func export(_ name: String) -> (SafetensorsWriter, metadata: [String: String]) {
    let form = form(name)
    var random = Random(key: 1)
    var writer = SafetensorsWriter()
    writer.add("q", random.normal(form.queries))
    writer.add("k", random.normal(form.keys))
    writer.add("v", random.normal(form.keys))
    writer.add("cotangent", random.normal(form.queries))
    let isCausal = form.mask != .none
    return (writer, ["causal": "\(isCausal)", "gradient": "\(name.hasSuffix("gradient"))"])
  }

  private let mask: AttentionMask
  private let arguments: [Variable]
  private let cotangent: Variable
  private let takesGradient: Bool

  init(_ name: String, precision: InferencePrecision, input: SafetensorsFile) throws {
    guard precision == .float32 else {
      throw NoSuchCase(description: "attention that can be derived is in float32 only")
    }
    mask = Self.form(name).mask
    arguments = try ["q", "k", "v"].map { Variable(try input.tensor($0)) }
    cotangent = Variable(try input.tensor("cotangent"))
    takesGradient = name.hasSuffix("gradient")
  }

  private func compute() -> [Variable] {
    let forward = { (a: [Variable]) in attention(a[0], a[1], a[2], mask: mask) }
    return takesGradient
      ? gradient(at: arguments) { (forward($0) * cotangent).sum() } : [forward(arguments)]
  }

  func run() { _ = compute() }

  func results() -> [(name: String, tensor: Tensor)] {
    compute().enumerated().map { ("output.\($0)", $1.tensor) }
  }
}
