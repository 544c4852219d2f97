// SPDX-License-Identifier: Apache-2.0

/// Which action is taken in which frame: runs of equal actions, one after the other.
///
/// Inline, `forward*20,left*8,none`: a name, or a name and a count, separated by commas. In a file, one
/// `name [count]` a line; what follows `#` is a remark. After the end of a script the model's default
/// action is taken.
public struct ActionScript: Sendable, Equatable {
  /// One action, taken in `count` frames in a row.
  public struct Run: Sendable, Equatable {
    /// The name of the action.
    public let action: String
    /// In how many frames.
    public let count: Int

    /// A run of `count` frames.
    public init(action: String, count: Int) {
      self.action = action
      self.count = count
    }
  }

  /// The runs, in order; at least one.
  public let runs: [Run]

  /// The most frames that a run may have.
  public static let longestRun = 1_000_000

  /// Parses a script of one line, `name[*count],…`.
  ///
  /// - Throws: ``ClientError`` of kind `usage`, quoting the part that is wrong.
  public init(inline text: String) throws(ClientError) {
    var runs: [Run] = []
    for (index, token) in text.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
      let parts = token.split(separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
      let place = "action \(index + 1), \"\(token)\""
      runs.append(try parseRun(parts.map(trimmed), place))
    }
    self.runs = runs
  }

  /// Parses a script of one run a line, `name [count]`.
  ///
  /// - Throws: ``ClientError`` of kind `usage`, quoting the line that is wrong.
  public init(lines text: String) throws(ClientError) {
    var runs: [Run] = []
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let content = line.prefix { $0 != "#" }
      let words = content.split(whereSeparator: \.isWhitespace)
      guard !words.isEmpty else { continue }
      runs.append(try parseRun(words, "line \(index + 1), \"\(trimmed(content))\""))
    }
    guard !runs.isEmpty else { throw ClientError(.usage, "the script of actions holds no action") }
    self.runs = runs
  }

  /// How many frames the script covers.
  public var frames: Int { runs.reduce(0) { $0 + $1.count } }

  /// The same actions in as few runs as can be.
  public var compacted: ActionScript {
    var joined: [Run] = []
    for run in runs {
      if let last = joined.last, last.action == run.action {
        joined[joined.count - 1] = Run(action: run.action, count: last.count + run.count)
      } else {
        joined.append(run)
      }
    }
    return ActionScript(runs: joined)
  }

  private init(runs: [Run]) { self.runs = runs }
}

/// A name and perhaps a count.
private func parseRun(_ parts: [Substring], _ place: String) throws(ClientError) -> ActionScript.Run {
  guard let name = parts.first, !name.isEmpty, name.utf8.allSatisfy(isNameByte) else {
    throw ClientError(.usage, "\(place): a name of letters, digits, '-', '_' or '+' is expected")
  }
  guard parts.count > 1 else { return ActionScript.Run(action: String(name), count: 1) }
  guard parts.count == 2, parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let count = Int(parts[1]),
    (1...ActionScript.longestRun).contains(count)
  else {
    throw ClientError(.usage, "\(place): the count must be a number within 1…\(ActionScript.longestRun)")
  }
  return ActionScript.Run(action: String(name), count: count)
}

private func isNameByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "+"):
    true
  default: false
  }
}

/// The text without white space at its ends.
private func trimmed(_ text: Substring) -> Substring {
  var text = text.drop(while: \.isWhitespace)
  while let last = text.last, last.isWhitespace { text.removeLast() }
  return text
}
