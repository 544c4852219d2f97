// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowServer
import FlowTensor
import Glibc
import Synchronization

/// A generator that needs no network: a moving pattern, steered by actions, decided by its seed.
///
/// It stands in for the network only; everything around it is the real daemon.
final class PatternModel: VideoModel {
  let description: VideoModelDescription
  private let gate: Gate?
  private let failsAt: Int?
  private let copies: Tally?

  init(
    _ name: String, width: Int = 16, height: Int = 12, residentBytes: Int = 0, gate: Gate? = nil,
    failsAt: Int? = nil, copies: Tally? = nil
  ) {
    description = VideoModelDescription(
      name: name, sha256: "0123", width: width, height: height, framesPerSecond: 35,
      actions: ["stay", "left", "right"], defaultAction: 0, defaultSteps: 2, maximumSteps: 4,
      bytesPerStream: width * height * 3, dataLicence: "CC0-1.0", residentBytes: residentBytes)
    self.gate = gate
    self.failsAt = failsAt
    self.copies = copies
  }

  func makeStream(_ options: StreamOptions) -> any VideoStream { PatternStream(options, copies: copies) }

  func advance(
    _ streams: [any VideoStream], actions: [Int], unless cancellation: Cancellation
  ) throws(AdvanceError) -> [RGBImage] {
    gate?.pass()
    if cancellation.isCancelled { throw .cancelled }
    let patterns = streams.compactMap { $0 as? PatternStream }
    for pattern in patterns where pattern.framesGenerated == failsAt {
      throw .numerical(place: "the pattern")
    }
    return zip(patterns, actions).map { pattern, action in
      pattern.next(action: action, width: description.width, height: description.height)
    }
  }
}

private final class PatternStream: VideoStream {
  private(set) var framesGenerated = 0
  private var options: StreamOptions
  private var position = 0
  var byteCount: Int { 2 * MemoryLayout<Int>.size + (options.initialImage?.pixels.count ?? 0) }

  private let copies: Tally?

  init(_ options: StreamOptions, copies: Tally?) { (self.options, self.copies) = (options, copies) }

  func copy() -> any VideoStream {
    copies?.count.withLock { $0 += 1 }
    let copy = PatternStream(options, copies: copies)
    (copy.framesGenerated, copy.position) = (framesGenerated, position)
    return copy
  }

  func reseed(_ seed: UInt64) { options.seed = seed }

  func next(action: Int, width: Int, height: Int) -> RGBImage {
    position += [0, -1, 1][action]
    let base = options.initialImage.map { Int($0.pixels[0]) } ?? Int(truncatingIfNeeded: options.seed)
    let pixels = (0..<width * height * 3).map { index in
      let (pixel, channel) = index.quotientAndRemainder(dividingBy: 3)
      let (row, column) = pixel.quotientAndRemainder(dividingBy: width)
      return UInt8(
        truncatingIfNeeded: base &+ (column + position) * 7 + row * 3 + channel * 50 + framesGenerated)
    }
    framesGenerated += 1
    return RGBImage(width: width, height: height, pixels: pixels)
  }
}

/// How often something was done, on whichever thread.
final class Tally: Sendable {
  let count = Mutex(0)
}

/// Lets a generator go on for a number of batches only.
final class Gate: Sendable {
  private let allowed = Mutex(0)

  /// Allows so many batches more.
  func open(_ count: Int) { allowed.withLock { $0 += count } }

  /// Waits until a batch is allowed.
  func pass() {
    while !allowed.withLock({ allowed in
      guard allowed > 0 else { return false }
      allowed -= 1
      return true
    }) {
      sched_yield()
    }
  }
}

/// The models of the tests, and some that cannot be loaded.
struct TestCatalogue: ModelCatalogue {
  var gate: Gate?

  func names() -> [String] { ["broken", "fragile", "gated", "odd", "pattern"] }

  func describe(_ name: String) throws -> ServedModelDescription { try load(name).description }

  func load(_ name: String) throws -> ServedModel {
    switch name {
    case "pattern": .video(PatternModel(name))
    case "odd": .video(PatternModel(name, width: 15, height: 11))
    case "fragile": .video(PatternModel(name, failsAt: 3))
    case "gated": .video(PatternModel(name, gate: gate))
    default: throw BrokenBundle()
    }
  }
}

/// What the loader of bundles says of a damaged file.
struct BrokenBundle: Error, CustomStringConvertible {
  let description = "weights.safetensors: the tensor \"blocks.3.mlp.weight\" ends beyond the file"
}
