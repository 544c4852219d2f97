// SPDX-License-Identifier: Apache-2.0

import FlowCheckpoint
import Foundation
import Testing

@Suite("Atomic files")
struct AtomicFileTests {
  @Test("a committed file has its bytes and nothing is left beside it")
  func commits() throws {
    try withFolder { folder in
      try AtomicFile.write([1, 2, 3], to: folder + "/file")
      #expect(try bytes(of: folder + "/file") == [1, 2, 3])
      #expect(try contents(of: folder) == ["file"])
    }
  }

  @Test("until it is committed the old file stands, and an abandoned one leaves no trace")
  func abandons() throws {
    try withFolder { folder in
      try AtomicFile.write([1], to: folder + "/file")
      try { () throws(CheckpointError) in
        var file = try AtomicFile(path: folder + "/file")
        try file.append([2, 2])
      }()
      #expect(try bytes(of: folder + "/file") == [1])
      #expect(try contents(of: folder) == ["file"])
    }
  }

  @Test("whoever has the old file open goes on reading the old bytes")
  func replaces() throws {
    try withFolder { folder in
      var writer = SafetensorsWriter()
      writer.add("x", shape: [2], [1, 2] as [Float])
      try writer.write(to: folder + "/file")
      let old = try SafetensorsFile(path: folder + "/file")
      try AtomicFile.write([], to: folder + "/file")
      #expect(try old.array(of: old.entry("x")) == [1, 2] as [Float])
      try old.verify()
    }
  }

  @Test("a new file has the permissions that any new file has")
  func modes() throws {
    try withFolder { folder in
      try AtomicFile.write([1], to: folder + "/file")
      try store([1], at: folder + "/reference")
      let modes = try ["file", "reference"].map {
        try FileManager.default.attributesOfItem(atPath: "\(folder)/\($0)")[.posixPermissions] as? Int
      }
      #expect(modes[0] == modes[1])
    }
  }

  @Test(
    "a place where no file can be made is refused by name",
    arguments: ["/none/file", "/occupied", "/plain/file"])
  func unwritable(name: String) throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/occupied", withIntermediateDirectories: false)
      try store([], at: folder + "/plain")
      let before = try contents(of: folder)
      let error = #expect(throws: CheckpointError.self) {
        try SafetensorsWriter().write(to: folder + name)
      }
      #expect(error?.code == .unwritable)
      #expect(error?.path == folder + name)
      #expect(try contents(of: folder) == before)
    }
  }

  @Test("a bare name stands for a file in the working folder")
  func bareName() async {
    // The working folder is a whole process's, hence one of its own.
    await #expect(processExitsWith: .success) {
      try withFolder { folder in
        try #require(chdir(folder) == 0)
        try AtomicFile.write([1], to: "file")
        try #require(try contents(of: folder) == ["file"])
      }
    }
  }

  @Test("a full disk is reported, the old file stands and no partial one is left")
  func full() async {
    // The limit on a file's size stands in for the disk's; it holds for a whole process, hence one of its own.
    await #expect(processExitsWith: .success) {
      try withFolder { folder in
        try AtomicFile.write([1], to: folder + "/file")
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit(rlim_cur: 1000, rlim_max: 1000)
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        let error = #expect(throws: CheckpointError.self) {
          try AtomicFile.write([UInt8](repeating: 0, count: 2000), to: folder + "/file")
        }
        try #require(error?.code == .unwritable)
        try #require(try contents(of: folder) == ["file"])
        try #require(try bytes(of: folder + "/file") == [1])
      }
    }
  }
}
