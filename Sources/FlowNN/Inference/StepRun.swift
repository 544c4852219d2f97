// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// What one stream brings to a step.
struct StepStream {
  let stream: TransformerStream
  let modulations: ModulationRow
  let frame: Int
  /// z ← keep·z + take·prediction.
  let keep: Float
  let take: Float
}

/// The buffers of a step, for as many rows as it has, and what is done to them.
///
/// Not Sendable: one step at a time. Grows with the largest batch it has seen, then allocates nothing.
final class StepRun: TeamWork {
  private let configuration: CausalTransformerConfiguration
  private let plan: StepPlan
  private let patches: LatentPatches
  /// Floats between rows of the tokens' width.
  private let stride: Int
  private var capacity = 0
  private var memory: Workspace?
  private var quantised: Workspace?
  /// The gate of each row, while a layer is applied behind it.
  private var gates = UnsafeMutableBufferPointer<UnsafePointer<Float>?>.allocate(capacity: 0)
  /// What the team is at.
  private var phase = Phase.rows(segment: 0, block: 1)

  private enum Phase {
    case attention(layer: Int)
    /// `block` rows a task.
    case rows(segment: Int, block: Int)
  }

  /// The streams of the step at hand.
  var streams: [StepStream] = []

  init(_ configuration: CausalTransformerConfiguration, plan: StepPlan) {
    self.configuration = configuration
    self.plan = plan
    stride = padded(configuration.width, to: packedColumns)
    patches = LatentPatches(
      height: configuration.latentHeight, width: configuration.latentWidth,
      channels: configuration.latentChannels)
  }

  deinit { gates.deallocate() }

  /// Runs the plan on `streams`: each stream's latent moves on, its keys and values are written.
  ///
  /// `check` is called before each block and may end the run: latents then stand where they stood, and keys and values of
  /// the frame at hand are written anew when it is asked for again.
  func run<Stop: Error>(beforeBlocks check: () throws(Stop) -> Void) throws(Stop) {
    let tokens = configuration.tokens, rows = streams.count * tokens
    if rows > capacity { grow(to: rows) }
    streams.walk { entry, _ in entry.stream.rotation.turn(to: entry.frame) }
    let block = Self.blockRows(rows, team: Team.size)
    var segment = 0
    while segment < plan.segments.count {
      try check()
      if let layer = plan.segments[segment].attention {
        phase = .attention(layer: layer)
        Team.run(streams.count * attentionTasks, self)
      }
      phase = .rows(segment: segment, block: block)
      Team.run((rows + block - 1) / block, self)
      segment += 1
    }
  }

  func perform(_ index: Int) {
    switch phase {
    case .attention(let layer): attend(layer, task: index)
    case .rows(let segment, let block):
      let first = index * block
      carry(
        RowBlock(first: first, count: min(block, streams.count * configuration.tokens - first)),
        through: plan.segments[segment].operations)
    }
  }

  /// Rows a task, of as many streams as they may be: every core has as many tasks, and weights are read seldom.
  static func blockRows(_ rows: Int, team: Int) -> Int {
    let tasks = team * ((rows + team * mostBlockRows - 1) / (team * mostBlockRows))
    let share = (rows + tasks - 1) / tasks
    return share < tileRows ? share : padded(share, to: tileRows)
  }

  /// More rows than that leave no room for weights in the second-level cache.
  private static let mostBlockRows = 32
  /// Rows that the products take together.
  private static let tileRows = 8

  private func grow(to rows: Int) {
    capacity = rows
    memory = Workspace(count: rows * (4 * stride + plan.wideStride + 1))
    quantised = Workspace(byteCount: rows * plan.rowByteCount)
    gates.deallocate()
    gates = .allocate(capacity: rows)
    gates.initialize(repeating: nil)
  }

  // MARK: - Rows

  /// Rows that a task carries, counted over all streams.
  private struct RowBlock {
    let first: Int
    let count: Int
  }

  /// Rows of a block that are of one stream.
  private struct StreamRows {
    let entry: StepStream
    /// The first of them, counted over all streams, and within its own.
    let row: Int
    let token: Int
    let count: Int
  }

  /// What is done to a token by weights is done to a whole block; what its stream decides, stream by stream.
  private func carry(_ block: RowBlock, through operations: [RowOperation]) {
    operations.walk { operation, _ in
      switch operation {
      case .linear(let layer, let from, let into, let activation):
        layer.apply(
          block.count, input(from, block.first), into: start(into, block.first), stride: rowStride(into),
          activation: activation)
      case .gatedLinear(let layer, let from, let gate):
        forEachStream(block) { rows in
          let gate = modulation(rows.entry, gate)
          walk(rows.count) { gates[rows.row + $0] = gate }
        }
        layer.apply(
          block.count, input(from, block.first), into: start(.tokens, block.first), stride: stride,
          gates: UnsafePointer(gates.baseAddress.unsafelyUnwrapped + block.first))
      case .perStream(let operation): forEachStream(block) { rows in perform(operation, rows) }
      }
    }
  }

