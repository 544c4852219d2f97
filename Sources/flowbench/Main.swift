// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// Our side of `tools/bench`.
@main
struct FlowBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flowbench", abstract: "Runs flowd's own code on the cases of tools/bench.",
    subcommands: [Export.self, Serve.self, Tiny.self])
}
