// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowCheckpoint

/// `flowbench export`.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the weights and inputs of a case, and what float32 makes of them.")

  @Argument(help: "The case.")
  var name: String

  @Option(help: "The safetensors file.")
  var to: String

  func run() throws {
    let (writer, metadata) = try kind(of: name).export(name)
    try writer.write(to: to, metadata: metadata)
  }
}
