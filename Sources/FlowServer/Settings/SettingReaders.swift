// SPDX-License-Identifier: Apache-2.0

/// Where a value goes.
typealias SettingPlace<Value> = WritableKeyPath<DaemonSettings, Value> & Sendable

extension SettingReader {
  /// Any text but none.
  static func text(_ placeholder: String, _ place: any SettingPlace<String>) -> SettingReader {
    SettingReader(placeholder: placeholder) { text, settings throws(SettingFault) in
      guard !text.isEmpty else { throw SettingFault("give a \(placeholder.lowercased())") }
      settings[keyPath: place] = text
    }
  }

  /// Any text, or `none`.
  static func optional(_ placeholder: String, _ place: any SettingPlace<String?>) -> SettingReader {
    SettingReader(placeholder: placeholder) { text, settings throws(SettingFault) in
      guard !text.isEmpty else { throw SettingFault("give a \(placeholder.lowercased()), or none") }
      settings[keyPath: place] = text == "none" ? nil : text
    }
  }

  /// A whole number.
  static func integer(_ range: ClosedRange<Int>, _ place: any SettingPlace<Int>) -> SettingReader {
    SettingReader(placeholder: "N") { text, settings throws(SettingFault) in
      guard let number = Int(text), range.contains(number) else {
        throw SettingFault("give a whole number from \(range.lowerBound) to \(range.upperBound)")
      }
      settings[keyPath: place] = number
    }
  }

  /// A time of at least a millisecond, or of `least` if that is 0.
  static func seconds(
    from least: Double = 0.001, to most: Int, _ place: any SettingPlace<Duration>
  ) -> SettingReader {
    SettingReader(placeholder: "SECONDS") { text, settings throws(SettingFault) in
      guard let seconds = Double(text), seconds >= least, seconds <= Double(most) else {
        throw SettingFault("give seconds from \(least) to \(most)")
      }
      settings[keyPath: place] = .seconds(seconds)
    }
  }

  /// A number of bytes, `half` of the memory, or `none`.
  static func bytes(_ place: any SettingPlace<Int?>) -> SettingReader {
    SettingReader(placeholder: "BYTES") { text, settings throws(SettingFault) in
      switch text {
      case "none": settings[keyPath: place] = nil
      case "half": settings[keyPath: place] = MachineMemory.half
      default:
        guard let bytes = byteCount(text) else {
          throw SettingFault("give bytes such as 512M or 4G, half (of the memory), or none")
        }
        settings[keyPath: place] = bytes
      }
    }
  }

  /// One of some words.
  static func choice<Value: Sendable>(
    _ choices: [(word: String, value: Value)], _ place: any SettingPlace<Value>
  ) -> SettingReader {
    let words = choices.map(\.word)
    return SettingReader(placeholder: words.joined(separator: "|")) { text, settings throws(SettingFault) in
      guard let choice = choices.first(where: { $0.word == text }) else {
        throw SettingFault("give \(words.dropLast().joined(separator: ", ")) or \(words.last ?? "")")
      }
      settings[keyPath: place] = choice.value
    }
  }

  /// Yes or no; the flag alone says yes.
  static func truth(_ place: any SettingPlace<Bool>) -> SettingReader {
    SettingReader(placeholder: "true|false", isSwitch: true) { text, settings throws(SettingFault) in
      guard let truth = Bool(text) else { throw SettingFault("give true or false") }
      settings[keyPath: place] = truth
    }
  }

  /// Names of models, `all` or `none`.
  static func preload(_ place: any SettingPlace<ServerConfiguration.Preload>) -> SettingReader {
    SettingReader(placeholder: "NAMES") { text, settings throws(SettingFault) in
      let names = text.split(separator: ",", omittingEmptySubsequences: false).map {
        String($0.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
      }
      guard !names.contains("") else {
        throw SettingFault("give all, none, or names of models with a comma between them")
      }
      switch names {
      case ["all"]: settings[keyPath: place] = .all
      case ["none"]: settings[keyPath: place] = .names([])
      default: settings[keyPath: place] = .names(names)
      }
    }
  }

  /// An address of the loopback interface with its port, or `off`.
  static func loopback(_ place: any SettingPlace<String?>) -> SettingReader {
    SettingReader(placeholder: "ADDRESS") { text, settings throws(SettingFault) in
      guard text == "off" || LoopbackAddress(text) != nil else {
        throw SettingFault("give 127.0.0.1:PORT, [::1]:PORT, or off; it is served without encryption")
      }
      settings[keyPath: place] = text == "off" ? nil : text
    }
  }
}

/// Reads a number of bytes that may end with K, M, G or T, powers of 1024; nil for 0 and for what is none.
private func byteCount(_ text: String) -> Int? {
  let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
  let unit = text.last.flatMap { units[$0] }
  guard let number = Int(unit == nil ? text : String(text.dropLast())), number > 0 else { return nil }
  let (bytes, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
  return overflow ? nil : bytes
}
