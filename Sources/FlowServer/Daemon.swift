// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import FlowZeroMQ
public import Logging

/// A daemon that listens, generates, encodes and sends, on three threads of its own.
///
/// It stops when ``drain()`` is called, or when nobody holds it any more.
public final class Daemon: Sendable {
  /// Where it listens, a wildcard port replaced by the one that was taken.
  public let endpoint: String
  /// Where streams can be watched, a wildcard port replaced by the one that was taken; nil if nowhere.
  public let observers: String?
  private let usersFile: String?
  /// Where it tells health and metrics over HTTP, port 0 replaced by the one that was taken; nil if it does not.
  public let httpAddress: String?
  private let events: Mailbox<WorkerEvent>
  private let thread: OwnThread

  /// Starts a daemon; it listens when this returns, and begins to load its models.
  ///
  /// - Parameters:
  ///   - supervisor: the service manager, who is told how the daemon is.
  /// - Throws: an error with the exit code that fits it.
  public init(
    configuration: ServerConfiguration, catalogue: any ModelCatalogue, logger: Logger,
    supervisor: Supervisor? = nil
  ) throws(StartError) {
    usersFile = configuration.usersFile
    let outcome: Mailbox<StartOutcome>, thread: OwnThread
    do throws(ZeroMQError) {
      let posts = try DaemonPosts()
      let started = try Mailbox<StartOutcome>()
      events = posts.events
      outcome = started
      thread = OwnThread { serve(configuration, catalogue, logger, supervisor, posts, started) }
    } catch {
      throw StartError(.unavailable, "\(error)")
    }
    self.thread = thread
    do throws(StartError) {
      (endpoint, observers, httpAddress) = try outcome.waitAndTake()[0].get()
    } catch {
      thread.join()
      throw error
    }
  }

  deinit {
    abort()
    wait()
  }

  /// Reads the users file again; what it says holds for connections and sessions from now on.
  ///
  /// Sessions of users who are not in it any more, or of models that they may not use any more, end as cancelled.
  /// Without a users file there is nothing to do.
  ///
  /// - Throws: an error that says what is wrong with the file; the old list then goes on to hold.
  public func reload() throws(UsersFileError) {
    guard let usersFile else { return }
    events.post(.users(try UsersFile.read(usersFile)))
  }

  /// Opens nothing any more, ends the sessions with reason `drained`, then stops.
  public func drain() { events.post(.stop(isUrgent: false)) }

  /// Takes over another configuration and looks for models anew; nil does only the latter.
  ///
  /// Where the daemon listens does not change, and sessions keep the limits with which they were opened.
  public func reconfigure(_ configuration: ServerConfiguration?) { events.post(.reconfigure(configuration)) }

  /// Writes the status to the log.
  public func logStatus() { events.post(.logStatus) }

  /// Stops at once; clients are not told.
  public func abort() { events.post(.stop(isUrgent: true)) }

  /// Waits until the daemon has stopped.
  public func wait() { thread.join() }
}

/// Where a daemon listens for clients, for those who watch and for HTTP, or why it does not.
private typealias StartOutcome = Result<(endpoint: String, observers: String?, http: String?), StartError>

/// The ways between the threads.
private struct DaemonPosts: Sendable {
  let events: Mailbox<WorkerEvent>
  let compute: Mailbox<ComputeWorker.Command>
  let encode: Mailbox<EncodeWorker.Command>
  let record: Mailbox<RecordWorker.Command>

  init() throws(ZeroMQError) {
    events = try Mailbox()
    compute = try Mailbox()
    encode = try Mailbox()
    record = try Mailbox()
  }
}

/// The life of the thread of the sockets: the socket is made, used and closed here.
private func serve(
  _ configuration: ServerConfiguration, _ catalogue: any ModelCatalogue, _ logger: Logger,
  _ supervisor: Supervisor?, _ posts: DaemonPosts, _ started: Mailbox<StartOutcome>
) {
  do throws(StartError) {
    let access = try AccessControl(configuration)
    let folder = try configuration.recordingsFolder.map { path throws(StartError) in try RecordingFolder(path)
    }
    // Held until the socket is closed.
    let isOpen = access != nil || configuration.isInsecure
    let claim = try EndpointClaim(configuration.endpoint, .bind, isOpen: isOpen)
    // One context for both sockets: one gatekeeper answers for both.
    let context = try makeContext()
    let router = try bind(context, configuration, access, group: claim.group)
    let observers = try bindObservers(context, configuration, access, isOpen: isOpen)
    let board = configuration.httpAddress.map { _ in StatusBoard() }
    let health = try board.map { board throws(StartError) in
      try HealthServer(configuration.httpAddress ?? "", board, logger)
    }
    let operations = Operations(board: board, supervisor: supervisor, pulse: ComputePulse())
    let compute = ComputeWorker(
      catalogue: catalogue, commands: posts.compute, events: posts.events, pulse: operations.pulse)
    let encode = EncodeWorker(commands: posts.encode, events: posts.events)
    let recorder = folder.map {
      RecordWorker(
        $0, byteLimit: configuration.recordingBacklog, commands: posts.record, events: posts.events)
    }
    started.post(.success((router.boundEndpoint, observers?.endpoint, health?.address)))
    run(
      DaemonLoop(
        configuration: configuration, logger: logger, router: router, models: ModelTable(catalogue),
        compute: compute, encode: encode, recorder: recorder, observers: observers, events: posts.events,
        operations: operations))
    compute.stop()
    encode.stop()
    _ = consume claim
    withExtendedLifetime(health) {}
  } catch {
    started.post(.failure(error))
  }
}

private func bindObservers(
  _ context: Context, _ configuration: ServerConfiguration, _ access: AccessControl?, isOpen: Bool
) throws(StartError) -> ObserverSocket? {
  guard let endpoint = configuration.observers else { return nil }
  let claim = try EndpointClaim(endpoint, .observers, isOpen: isOpen)
  do throws(ZeroMQError) {
    return try ObserverSocket(context, endpoint: endpoint, access: access, claim: claim)
  } catch {
    throw cannotListen(endpoint, error)
  }
}

private func bind(
  _ context: Context, _ configuration: ServerConfiguration, _ access: AccessControl?, group: UInt32?
) throws(StartError) -> Router {
  do throws(ZeroMQError) {
    return try Router(context, endpoint: configuration.endpoint, access: access, group: group)
  } catch {
    throw cannotListen(configuration.endpoint, error)
  }
}

private func makeContext() throws(StartError) -> Context {
  do throws(ZeroMQError) {
    return try Context()
  } catch {
    throw StartError(.unavailable, "\(error)")
  }
}

private func cannotListen(_ endpoint: String, _ error: ZeroMQError) -> StartError {
  let kind = error.code == ZeroMQError.addressInUse ? StartError.Kind.busy : .unavailable
  return StartError(kind, "cannot listen at \(endpoint): \(error)")
}

private func run(_ loop: consuming DaemonLoop) {
  do throws(ZeroMQError) {
    try loop.run()
  } catch {
    preconditionFailure("DaemonLoop: \(error)")
  }
}
