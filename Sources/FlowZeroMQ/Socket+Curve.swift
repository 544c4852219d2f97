// SPDX-License-Identifier: Apache-2.0

extension Socket {
  /// Takes connections only of clients that speak CURVE and that the handler of ``Authentication`` lets in.
  ///
  /// To be called before `bind`. Without a handler in the same context nobody is let in.
  ///
  /// - Parameters:
  ///   - domain: what the handler is told about where the connection came to; not empty.
  public func serveCurve(_ secretKey: CurveSecretKey, domain: String) throws(ZeroMQError) {
    precondition(!domain.isEmpty, "Socket.serveCurve: without a domain libzmq would not ask the handler")
    try set(.curveServer, true)
    try set(.curveSecretKey, secretKey.bytes)
    try set(.zapDomain, Array(domain.utf8))
    try set(.zapEnforceDomain, true)
  }

  /// Connects as the owner of `pair`, and only to the owner of `serverKey`.
  ///
  /// To be called before `connect`.
  public func useCurve(_ pair: CurveKeyPair, serverKey: CurvePublicKey) throws(ZeroMQError) {
    try set(.curveServerKey, serverKey.bytes)
    try set(.curvePublicKey, pair.publicKey.bytes)
    try set(.curveSecretKey, pair.secretKey.bytes)
  }
}
