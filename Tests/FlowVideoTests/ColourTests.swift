// SPDX-License-Identifier: Apache-2.0

import FlowVideo
import Testing

@Suite("Colour")
struct ColourTests {
  /// Roughly what the eye can see in an 8-bit picture.
  private let tolerance = 3

  @Test(
    "eight colour bars come back within three codes, with all four tags",
    arguments: [VideoFormat.fmp4, .mpegts], [ScaleFilter.nearest, .bicubic])
  func h264Bars(format: VideoFormat, filter: ScaleFilter) throws {
    let settings = try VideoSettings(
      format: format, width: 64, height: 48, rate: FrameRate(35), scale: 4, filter: filter)
    let stream = try encodeAll(settings, Array(repeating: colourBars(), count: 5)).bytes
    let video = try DecodedVideo(stream, suffix: format == .fmp4 ? "mp4" : "ts")
    #expect(video.codec == "h264")
    #expect([video.matrix, video.primaries, video.transfer] == ["bt709", "bt709", "bt709"])
    #expect(video.range == "tv")
    #expect(video.pictures.count == 5)
    for picture in video.pictures { #expect(largestError(picture, settings) <= tolerance) }
  }

  @Test("eight colour bars survive y4m within three codes", arguments: [1, 2, 4])
  func y4mBars(scale: Int) throws {
    let settings = try VideoSettings(
      format: .y4m, width: 256 / scale, height: 48, rate: FrameRate(35), scale: scale)
    let bars = colourBars(width: 256 / scale)
    let video = try DecodedVideo(try encodeAll(settings, [bars]).bytes, suffix: "y4m")
    #expect(video.pictures.count == 1)
    #expect(largestError(try #require(video.pictures.first), settings) <= tolerance)
  }

  @Test("limited range puts black at 16 and white at 235", arguments: [(0, 16), (255, 235)])
  func limitedRange(rgb: UInt8, luma: UInt8) throws {
    let settings = try VideoSettings(format: .yuv420p, width: 4, height: 2, rate: FrameRate(1))
    let picture = [UInt8](repeating: rgb, count: 24)
    let planes = try encodeAll(settings, [picture]).bytes
    #expect(planes == [UInt8](repeating: luma, count: 8) + [128, 128, 128, 128])
  }

  @Test("pure red has the luma of BT.709, not of BT.601")
  func matrix() throws {
    let settings = try VideoSettings(format: .yuv420p, width: 2, height: 2, rate: FrameRate(1))
    let planes = try encodeAll(settings, [[255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0]]).bytes
    // 16 + 219 · 0.2126 = 62.6 (BT.601 would give 81.5); Cr = 128 + 112.
    #expect(abs(Int(planes[0]) - 63) <= 1)
    #expect(planes[5] == 240)
  }

  @Test("bicubic enlargement of rgb24 keeps a flat colour", arguments: barColours)
  func bicubicFlat(colour: [UInt8]) throws {
    let settings = try VideoSettings(
      format: .rgb24, width: 8, height: 6, rate: FrameRate(1), scale: 3, filter: .bicubic)
    let flat = (0..<48).flatMap { _ in colour }
    let stream = try encodeAll(settings, [flat]).bytes
    #expect(stream.count == 24 * 18 * 3)
    let error = stream.enumerated().map { abs(Int($1) - Int(colour[$0 % 3])) }.max()
    #expect(try #require(error) <= 1)
  }

  /// The largest error in the middle quarter of each bar of 32 pixels: a neighbour reaches 8 pixels by
  /// the fourfold bicubic filter and 4 more by that of the colour samples.
  private func largestError(_ picture: [UInt8], _ settings: VideoSettings) -> Int {
    let (width, bar) = (settings.outputWidth, settings.outputWidth / 8)
    var largest = 0
    for row in 0..<settings.outputHeight {
      for column in 0..<width where (bar * 3 / 8..<bar * 5 / 8).contains(column % bar) {
        let colour = barColours[column / bar]
        for channel in 0..<3 {
          let code = picture[(row * width + column) * 3 + channel]
          largest = max(largest, abs(Int(code) - Int(colour[channel])))
        }
      }
    }
    return largest
  }
}
