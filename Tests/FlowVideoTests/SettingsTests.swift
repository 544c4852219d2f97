// SPDX-License-Identifier: Apache-2.0

import FlowVideo
import Testing

@Suite("Settings that cannot be")
struct SettingsTests {
  @Test(
    "odd sizes are refused where colour is shared, naming the size",
    arguments: VideoFormat.allCases, [(65, 48, 1), (64, 47, 1), (65, 48, 3)])
  func oddSizes(format: VideoFormat, size: (Int, Int, Int)) throws {
    let rate = try FrameRate(35)
    guard format.isChromaSubsampled else {
      _ = try VideoSettings(
        format: format, width: size.0, height: size.1, rate: rate, scale: size.2)
      return
    }
    let error = #expect(throws: VideoError.self) {
      try VideoSettings(format: format, width: size.0, height: size.1, rate: rate, scale: size.2)
    }
    #expect(error?.code == .badSize)
    #expect(error?.message.contains("\(size.0 * size.2)×\(size.1 * size.2)") == true)
  }

  @Test("an even scale makes an odd size possible")
  func evenScale() throws {
    let settings = try VideoSettings(
      format: .fmp4, width: 65, height: 47, rate: FrameRate(35), scale: 2)
    #expect((settings.outputWidth, settings.outputHeight) == (130, 94))
  }

  @Test(
    "values out of range are refused by name",
    arguments: [
      ("scale", 64, 0, 18, 35), ("scale", 64, 17, 18, 35), ("width", 0, 1, 18, 35),
      ("width", 4098, 2, 18, 35), ("width", Int.max, 1, 18, 35), ("crf", 64, 1, -1, 35),
      ("crf", 64, 1, 52, 35), ("gop", 64, 1, 18, 0), ("gop", 64, 1, 18, 1001),
    ])
  func ranges(name: String, width: Int, scale: Int, crf: Int, gop: Int) throws {
    let rate = try FrameRate(35)
    let error = #expect(throws: VideoError.self) {
      try VideoSettings(
        format: .fmp4, width: width, height: 48, rate: rate, scale: scale, crf: crf, gop: gop)
    }
    #expect(error?.operation == name)
  }

  @Test(
    "impossible rates are refused",
    arguments: [(0, 1), (-35, 1), (35, 0), (1001, 1), (200_000, 1), (Int.max, 1), (1, Int.max)])
  func rates(numerator: Int, denominator: Int) {
    let error = #expect(throws: VideoError.self) { try FrameRate(numerator, denominator) }
    #expect(error?.operation == "fps")
  }

  @Test(
    "a decimal rate becomes the nearest fraction",
    arguments: [(35.0, "35"), (35.0 / 3, "35/3"), (29.97, "2997/100"), (0.5, "1/2")])
  func nearestRate(framesPerSecond: Double, text: String) throws {
    #expect(try FrameRate(nearest: framesPerSecond).description == text)
  }

  @Test("rates that are no number are refused", arguments: [Double.nan, .infinity, 0, -1, 1e9])
  func noRates(framesPerSecond: Double) {
    #expect(throws: VideoError.self) { try FrameRate(nearest: framesPerSecond) }
  }

  @Test("a frame of the wrong size is refused and the stream goes on")
  func wrongFrame() throws {
    let settings = try VideoSettings(format: .rgb24, width: 2, height: 1, rate: FrameRate(1))
    var encoder = try VideoEncoder(settings)
    var code: VideoError.Code?
    do { _ = try encoder.encode([1, 2, 3]) } catch { code = error.code }
    #expect(code == .badSize)
    #expect(try encoder.encode([1, 2, 3, 4, 5, 6]).first?.bytes == [1, 2, 3, 4, 5, 6])
  }
}
