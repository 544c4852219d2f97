// SPDX-License-Identifier: Apache-2.0

import FlowVideo
import Testing

@Suite("Streams of pictures")
struct StreamTests {
  private let pictures = (0..<24).map { texture($0) }

  @Test("every format gives the same bytes twice", arguments: VideoFormat.allCases)
  func deterministic(format: VideoFormat) throws {
    let settings = try VideoSettings(
      format: format, width: 64, height: 48, rate: FrameRate(35), scale: 2, gop: 8)
    let first = try encodeAll(settings, pictures)
    #expect(try encodeAll(settings, pictures) == first)
    #expect(first.map(\.frames).reduce(0, +) == pictures.count)
  }

  @Test("every frame belongs to one chunk, in order", arguments: VideoFormat.allCases)
  func chunkNumbers(format: VideoFormat) throws {
    let settings = try VideoSettings(
      format: format, width: 64, height: 48, rate: FrameRate(35), gop: 8)
    var next = 0
    for chunk in try encodeAll(settings, pictures) {
      #expect(chunk.firstFrame == next)
      next += chunk.frames
    }
    #expect(next == pictures.count)
  }

  @Test(
    "an MP4 shows every frame at its exact time",
    arguments: [(35, 1), (35, 3), (30000, 1001), (16, 1)])
  func exactTimes(numerator: Int, denominator: Int) throws {
    let rate = try FrameRate(numerator, denominator)
    let settings = try VideoSettings(format: .fmp4, width: 64, height: 48, rate: rate)
    let video = try DecodedVideo(try encodeAll(settings, pictures).bytes, suffix: "mp4")
    #expect(video.times.count == pictures.count)
    for (index, time) in video.times.enumerated() {
      // time · timeBase = index / rate, cross-multiplied to whole numbers.
      #expect(time * video.timeBase.0 * numerator == index * denominator * video.timeBase.1)
    }
  }

  @Test("a transport stream gives every frame as it goes in")
  func transportHasNoDelay() throws {
    let settings = try VideoSettings(format: .mpegts, width: 64, height: 48, rate: FrameRate(35))
    var encoder = try VideoEncoder(settings)
    for picture in pictures {
      #expect(try encoder.encode(picture).map(\.frames).reduce(0, +) == 1)
    }
    #expect(try encoder.finish().map(\.frames).reduce(0, +) == 0)
  }

  @Test("an MP4 cut after any fragment shows exactly the frames that were in it")
  func cutFragments() throws {
    let settings = try VideoSettings(
      format: .fmp4, width: 64, height: 48, rate: FrameRate(35), gop: 8)
    let chunks = try encodeAll(settings, pictures)
    #expect(chunks.count >= 4)
    for count in 2..<chunks.count {
      let cut = Array(chunks.prefix(count))
      let video = try DecodedVideo(cut.bytes, suffix: "mp4")
      #expect(video.pictures.count == cut.map(\.frames).reduce(0, +))
    }
  }

  @Test("a fragment is never longer than the group of pictures")
  func fragmentLength() throws {
    let settings = try VideoSettings(
      format: .fmp4, width: 64, height: 48, rate: FrameRate(35), gop: 8)
    let chunks = try encodeAll(settings, pictures)
    #expect(try #require(chunks.map(\.frames).max()) <= 8)
    #expect(try #require(chunks.first).frames == 0)
  }

  @Test("a y4m stream has its header once and a mark before each picture")
  func y4mHeader() throws {
    let settings = try VideoSettings(
      format: .y4m, width: 4, height: 2, rate: FrameRate(35, 3), scale: 2)
    let stream = try encodeAll(settings, Array(repeating: [UInt8](repeating: 9, count: 24), count: 2))
    let header = "YUV4MPEG2 W8 H4 F35:3 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED\n"
    #expect(stream.map(\.bytes.count) == [header.utf8.count, 6 + 48, 6 + 48])
    #expect(stream[0].bytes == Array(header.utf8))
    #expect(stream[1].bytes.starts(with: "FRAME\n".utf8))
  }

  @Test("rgb24 without enlargement is the input")
  func rawIsIdentity() throws {
    let settings = try VideoSettings(format: .rgb24, width: 64, height: 48, rate: FrameRate(35))
    #expect(try encodeAll(settings, pictures).bytes == pictures.flatMap { $0 })
  }

  @Test("nearest enlargement repeats each pixel in both directions")
  func nearest() throws {
    let settings = try VideoSettings(format: .rgb24, width: 2, height: 1, rate: FrameRate(1), scale: 2)
    let row: [UInt8] = [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]
    #expect(try encodeAll(settings, [[1, 2, 3, 4, 5, 6]]).bytes == row + row)
  }

  @Test("finishing without a frame still gives a stream that ends", arguments: VideoFormat.allCases)
  func noFrames(format: VideoFormat) throws {
    let settings = try VideoSettings(format: format, width: 64, height: 48, rate: FrameRate(35))
    var encoder = try VideoEncoder(settings)
    #expect(try encoder.finish().map(\.frames).reduce(0, +) == 0)
    #expect(try encoder.finish().isEmpty)
  }

  @Test("a comment is written into the container")
  func comment() throws {
    let settings = try VideoSettings(
      format: .fmp4, width: 64, height: 48, rate: FrameRate(35), comment: "seed 7")
    let header = try #require(try encodeAll(settings, pictures).first)
    #expect(header.bytes.indices.contains { header.bytes[$0...].starts(with: "seed 7".utf8) })
  }
}
