// SPDX-License-Identifier: Apache-2.0

/// Checks that the tensors a header describes can be, and fill a file's data exactly.
struct LayoutCheck {
  let path: String
  /// Where the tensors' bytes begin in the file.
  let dataStart: Int
  /// The bytes of the whole file.
  let fileCount: Int

  /// The header's tensors by name. Throws `.badTensor`, `.badHeader` or `.truncated`.
  func entries(of header: SafetensorsHeader) throws(CheckpointError) -> [String: SafetensorsFile.Entry] {
    var entries: [String: SafetensorsFile.Entry] = [:]
    for (name, record) in header.tensors { entries[name] = try entry(name, record) }
    try checkPlaces(entries.values.sorted { Self.order($0) < Self.order($1) })
    return entries
  }

  /// One tensor on its own: known type, shape and offsets that agree.
  private func entry(
    _ name: String, _ record: SafetensorsHeader.Record
  ) throws(CheckpointError) -> SafetensorsFile.Entry {
    guard let type = StoredType(rawValue: record.dtype) else {
      let known = StoredType.allCases.map(\.rawValue).joined(separator: " ")
      throw bad(name, "the type '\(record.dtype)' is none of \(known); convert it to one of these")
    }
    guard let count = type.byteCount(ofShape: record.shape) else {
      throw bad(name, "the shape \(record.shape) is impossible; make the file again")
    }
    let offsets = record.dataOffsets
    // The upper bound keeps the sums below from overflowing; a file that long cannot be mapped.
    guard
      offsets.count == 2, 0 <= offsets[0], offsets[0] <= offsets[1], offsets[1] <= Int.max - dataStart
    else {
      throw bad(name, "the offsets \(offsets) are no range; make the file again")
    }
    guard offsets[1] - offsets[0] == count else {
      throw bad(
        name,
        "\(type.rawValue) \(record.shape) takes \(count) bytes, and the offsets \(offsets) span "
          + "\(offsets[1] - offsets[0]); make the file again")
    }
    let range = dataStart + offsets[0]..<dataStart + offsets[1]
    return SafetensorsFile.Entry(name: name, type: type, shape: record.shape, range: range)
  }

  /// All tensors together, in the order of their bytes: no gap, no overlap, and the file's end is theirs.
  private func checkPlaces(_ entries: [SafetensorsFile.Entry]) throws(CheckpointError) {
    var end = dataStart
    for entry in entries {
      guard entry.range.lowerBound == end else {
        let what = entry.range.lowerBound < end ? "overlaps the tensor before it" : "leaves a gap before it"
        throw bad(entry.name, "\(what); make the file again")
      }
      end = entry.range.upperBound
      guard end <= fileCount else {
        throw CheckpointError(
          .truncated, path: path, tensor: entry.name,
          "ends at byte \(end), and the file after \(fileCount); fetch or make it again")
      }
    }
    guard end == fileCount else {
      throw CheckpointError(
        .badHeader, path: path,
        "\(fileCount - end) bytes after the last tensor belong to none; make the file again")
    }
  }

  /// By place; an empty tensor comes before the one that begins where it stands, and names break ties.
  private static func order(_ entry: SafetensorsFile.Entry) -> (Int, Int, String) {
    (entry.range.lowerBound, entry.range.upperBound, entry.name)
  }

  private func bad(_ name: String, _ message: String) -> CheckpointError {
    CheckpointError(.badTensor, path: path, tensor: name, message)
  }
}
