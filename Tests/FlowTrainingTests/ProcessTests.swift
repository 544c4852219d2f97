// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import Foundation
import Testing

@testable import FlowTraining

/// The program itself, ended at any time.
@Suite("flowtrain as a process", .serialized)
struct ProcessTests {
  /// Its arguments for a small training in a folder.
  private static func arguments(_ folder: String, runs: String) -> [String] {
    let settings = (PictureWorkshop.small + ["optimiser.steps=40", "optimiser.report=3"]).flatMap {
      ["--set", $0]
    }
    return ["train", "\(PictureWorkshop.recipes)/meanflow.yaml", "--runs", runs, "--data", folder] + settings
  }

  /// Starts it with what it says on standard error where it can be read line by line.
  private static func started(_ folder: String, runs: String, after limits: String = "") throws -> Child {
    let words = [Child.path(of: "flowtrain")] + arguments(folder, runs: runs)
    let quoted = words.map { "'\($0)'" }.joined(separator: " ")
    return try Child("/bin/sh", ["-c", "\(limits) exec \(quoted) 2>&1"])
  }

  /// Reads until it has reported so often.
  private static func reports(_ count: Int, of child: Child) {
    var seen = 0
    while seen < count, let line = child.readLine() { seen += line.contains("validation") ? 1 : 0 }
  }

  @Test("killed at any step and started again, it ends with the same checkpoint to the bit")
  func killed() throws {
    let folder = try TemporaryFolder(), path = folder.path
    _ = try PictureWorkshop(path)
    #expect(try Child("flowtrain", Self.arguments(path, runs: "\(path)/whole")).exitStatus() == 0)
    for count in [1, 3] {
      let child = try Self.started(path, runs: "\(path)/parts")
      Self.reports(count, of: child)
      child.signal(SIGKILL)
      #expect(child.exitStatus() == -SIGKILL)
    }
    #expect(try Child("flowtrain", Self.arguments(path, runs: "\(path)/parts")).exitStatus() == 0)
    let checkpoints = try ["whole", "parts"].map {
      try bytes(of: "\(path)/\($0)/meanflow/flow/checkpoint.safetensors")
    }
    #expect(checkpoints[0] == checkpoints[1])
  }

  @Test(
    "where a checkpoint cannot be written it says so, the one before stays whole, and training goes on from it"
  )
  func fullDisk() throws {
    let folder = try TemporaryFolder(), path = folder.path
    _ = try PictureWorkshop(path)
    #expect(try Child("flowtrain", Self.arguments(path, runs: "\(path)/whole")).exitStatus() == 0)
    let first = try Self.started(path, runs: "\(path)/parts")
    Self.reports(1, of: first)
    first.signal(SIGINT)
    #expect(first.end().status == 130)
    let checkpoint = "\(path)/parts/meanflow/flow/checkpoint.safetensors"
    let before = try bytes(of: checkpoint)
    // The shell counts in blocks of 512 bytes.
    let ending = try Self.started(
      path, runs: "\(path)/parts", after: "ulimit -f \(before.count / 1024);"
    ).end()
    #expect(ending.status > 0 && ending.text.contains("checkpoint.safetensors"), "\(ending.text)")
    #expect(try bytes(of: checkpoint) == before)
    #expect(try Child("flowtrain", Self.arguments(path, runs: "\(path)/parts")).exitStatus() == 0)
    #expect(
      try bytes(of: checkpoint) == bytes(of: "\(path)/whole/meanflow/flow/checkpoint.safetensors"))
  }

  @Test("interrupted, it saves, says so, and ends with 130; resume goes on, and will not begin anew")
  func interrupted() throws {
    let folder = try TemporaryFolder(), path = folder.path, runs = "\(path)/runs"
    _ = try PictureWorkshop(path)
    let resume = ["resume"] + Self.arguments(path, runs: runs).dropFirst()
    let early = try Child("flowtrain", resume).end()
    #expect(early.status != 0 && early.errors.contains("no checkpoint"))
    let child = try Self.started(path, runs: runs)
    Self.reports(1, of: child)
    child.signal(SIGINT)
    let ending = child.end()
    #expect(ending.status == 130 && ending.text.contains("interrupted and saved at step"))
    #expect(try Child("flowtrain", resume).exitStatus() == 0)
  }

  @Test("a dry run prints the recipe whole; a student's teacher is trained first")
  func commands() throws {
    let folder = try TemporaryFolder(), path = folder.path
    let recipe = "\(PictureWorkshop.recipes)/meanflow.yaml"
    _ = try PictureWorkshop(path)
    let dry = try Child(
      "flowtrain", ["train", recipe, "--data", path, "--dry-run", "--set", "optimiser.seed=7"]
    ).end()
    #expect(dry.status == 0 && dry.text.contains("seed: 7") && dry.text.contains("pictures: fashion-mnist"))
    let list = try Child("flowtrain", ["recipes", PictureWorkshop.recipes]).end()
    #expect(list.text.contains("tvm.yaml") && list.status == 0)
    let student = try Child("flowtrain", ["distill", recipe, "--data", path]).end()
    #expect(student.status != 0 && student.errors.contains("no teacher"))
  }
}
