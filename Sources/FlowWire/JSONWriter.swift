// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
  /// The value as a JSON text without spaces; members keep their order.
  public func serialised() -> [UInt8] {
    var text: [UInt8] = []
    write(to: &text)
    return text
  }

  private func write(to text: inout [UInt8]) {
    switch self {
    case .null: text.append(contentsOf: "null".utf8)
    case .boolean(let truth): text.append(contentsOf: (truth ? "true" : "false").utf8)
    case .integer(let number): text.append(contentsOf: String(number).utf8)
    case .number(let number):
      precondition(number.isFinite, "JSON has no word for \(number)")
      text.append(contentsOf: String(number).utf8)
    case .string(let string): writeString(string, to: &text)
    case .array(let elements):
      writeList(elements, "[", "]", to: &text) { element, text in element.write(to: &text) }
    case .object(let object):
      writeList(object.members, "{", "}", to: &text) { member, text in
        writeString(member.name, to: &text)
        text.append(UInt8(ascii: ":"))
        member.value.write(to: &text)
      }
    }
  }
}

private func writeList<Element>(
  _ elements: [Element], _ opening: Unicode.Scalar, _ closing: Unicode.Scalar, to text: inout [UInt8],
  _ write: (Element, inout [UInt8]) -> Void
) {
  text.append(UInt8(ascii: opening))
  for (index, element) in elements.enumerated() {
    if index > 0 { text.append(UInt8(ascii: ",")) }
    write(element, &text)
  }
  text.append(UInt8(ascii: closing))
}

private func writeString(_ string: String, to text: inout [UInt8]) {
  let digits = Array("0123456789abcdef".utf8)
  text.append(UInt8(ascii: "\""))
  for byte in string.utf8 {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
    case 0..<0x20: text += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    default: text.append(byte)
    }
  }
  text.append(UInt8(ascii: "\""))
}
