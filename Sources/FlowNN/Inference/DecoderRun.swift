// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// The buffers of a decoder, for as many pictures as it has, and what is done to them.
///
/// A stage is one parallel run: a task carries lines of a picture through a convolution and on to the input of the next,
/// which looks at the lines of others and so begins a run of its own. Not Sendable: one batch at a time. Grows with the
/// largest batch it has seen.
final class DecoderRun: TeamWork {
  private let plan: DecoderPlan
  private var capacity = 0
  private var levels: [Level] = []
  /// Results that are neither tokens nor hidden: pixels, or tokens of the finer resolution before they are put in place.
  private var wide: Workspace?
  private let wideCount: Int
  private var pixels: Workspace?
  /// What the team is at.
  private var stage = 0
  /// Tasks a picture.
  private var blocks = 1

  /// The buffers of a resolution.
  private final class Level {
    let height: Int
    let width: Int
    let channels: Int
    let stride: Int
    let tokens: Workspace
    let hidden: Workspace
    let normed: Workspace
    /// What a stage reads, and what it writes for the next.
    let sides: [BorderedPictures]

    init(_ count: Int, height: Int, width: Int, channels: Int, most: Int, _ precision: InferencePrecision) {
      (self.height, self.width, self.channels) = (height, width, channels)
      stride = PackedConvolution.rowCount(outputs: channels)
      let size = count * height * width * stride
      (tokens, hidden, normed) = (Workspace(count: size), Workspace(count: size), Workspace(count: size))
      sides = (0..<2).map { _ in
        BorderedPictures(count: count, height: height, width: width, channels: most, precision: precision)
      }
    }

    /// Where a line of a picture begins in tokens, hidden and normed.
    func start(_ picture: Int, _ line: Int) -> Int { (picture * height + line) * width * stride }
  }

  init(_ plan: DecoderPlan) {
    let c = plan.configuration
    self.plan = plan
    let places = c.latentHeight * c.latentWidth
    wideCount =
      places
      * max(
        PackedConvolution.rowCount(outputs: 4 * c.outerChannels),
        4 * PackedConvolution.rowCount(outputs: Autoencoder.pixelCount))
  }

  /// The bytes of the pictures of latents [count, height/8, width/8, channels].
  ///
  /// `check` is called before each stage and may end the run.
  func run<Stop: Error>(
    _ latents: Tensor, betweenStages check: () throws(Stop) -> Void
  ) throws(Stop) -> [[UInt8]] {
    let c = plan.configuration, count = latents.shape[0]
    precondition(latents.shape == c.latentShape(batch: count), "CompiledDecoder: latents \(latents.shape)")
    if count > capacity { grow(to: count) }
    blocks = Self.blocks(pictures: count, lines: c.latentHeight, team: Team.size)
    latents.withElements { take($0.baseAddress!, count) }
    for index in plan.stages.indices {
      try check()
      stage = index
      Team.run(count * blocks, self)
    }
    let size = 3 * c.height * c.width
    return (0..<count).map { picture in
      [UInt8](
        UnsafeBufferPointer(
          start: UnsafePointer(pixels.unsafelyUnwrapped.bytes + picture * size), count: size))
    }
  }

  /// Tasks a picture: as few as give every core as many.
  static func blocks(pictures: Int, lines: Int, team: Int) -> Int {
    var (a, b) = (pictures, team)
    while b > 0 { (a, b) = (b, a % b) }
    return max(1, min(lines, team / max(a, 1)))
  }

  private func grow(to count: Int) {
    let c = plan.configuration
    capacity = count
    levels = [
      Level(
        count, height: c.latentHeight, width: c.latentWidth, channels: c.innerChannels,
        most: max(c.innerChannels, c.latentChannels), plan.precision),
      Level(
        count, height: 2 * c.latentHeight, width: 2 * c.latentWidth, channels: c.outerChannels,
        most: c.outerChannels, plan.precision),
    ]
    wide = Workspace(count: count * wideCount)
    pixels = Workspace(byteCount: count * 3 * c.height * c.width)
  }

