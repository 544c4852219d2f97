// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowGeneration
internal import FlowServer
internal import FlowTensor
internal import Glibc

extension Flowd {
  /// The configuration that the options and the environment amount to.
  var resolved: ServerConfiguration {
    var configuration = ServerConfiguration(
      endpoint: ServerConfiguration.endpoint(option: bind, environment: environment))
    configuration.maximumSessions = maxSessions
    configuration.idleTimeout = .seconds(idleTimeout)
    configuration.curveKeyFile = curveKey
    configuration.usersFile = users
    configuration.isInsecure = insecure
    configuration.recordingsFolder = recordings
    configuration.version = Self.configuration.version
    return configuration
  }

  func printConfiguration() {
    let endpointSource =
      bind != nil ? "--bind" : environment["FLOWD_ENDPOINT"] != nil ? "FLOWD_ENDPOINT" : "default"
    say("bind = \(resolved.endpoint)  # \(endpointSource)")
    say("models = \(models)")
    say("manifolds = \(manifolds)")
    say("precision = \(precision?.rawValue ?? "as each bundle says")")
    say("max-sessions = \(maxSessions)")
    say("idle-timeout = \(idleTimeout)")
    say("curve-key = \(curveKey ?? "none")")
    say("users = \(users ?? "none")")
    say("insecure = \(insecure)")
    say("recordings = \(recordings ?? "none")")
    say("log-level = \(logLevel)")
  }

  /// Says what is wrong with keys, users and the folder for recordings; the result is an exit code, nil if nothing is.
  func checkFiles() -> Int32? {
    do throws(StartError) {
      try resolved.checkFiles()
      return nil
    } catch {
      say("\(error)")
      return error.kind.rawValue
    }
  }

  /// Loads every model and says what came of it; the result is an exit code.
  func checkModels(_ catalogue: ModelDirectories) -> Int32 {
    let names = catalogue.names()
    if names.isEmpty { say("\(catalogue.folders.map(\.path).joined(separator: ", ")): no models") }
    var status: Int32 = 0
    for name in names {
      do {
        switch try catalogue.load(name).description {
        case .video(let model):
          say("\(name): good, \(model.width)×\(model.height), \(model.actions.count) actions")
        case .manifold(let model):
          say("\(name): good, points of \(model.geometry.name), 1 to \(model.maximumEvaluations) evaluations")
        }
      } catch {
        say("\(name): \(error)")
        status = EX_DATAERR
      }
    }
    return status
  }

  private var environment: [String: String] {
    var variables: [String: String] = [:]
    for name in ["FLOWD_ENDPOINT", "XDG_RUNTIME_DIR"] {
      variables[name] = getenv(name).map { String(cString: $0) }
    }
    return variables
  }
}
