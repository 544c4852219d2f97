// SPDX-License-Identifier: Apache-2.0

internal import FlowZeroMQ
internal import Glibc
public import Logging

/// A daemon as the whole purpose of a process: it lives until a signal, and its end is an exit code.
public enum DaemonProcess {
  /// Serves until SIGTERM or SIGINT, then drains; a second signal ends the process at once with code 1. SIGHUP has
  /// the users file read again.
  ///
  /// - Parameters:
  ///   - ready: told the endpoint once the daemon listens there.
  /// - Returns: the exit code: 0 after a clean stop, otherwise one of ``StartError/Kind``.
  public static func run(
    configuration: ServerConfiguration, catalogue: any ModelCatalogue, logger: Logger,
    ready: (String) -> Void
  ) -> Int32 {
    do {
      let daemon = try Daemon(configuration: configuration, catalogue: catalogue, logger: logger)
      let watch = try SignalWatch(
        stop: { count in
          if count > 1 { _exit(1) }
          daemon.drain()
        }, hangUp: { reload(daemon, logger) })
      ready(daemon.endpoint)
      daemon.wait()
      return withExtendedLifetime(watch) { 0 }
    } catch let error as StartError {
      logger.critical("cannot start", metadata: ["reason": "\(error)"])
      return error.kind.rawValue
    } catch {
      logger.critical("cannot start", metadata: ["reason": "\(error)"])
      return StartError.Kind.unavailable.rawValue
    }
  }
}

private func reload(_ daemon: Daemon, _ logger: Logger) {
  do throws(UsersFileError) {
    try daemon.reload()
  } catch {
    logger.error("users not read again; the old list holds", metadata: ["reason": "\(error)"])
  }
}