  private func take(_ latents: UnsafePointer<Float>, _ count: Int) {
    let level = levels[0], channels = plan.configuration.latentChannels, line = level.width * channels
    for picture in 0..<count {
      for y in 0..<level.height {
        level.sides[0].write(
          picture: picture, line: y, latents + (picture * level.height + y) * line, channels: channels,
          stride: channels)
      }
    }
  }

  // MARK: - A task

  func perform(_ index: Int) {
    let picture = index / blocks, block = index % blocks, height = plan.configuration.latentHeight
    let coarse = block * height / blocks..<(block + 1) * height / blocks
    let now = plan.stages[stage], source = levels[now.isFine ? 1 : 0]
    let lines = now.isFine ? fine(coarse) : coarse
    let place = source.start(picture, lines.lowerBound)
    let wideStride = PackedConvolution.rowCount(outputs: now.layer.outputs)
    let convolve = { (y: UnsafeMutablePointer<Float>, stride: Int, adding: Bool) in
      now.layer.apply(
        lines: lines, of: picture, in: source.sides[self.stage % 2], into: y, stride: stride, adding: adding)
    }
    switch now.result {
    case .tokens, .residual:
      convolve(source.tokens.floats + place, source.stride, now.result == .residual)
      pass(source.tokens, lines, of: picture, now.norm, to: source)
    case .hidden:
      convolve(source.hidden.floats + place, source.stride, false)
      pass(source.hidden, lines, of: picture, now.norm, to: source)
    case .finer:
      let y =
        wide.unsafelyUnwrapped.floats + picture * wideCount + lines.lowerBound * source.width * wideStride
      convolve(y, wideStride, false)
      spread(y, wideStride, lines, of: picture, source)
      pass(levels[1].tokens, fine(lines), of: picture, now.norm, to: levels[1])
    case .pixels:
      let y =
        wide.unsafelyUnwrapped.floats + picture * wideCount + lines.lowerBound * source.width * wideStride
      convolve(y, wideStride, false)
      paint(y, wideStride, lines, of: picture, source)
    }
  }

  private func fine(_ lines: Range<Int>) -> Range<Int> { 2 * lines.lowerBound..<2 * lines.upperBound }

  /// Lines of tokens, or of their norm's activation, to what the next stage reads.
  private func pass(
    _ tokens: Workspace, _ lines: Range<Int>, of picture: Int, _ norm: ConstantVector?, to level: Level
  ) {
    let start = level.start(picture, lines.lowerBound)
    var x = UnsafePointer(tokens.floats + start)
    if let norm {
      let y = level.normed.floats + start
      TokenRows.normedThroughSiLU(
        lines.count * level.width, channels: level.channels, stride: level.stride, epsilon: normEpsilon, x,
        weight: norm.floats, into: y)
      x = UnsafePointer(y)
    }
    walk(lines.count) { line in
      level.sides[(stage + 1) % 2].write(
        picture: picture, line: lines.lowerBound + line, x + line * level.width * level.stride,
        channels: level.channels, stride: level.stride)
    }
  }

  /// Each row of four times the channels becomes the tokens of 2×2 places.
  private func spread(
    _ y: UnsafePointer<Float>, _ stride: Int, _ lines: Range<Int>, of picture: Int, _ level: Level
  ) {
    let finer = levels[1], channels = finer.channels
    walk(lines.count * level.width) { row in
      walk(4) { part in
        let line = 2 * (lines.lowerBound + row / level.width) + part / 2
        let place = 2 * (row % level.width) + part % 2
        let target = finer.tokens.floats + finer.start(picture, line) + place * finer.stride
        target.update(from: y + row * stride + part * channels, count: channels)
      }
    }
  }

  /// Results as the bytes of their pixels.
  private func paint(
    _ y: UnsafePointer<Float>, _ stride: Int, _ lines: Range<Int>, of picture: Int, _ level: Level
  ) {
    let c = plan.configuration, k = Autoencoder.unshuffle
    let target = pixels.unsafelyUnwrapped.bytes + picture * 3 * c.height * c.width
    walk(lines.count) { line in
      TokenRows.pixels(
        level.width, side: k, y + line * level.width * stride, stride: stride,
        into: target + (lines.lowerBound + line) * k * 3 * c.width)
    }
  }
}
