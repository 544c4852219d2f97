// SPDX-License-Identifier: Apache-2.0

import FlowVideo
import Testing

@Suite("PNG")
struct StillImageTests {
  @Test("a picture survives encoding and decoding", arguments: [(64, 48), (1, 1), (65, 47)])
  func roundTrip(width: Int, height: Int) throws {
    let image = try StillImage(
      width: width, height: height, rgb: texture(3, width: width, height: height))
    #expect(try StillImage(png: image.png()) == image)
  }

  @Test("a PNG sequence holds one file a frame")
  func sequence() throws {
    let settings = try VideoSettings(
      format: .png, width: 64, height: 48, rate: FrameRate(1), scale: 2)
    let chunks = try encodeAll(settings, (0..<3).map { texture($0) })
    #expect(chunks.count == 3)
    for chunk in chunks {
      let image = try StillImage(png: chunk.bytes)
      #expect((image.width, image.height) == (128, 96))
    }
  }

  @Test("a file cut anywhere is refused")
  func truncated() throws {
    let file = try StillImage(width: 16, height: 12, rgb: texture(0, width: 16, height: 12)).png()
    for count in 0..<file.count {
      let error = #expect(throws: VideoError.self) { try StillImage(png: Array(file.prefix(count))) }
      #expect(error?.code == .badImage)
    }
  }

  @Test("a file with any byte of its chunks changed is refused or keeps its size")
  func corrupted() throws {
    let file = try StillImage(width: 16, height: 12, rgb: texture(0, width: 16, height: 12)).png()
    for place in file.indices {
      var broken = file
      broken[place] ^= 0x55
      guard let image = try? StillImage(png: broken) else { continue }
      #expect((image.width, image.height) == (16, 12))
    }
  }

  @Test("a picture larger than allowed is refused before its pixels are decoded")
  func tooLarge() throws {
    let file = try StillImage(width: 65, height: 2, rgb: texture(0, width: 65, height: 2)).png()
    let error = #expect(throws: VideoError.self) { try StillImage(png: file, largestSide: 64) }
    #expect(error?.code == .badSize)
    #expect(error?.message.contains("65×2") == true)
  }

  @Test(
    "bytes that are no PNG are refused",
    arguments: [[], [0xFF, 0xD8, 0xFF, 0xE0], [UInt8](repeating: 0, count: 64)])
  func noPNG(bytes: [UInt8]) {
    let error = #expect(throws: VideoError.self) { try StillImage(png: bytes) }
    #expect(error?.code == .badImage)
  }

  @Test(
    "grey, palette and transparent files become RGB",
    arguments: PNGSample.allCases)
  func otherColourTypes(sample: PNGSample) throws {
    let image = try StillImage(png: sample.file)
    #expect(image == (try StillImage(width: 2, height: 1, rgb: sample.rgb)))
  }

  @Test("text that inflates to far more than the file is left alone")
  func bomb() async {
    await #expect(processExitsWith: .success) {
      let file = try StillImage(width: 16, height: 12, rgb: texture(0, width: 16, height: 12)).png()
      let text = chunk("zTXt", [65, 0, 0] + inflating(periods: 130_000))
      let before = peakMemory()
      // After the signature and IHDR, where text may stand.
      let image = try StillImage(png: file[..<33] + text + file[33...])
      #expect(image == (try StillImage(png: file)))
      #expect(peakMemory() - before < 64 << 20)
    }
  }
}
