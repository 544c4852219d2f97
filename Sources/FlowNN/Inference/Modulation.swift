// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowTensor

/// What a frame is asked for at one evaluation: all that the modulations of the network depend on.
public struct EvaluationConditions: Hashable, Sendable {
  /// The time that the evaluation jumps to.
  public var r: Float
  /// The time that it starts from.
  public var t: Float
  /// Standard deviation of the noise on the latent before.
  public var contextNoise: Float
  /// The action that leads into the frame.
  public var action: Int

  /// Conditions of an evaluation.
  public init(r: Float, t: Float, contextNoise: Float, action: Int) {
    self.r = r
    self.t = t
    self.contextNoise = contextNoise
    self.action = action
  }
}

/// The modulations of one set of conditions, in memory that stays as it is.
final class ModulationRow {
  private let memory: Workspace
  var start: UnsafeMutablePointer<Float> { memory.floats }

  /// Copies one vector a modulation, each padded to `stride`.
  init(_ modulations: [Tensor], stride: Int) {
    memory = Workspace(count: modulations.count * stride)
    for (number, vector) in modulations.enumerated() {
      vector.withElements { (memory.floats + number * stride).update(from: $0.baseAddress!, count: $0.count) }
    }
  }
}

/// Modulations by conditions: a schedule asks for the same few again and again, so they are computed once.
///
/// Holds a bounded number; when it is full, the oldest makes room.
final class ModulationTable {
  private let model: CausalTransformer
  private let parameters: Parameters
  private let stride: Int
  private let capacity: Int
  private var rows: [EvaluationConditions: ModulationRow] = [:]
  private var order: [EvaluationConditions] = []
  private var oldest = 0

  /// A table of at most 64 MiB, or of 16 rows where those take more.
  init(_ model: CausalTransformer, parameters: Parameters) {
    self.model = model
    self.parameters = parameters
    stride = padded(model.configuration.width, to: packedColumns)
    capacity = max(16, (64 << 20) / (4 * stride * model.modulationCount))
  }

  func row(_ conditions: EvaluationConditions) -> ModulationRow {
    if let known = rows[conditions] { return known }
    let row = ModulationRow(compute(conditions), stride: stride)
    if order.count < capacity {
      order.append(conditions)
    } else {
      rows[order[oldest]] = nil
      order[oldest] = conditions
      oldest = (oldest + 1) % capacity
    }
    rows[conditions] = row
    return row
  }

  private func compute(_ c: EvaluationConditions) -> [Tensor] {
    let number = { (value: Float) in Variable(Tensor([value], shape: [1, 1])) }
    return model.modulations(
      r: number(c.r), t: number(c.t), contextNoise: number(c.contextNoise), actions: [Int32(c.action)],
      parameters
    ).map(\.tensor)
  }
}
