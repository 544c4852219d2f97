// SPDX-License-Identifier: Apache-2.0

internal import FlowZeroMQ
internal import Glibc
public import Logging

/// A daemon as the whole purpose of a process: it lives until a signal, and its end is an exit code.
public enum DaemonProcess {
  /// Serves until SIGTERM or SIGINT, then drains; a second signal ends the process at once with code 1.
  ///
  /// SIGUSR1 writes the status to the log. SIGHUP has the users file read again and looks for models anew.
  ///
  /// - Parameters:
  ///   - supervisor: the service manager, who is told how the daemon is.
  ///   - settings: read again at SIGHUP, if there are any.
  ///   - ready: told the endpoint once the daemon listens there.
  /// - Returns: the exit code: 0 after a clean stop, otherwise one of ``StartError/Kind``.
  public static func run(
    configuration: ServerConfiguration, catalogue: any ModelCatalogue, logger: Logger,
    supervisor: Supervisor? = nil, settings: LiveSettings? = nil, ready: (String) -> Void
  ) -> Int32 {
    raiseFileLimit()
    do {
      let daemon = try Daemon(
        configuration: configuration, catalogue: catalogue, logger: logger, supervisor: supervisor)
      let watch = try SignalWatch { signal, count in
        switch signal {
        case .stop:
          if count > 1 { _exit(1) }
          daemon.drain()
        case .reload: reload(daemon, settings, supervisor, logger)
        case .logStatus: daemon.logStatus()
        }
      }
      if let address = daemon.httpAddress {
        logger.notice("http is served", metadata: ["address": "\(address)"])
      }
      if let endpoint = daemon.observers {
        logger.notice("streams can be watched", metadata: ["endpoint": "\(endpoint)"])
      }
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

/// Lets the process have as many open files as the system allows it: a connection is one or two, and libzmq ends the
/// process when it can have no more.
private func raiseFileLimit() {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
  limit.rlim_cur = limit.rlim_max
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

private func reload(
  _ daemon: Daemon, _ settings: LiveSettings?, _ supervisor: Supervisor?, _ logger: Logger
) {
  if let supervisor, !supervisor.tellReloading() {
    logger.warning("the service manager does not listen at NOTIFY_SOCKET")
  }
  do throws(UsersFileError) {
    try daemon.reload()
  } catch {
    logger.error("users not read again; the old list holds", metadata: ["reason": "\(error)"])
  }
  daemon.reconfigure(settings?.reload(logger))
}
