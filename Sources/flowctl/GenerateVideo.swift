// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
public import FlowClient
internal import Glibc

/// `flowctl generate-video`.
struct GenerateVideo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Streams generated video into a file or a pipe.",
    discussion: """
      The format follows from the extension of the output: .mp4, .ts, .y4m, .rgb, or .png with a \
      pattern such as frame-%06d.png. A pipe needs --format:

        flowctl generate-video --model NAME --seconds 10 --format mpegts -o - | ffplay -

      The same model, seed and actions give the same stream. A file is called NAME.partial until it is whole.
      """)

  @Option(help: "The model's name, as flowctl models lists it.")
  var model: String

  @Option(help: "How many frames. Without it and --seconds, as many as there are actions.")
  var frames: Int?

  @Option(help: "How long the video plays.")
  var seconds: Seconds?

  @Option(help: "Frames a second, 35 or 35/3; default: the model's rate.")
  var fps: FramesPerSecond?

  @Option(help: "Decides everything random; default: the server chooses one and the report names it.")
  var seed: UInt64?

  @Option(help: "What is done, as forward*20,left*8,none.")
  var actions: String?

  @Option(help: "A file of actions, one \"action [count]\" a line.")
  var actionsFile: String?

  @Option(help: "A PNG of the model's size that the video continues.")
  var initImage: String?

  @Option(help: "Network evaluations a frame; default: the model's.")
  var steps: Int?

  @Option(help: "How many times larger the frames come out, 1…16.")
  var scale = 1

  @Option(help: "How they are made larger: nearest or bicubic.")
  var filter = VideoRequest.Filter.nearest

  @Option(help: "H.264's constant rate factor, 0…51; smaller is better.")
  var crf: Int?

  @Option(help: "The most frames from one key frame to the next; the mp4 is cut into such fragments.")
  var gop: Int?

  @Option(help: "rgb24, y4m, mp4, mpegts or png; default: by the output's extension.")
  var format: OutputFormat?

  @Option(name: .shortAndLong, help: "A file, or - for standard output.")
  var output: String

  @Option(
    help: "When frames are made: credit, as they are taken; asap; media, as a player that began shows them.")
  var pace = VideoRequest.Pace.credit

  @Option(help: "Where the server keeps the stream too: a path in its folder for recordings.")
  var record: String?

  @Flag(help: "Let others watch the stream where the server's --observers says.")
  var observe = false

  @Flag(help: "Report as JSON, which flowctl replay reads.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress.")
  var quiet = false

  @OptionGroup var server: ServerOptions

  func run() throws {
    let target = try OutputTarget(path: output, format: format)
    let request = try makeRequest(target.format)
    var client = try server.client()
    let isPipe = target.place == .standardOutput
    // A report as JSON on standard error has it for itself.
    let display = ProgressDisplay(isQuiet: quiet || (json && isPipe))
    let summary = try client.generate(request, into: target.place) { display.show($0) }
    display.end()
    report(summary, isPipe: isPipe)
    if summary.isInterrupted { throw ClientError(.interrupted, "interrupted") }
  }

  private func makeRequest(_ format: OutputFormat) throws -> VideoRequest {
    try VideoRequest(
      model: model, frames: frames, seconds: seconds?.value, framesPerSecond: fps?.value, seed: seed,
      script: script(), image: initImage.map { path throws(ClientError) in try readFile(path) },
      steps: steps, scale: scale, filter: filter, crf: crf, gop: gop, format: format, pace: pace,
      record: record, isObserved: observe)
  }

  private func script() throws -> ActionScript? {
    switch (actions, actionsFile) {
    case (nil, nil): nil
    case (let line?, nil): try ActionScript(inline: line)
    case (nil, let path?):
      try ActionScript(lines: String(decoding: readFile(path), as: UTF8.self))
    default: throw ClientError(.usage, "--actions and --actions-file exclude each other")
    }
  }

  /// Prints to where the video does not go.
  private func report(_ summary: StreamSummary, isPipe: Bool) {
    let text = json ? summary.json : summary.text
    if isPipe { printError(text) } else { print(text) }
  }
}

extension VideoRequest.Filter: ExpressibleByArgument {}
extension VideoRequest.Pace: ExpressibleByArgument {}
