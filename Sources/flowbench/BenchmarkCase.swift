// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowTensor

/// Something that is run many times, here and by the peers, on the inputs of one file.
protocol BenchmarkCase {
  /// The cases of this kind.
  static var names: [String] { get }
  /// Writes the weights and inputs of a case, and what float32 makes of them.
  static func export(_ name: String) throws -> (SafetensorsWriter, metadata: [String: String])

  /// A case made ready from its file; throws when it has no such precision.
  init(_ name: String, precision: InferencePrecision, input: SafetensorsFile) throws
  /// Runs once: what is timed.
  mutating func run()
  /// What is compared with the peers.
  mutating func results() throws -> [(name: String, tensor: Tensor)]
  /// Numbers that belong beside the times, such as operations a run.
  var remarks: [String: Double] { get }
  /// The loss of the last run, of cases that train.
  var loss: Double? { get }
}

extension BenchmarkCase {
  var remarks: [String: Double] { [:] }
  var loss: Double? { nil }
}

/// A case or a precision that there is not.
struct NoSuchCase: Error, CustomStringConvertible {
  let description: String
}

/// Every kind of case.
var kinds: [any BenchmarkCase.Type] {
  [
    GeneratorCase.self, AttentionCase.self, ProductCase.self, TrainingCase<DiffusionTask>.self,
    TrainingCase<ManifoldTask>.self, ManifoldSamplingCase.self, FramesCase.self,
  ]
}

/// The kind that has a case of this name.
func kind(of name: String) throws -> any BenchmarkCase.Type {
  guard let kind = kinds.first(where: { $0.names.contains(name) }) else {
    throw NoSuchCase(
      description: "no case '\(name)'; there are \(kinds.flatMap { $0.names }.joined(separator: ", "))")
  }
  return kind
}

extension SafetensorsFile {
  /// A tensor of whatever shape it has.
  func tensor(_ name: String) throws -> Tensor { try tensor(name, shape: Shape(entry(name).shape)) }
}
