// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowClient

/// `flowctl load`.
struct Load: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Has the server load a model, and waits until it has.")

  @Argument(help: "The model's name, as flowctl models lists it.")
  var model: String

  @Flag(help: "Load it anew, from its files as they are now; streams that run keep what they have.")
  var again = false

  @OptionGroup var server: ServerOptions

  func run() throws {
    var client = try server.client()
    print(try client.place(model, again ? .reload : .load).table)
  }
}

/// `flowctl unload`.
struct Unload: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Has the server let go of a model that no stream uses.")

  @Argument(help: "The model's name, as flowctl models lists it.")
  var model: String

  @OptionGroup var server: ServerOptions

  func run() throws {
    var client = try server.client()
    print(try client.place(model, .unload).table)
  }
}
