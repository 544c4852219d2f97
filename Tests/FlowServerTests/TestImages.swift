// SPDX-License-Identifier: Apache-2.0

import FlowVideo
import FlowWire

/// A picture of one grey.
func testImage(
  _ encoding: InitialImage.Encoding, width: Int, height: Int, value: UInt8 = 0
) throws -> InitialImage {
  let rgb = [UInt8](repeating: value, count: width * height * 3)
  let bytes = encoding == .png ? try StillImage(width: width, height: height, rgb: rgb).png() : rgb
  return try InitialImage(encoding, width: width, height: height, bytes: bytes)
}