  private func forEachStream(_ block: RowBlock, _ body: (StreamRows) -> Void) {
    let tokens = configuration.tokens, end = block.first + block.count
    var row = block.first
    while row < end {
      let token = row % tokens, count = min(tokens - token, end - row)
      body(StreamRows(entry: streams[row / tokens], row: row, token: token, count: count))
      row += count
    }
  }

  private func perform(_ operation: StreamOperation, _ rows: StreamRows) {
    let entry = rows.entry
    switch operation {
    case .gatherPatches:
      patches.gather(
        token: rows.token, rows: rows.count, noisy: entry.stream.noisy, previous: entry.stream.previous,
        into: start(.wide, rows.row), stride: plan.wideStride)
    case .modulatedNorm(let shift, let scale):
      TokenRows.modulatedNorm(
        rows.count, channels: configuration.width, stride: stride, epsilon: normEpsilon,
        start(.tokens, rows.row), scale: modulation(entry, scale), shift: modulation(entry, shift),
        into: start(.normed, rows.row))
    case .splitHeads(let part): splitHeads(part, rows)
    case .scatterPatches:
      patches.scatter(
        token: rows.token, rows: rows.count, change: start(.wide, rows.row), stride: plan.wideStride,
        previous: entry.stream.previous, keep: entry.keep, take: entry.take, into: entry.stream.noisy)
    }
  }

  /// Keys are normed and rotated into `normed`, whose contents the linear layer has used up, and from there into the
  /// cache.
  private func splitHeads(_ part: AttentionPart, _ rows: StreamRows) {
    let entry = rows.entry, row = rows.row
    let width = configuration.width, headWidth = width / configuration.heads
    let angle = rows.token * headWidth / 2
    let cosine = entry.stream.rotation.cosine + angle, sine = entry.stream.rotation.sine + angle
    let wide = start(.wide, row), keys = start(.normed, row)
    let rotate = {
      (source: UnsafePointer<Float>, weight: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>) in
      TokenRows.normedAndRotated(
        rows.count, channels: width, headWidth: headWidth, epsilon: normEpsilon, source,
        stride: self.plan.wideStride, weight: weight, cosine: cosine, sine: sine, into: target,
        yStride: self.stride)
    }
    rotate(wide, part.normQ.floats, start(.queries, row))
    rotate(wide + width, part.normK.floats, keys)
    let cache = entry.stream.cache
    cache.heads.write(
      layer: part.block, token: cache.start(of: entry.frame) + rows.token, rows: rows.count, keys: keys,
      keyStride: stride, values: wide + 2 * width, valueStride: plan.wideStride)
  }

  // MARK: - Attention

  /// One a head and block of queries of a stream: a call's worth, so that no core waits long for the last.
  private var attentionTasks: Int { configuration.heads * queryBlocks }
  private var queryBlocks: Int {
    (configuration.tokens + HeadCaches.mostQueries - 1) / HeadCaches.mostQueries
  }

  /// Blocks of one head are neighbours: its keys and values serve them while they are in cache.
  private func attend(_ layer: Int, task: Int) {
    let stream = task / attentionTasks, part = task % attentionTasks
    let entry = streams[stream], cache = entry.stream.cache
    let token = part % queryBlocks * HeadCaches.mostQueries, row = stream * configuration.tokens + token
    cache.heads.attend(
      layer: layer, head: part / queryBlocks, visible: cache.visible(from: entry.frame),
      rows: min(HeadCaches.mostQueries, configuration.tokens - token), queries: start(.queries, row),
      queryStride: stride, into: start(.attended, row), outputStride: stride)
  }

  // MARK: - Buffers

  private func rowStride(_ buffer: PlanBuffer) -> Int { buffer == .wide ? plan.wideStride : stride }

  private func start(_ buffer: PlanBuffer, _ row: Int) -> UnsafeMutablePointer<Float> {
    let base = memory.unsafelyUnwrapped.floats
    return switch buffer {
    case .tokens: base + row * stride
    case .normed: base + (capacity + row) * stride
    case .queries: base + (2 * capacity + row) * stride
    case .attended: base + (3 * capacity + row) * stride
    case .wide: base + 4 * capacity * stride + row * plan.wideStride
    }
  }

  private func input(_ buffer: PlanBuffer, _ row: Int) -> LinearInput {
    let scales = memory.unsafelyUnwrapped.floats + capacity * (4 * stride + plan.wideStride)
    return LinearInput(
      floats: start(buffer, row), stride: rowStride(buffer),
      bytes: quantised.unsafelyUnwrapped.bytes + row * plan.rowByteCount, scales: scales + row)
  }

  private func modulation(_ entry: StepStream, _ number: Int) -> UnsafePointer<Float> {
    UnsafePointer(entry.modulations.start + number * stride)
  }
}
