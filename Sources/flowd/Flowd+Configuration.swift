// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowServer
internal import Glibc

extension DaemonSettings {
  /// The models of the folders.
  var catalogue: ModelDirectories {
    ModelDirectories([
      ModelDirectory(models, manifest: VideoBundle.manifestName) { [precision] folder in
        .video(try VideoBundle.describe(folder: folder, precision: precision))
      } load: { [precision] folder in
        .video(try CausalVideoModel(folder: folder, precision: precision))
      },
      ModelDirectory(manifolds, manifest: ManifoldBundle.manifestName) { [precision] folder in
        .manifold(try ManifoldBundle.describe(folder: folder, precision: precision))
      } load: { [precision] folder in
        .manifold(try FlowMapModel(folder: folder, precision: precision))
      },
    ])
  }
}

/// Prints every setting and where its value comes from.
func printConfiguration(_ loaded: LoadedSettings) {
  for value in loaded.values { say("\(value.key) = \(value.text)  # \(value.source)") }
  for warning in loaded.warnings { complain("flowd: \(warning)") }
}

/// Says what is wrong with keys, users and the folder for recordings; the result is an exit code, nil if nothing is.
func checkFiles(_ configuration: ServerConfiguration) -> Int32? {
  do throws(StartError) {
    try configuration.checkFiles()
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

/// Prints a line at once, also into a pipe.
func say(_ line: String) {
  print(line)
  fflush(nil)
}

/// Writes a line to standard error.
func complain(_ line: String) {
  var line = line + "\n"
  _ = line.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
