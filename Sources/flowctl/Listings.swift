// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowClient

/// `flowctl models`.
struct Models: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Lists the models that the server has.")

  @Flag(help: "As JSON instead of a table.")
  var json = false

  @OptionGroup var server: ServerOptions

  func run() throws {
    var client = try server.client()
    let listing = try client.models()
    print(json ? listing.json : listing.table)
  }
}

/// `flowctl status`.
struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what the server is doing.")

  @Flag(help: "As JSON instead of a table.")
  var json = false

  @OptionGroup var server: ServerOptions

  func run() throws {
    var client = try server.client()
    let status = try client.status()
    print(json ? status.json : status.table)
  }
}
