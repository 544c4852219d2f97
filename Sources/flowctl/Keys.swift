// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowClient

/// `flowctl keys`.
struct Keys: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a key pair for a server or a client.",
    discussion: """
      Writes NAME.secret, which only you can read, and NAME.public, and prints the public key. Neither replaces a file.

        flowctl keys server     flowd --curve-key server.secret --users users.json --bind tcp://0.0.0.0:5757
        flowctl keys ann        {"users": [{"name": "ann", "key": "what was printed"}]}
        flowctl models --connect tcp://host:5757 --server-key server.public --key-file ann.secret
      """)

  @Argument(help: "The beginning of the files' names, with their folder.")
  var name: String

  func run() throws { print(try KeyPairFiles.make(name: name)) }
}
