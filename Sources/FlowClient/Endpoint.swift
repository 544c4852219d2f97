// SPDX-License-Identifier: Apache-2.0

/// Where the daemon is: a ZeroMQ endpoint, `ipc://PATH` or `tcp://HOST:PORT`.
public enum Endpoint {
  /// The endpoint to connect to: the option, else `FLOWD_ENDPOINT`, else the socket in the user's
  /// run-time folder, else the system's.
  ///
  /// - Throws: ``ClientError`` of kind `usage` unless it is an ipc or tcp endpoint.
  public static func resolve(
    option: String?, environment: [String: String]
  ) throws(ClientError) -> String {
    let endpoint = option ?? nonEmpty(environment["FLOWD_ENDPOINT"]) ?? fallback(environment)
    let schemes = ["ipc://", "tcp://"]
    guard schemes.contains(where: { endpoint.hasPrefix($0) && endpoint.utf8.count > $0.utf8.count })
    else {
      throw ClientError(
        .usage, "\"\(endpoint)\" is no endpoint; write ipc:///path/to/socket or tcp://host:port")
    }
    return endpoint
  }

  private static func fallback(_ environment: [String: String]) -> String {
    guard let folder = nonEmpty(environment["XDG_RUNTIME_DIR"]) else {
      return "ipc:///run/flowd/flowd.sock"
    }
    return "ipc://\(folder)/flowd/flowd.sock"
  }

  /// An environment variable that is set to nothing counts as not set.
  private static func nonEmpty(_ text: String?) -> String? { text?.isEmpty == false ? text : nil }
}
