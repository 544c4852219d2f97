// SPDX-License-Identifier: Apache-2.0

import FlowClient
import FoundationEssentials
import Testing

@Suite("Output")
struct OutputTests {
  private let chunk: [UInt8] = [1, 2, 3, 4]

  @Test(
    "the extension or the option decides the format",
    arguments: [
      ("a.mp4", nil, "mp4"), ("A.MP4", nil, "mp4"), ("a.b.ts", nil, "mpegts"), ("a.y4m", nil, "y4m"),
      ("x/a.rgb", nil, "rgb24"), ("f%d.png", nil, "png"), ("a.dat", "mpegts", "mpegts"),
      ("-", "y4m", "y4m"), ("a.mp4", "y4m", "y4m"),
    ] as [(String, String?, String)])
  func formats(path: String, option: String?, expected: String) throws {
    let target = try OutputTarget(path: path, format: option.flatMap(OutputFormat.init(rawValue:)))
    #expect(target.format.rawValue == expected)
  }

  @Test(
    "a path that leaves the format open is refused",
    arguments: [("-", nil), ("video", nil), ("a.avi", nil), ("x.mp4/video", nil), ("-", .png)]
      as [(String, OutputFormat?)])
  func openFormats(path: String, option: OutputFormat?) {
    let error = #expect(throws: ClientError.self) { try OutputTarget(path: path, format: option) }
    #expect(error?.kind == .usage)
  }

  @Test(
    "a pattern puts the number of the frame into the path",
    arguments: [("f-%06d.png", "f-000042.png"), ("f%d.png", "f42.png"), ("%01d", "42")])
  func patterns(pattern: String, path: String) throws {
    #expect(try FramePattern(pattern).path(42) == path)
  }

  @Test(
    "a pattern without exactly one number is refused",
    arguments: ["f.png", "%d-%d.png", "%s.png", "%6d.png", "%012d.png", "%", "%0xd"])
  func wrongPatterns(pattern: String) {
    let error = #expect(throws: ClientError.self) { try FramePattern(pattern) }
    #expect(error?.message.contains(pattern) == true)
  }

  @Test("input is read whole, up to a limit")
  func input() throws {
    try inTemporaryFolder { folder in
      let path = folder + "/in"
      try Data(chunk).write(to: URL(filePath: path))
      #expect(try readFile(path, limit: 4) == chunk)
      for (path, limit) in [(path, 3), ("/dev/zero", 100), (folder, 4), (folder + "/none", 4)] {
        let error = #expect(throws: ClientError.self) { try readFile(path, limit: limit) }
        #expect(error?.message.contains(path) == true)
      }
    }
  }

  @Test("a file has its name only when it is whole")
  func wholeFile() throws {
    try inTemporaryFolder { folder in
      let path = folder + "/out.mp4"
      let sink = try openSink(.file(path))
      try write(chunk, to: sink)
      #expect(!FileManager.default.fileExists(atPath: path))
      #expect(try sink.finish() == path)
      #expect(FileManager.default.contents(atPath: path).map(Array.init) == chunk)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["out.mp4"])
    }
  }

  @Test("a stream that breaks leaves a partial file and says where, or nothing if nothing came")
  func partialFile() throws {
    try inTemporaryFolder { folder in
      let path = folder + "/out.mp4"
      let sink = try openSink(.file(path))
      try write(chunk, to: sink)
      #expect(sink.abandon() == path + ".partial")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["out.mp4.partial"])
      let empty = try openSink(.file(path))
      #expect(empty.abandon() == nil)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test("a sequence writes one file a chunk")
  func sequence() throws {
    try inTemporaryFolder { folder in
      let sink = try openSink(.sequence(FramePattern(folder + "/f-%03d.png")))
      for _ in 0..<3 { try write(chunk, to: sink) }
      #expect(try sink.finish() == folder + "/f-002.png")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
          == ["f-000.png", "f-001.png", "f-002.png"])
    }
  }

  @Test("a full disk is reported with what was written, and no temporary name is used for a device")
  func fullDisk() throws {
    let sink = try openSink(.file("/dev/full"))
    let failure = #expect(throws: OutputFailure.self) { try write(chunk, to: sink) }
    let error = try #require(failure?.error)
    #expect(error.kind == .output)
    #expect(error.message.contains("/dev/full"))
    #expect(error.message.contains("0 bytes"))
  }

  @Test(
    "places that cannot be written are found when they are opened",
    arguments: ["/dev/null/out", "/no such folder/out"])
  func unwritable(path: String) throws {
    let places: [OutputTarget.Place] = [.file(path), .sequence(try FramePattern(path + "%d"))]
    for place in places {
      let failure = #expect(throws: OutputFailure.self) { _ = try openSink(place) }
      #expect(failure?.error?.kind == .output)
    }
  }

  private func write(_ bytes: [UInt8], to sink: any OutputSink) throws(OutputFailure) {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(OutputFailure) in try sink.write(buffer) }
    }
    try result.get()
  }
}

/// Runs `body` with a new folder, which is removed afterwards.
func inTemporaryFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appending(component: "flow-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder.path)
}
