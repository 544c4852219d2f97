// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowClient

/// `flowctl replay`.
struct Replay: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a video once more from its report, and checks that it is the same.",
    discussion: """
      The report is what generate-video --json prints. It names the seed, and which action each frame was made \
      with, also where the stream was steered as it came:

        flowctl generate-video --model NAME --frames 100 --json -o walk.mp4 > walk.json
        flowctl replay walk.json

      Exit status 5 if the frames are not the same.
      """)

  @Argument(help: "The report, or - for standard input.")
  var report: String

  @Option(name: .shortAndLong, help: "A file, or - for standard output. Without it nothing is kept.")
  var output: String?

  @Option(help: "The PNG that the video continued, if it did.")
  var initImage: String?

  @Flag(help: "Report as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress.")
  var quiet = false

  @OptionGroup var server: ServerOptions

  func run() throws {
    let log = try StreamLog(
      report: readFile(report == "-" ? "/dev/stdin" : report),
      image: initImage.map { path throws(ClientError) in try readFile(path) })
    let place = try log.place(path: output)
    var client = try server.client()
    let isPipe = place == .standardOutput
    let display = ProgressDisplay(isQuiet: quiet || (json && isPipe))
    let summary = try client.replay(log, into: place) { display.show($0) }
    display.end()
    if summary.isInterrupted { throw ClientError(.interrupted, "interrupted") }
    let text = json ? summary.json : "the same as in \(report)\n\(summary.text)"
    if isPipe { printError(text) } else { print(text) }
  }
}
