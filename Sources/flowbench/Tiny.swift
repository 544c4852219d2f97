// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowTestSupport

/// `flowbench tiny`: a model whose frames cost next to nothing, so that what is around it can be seen.
struct Tiny: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a bundle of the smallest networks there can be, called tiny, into a folder.")

  @Argument(help: "The folder.")
  var folder: String

  func run() throws { try writeTinyBundle("tiny", in: folder) }
}
