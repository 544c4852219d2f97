// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// Why something is no key of CURVE.
public struct CurveKeyError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong and what to do about it; never the key.
  public let description: String
}

/// The public half of a key pair of CURVE: 32 bytes, written as 40 characters of Z85 (RFC 32).
public struct CurvePublicKey: Sendable, Hashable, CustomStringConvertible {
  /// The key as text.
  public let text: String

  /// Reads a key.
  public init(_ text: String) throws(CurveKeyError) {
    _ = try decode(text)
    self.text = text
  }

  /// Makes a key of bytes that libzmq vouches for; nil unless there are 32.
  public init?(bytes: [UInt8]) {
    guard bytes.count == keyBytes else { return nil }
    text = encode(bytes)
  }

  /// The key as text.
  public var description: String { text }

  /// The 32 bytes.
  public var bytes: [UInt8] {
    guard let bytes = try? decode(text) else { preconditionFailure("CurvePublicKey: the text was checked") }
    return bytes
  }
}

/// The secret half of a key pair of CURVE; it prints as nothing but its name.
public struct CurveSecretKey: Sendable, CustomStringConvertible, CustomReflectable {
  /// The 32 bytes.
  let bytes: [UInt8]

  /// Reads a key of 40 characters of Z85.
  public init(_ text: String) throws(CurveKeyError) { bytes = try decode(text) }

  /// What a log may see of it.
  public var description: String { "a secret key" }

  /// What a debugger's dump may see of it.
  public var customMirror: Mirror { Mirror(self, children: [:]) }

  /// The public key that belongs to it.
  public func publicKey() throws(ZeroMQError) -> CurvePublicKey {
    var text = [CChar](repeating: 0, count: keyCharacters + 1)
    let secret = encode(bytes)
    try zmqCall("zmq_curve_public") { zmq_curve_public(&text, secret) }
    guard let key = try? CurvePublicKey(string(text)) else {
      preconditionFailure("zmq_curve_public: the key that it made is none")
    }
    return key
  }

  /// The key as text, for the one file that holds it.
  var text: String { encode(bytes) }
}

/// A key pair of CURVE.
public struct CurveKeyPair: Sendable {
  /// The half that others may know.
  public let publicKey: CurvePublicKey
  /// The half that nobody else may know.
  public let secretKey: CurveSecretKey

  /// Makes a new pair from the system's random numbers.
  public init() throws(ZeroMQError) {
    var open = [CChar](repeating: 0, count: keyCharacters + 1)
    var secret = open
    try zmqCall("zmq_curve_keypair") { zmq_curve_keypair(&open, &secret) }
    guard let publicKey = try? CurvePublicKey(string(open)),
      let secretKey = try? CurveSecretKey(string(secret))
    else { preconditionFailure("zmq_curve_keypair: the keys that it made are none") }
    self.publicKey = publicKey
    self.secretKey = secretKey
  }

  /// The pair of a secret key.
  public init(_ secretKey: CurveSecretKey) throws(ZeroMQError) {
    publicKey = try secretKey.publicKey()
    self.secretKey = secretKey
  }
}

private let keyBytes = 32
private let keyCharacters = 40

private func encode(_ bytes: [UInt8]) -> String {
  var text = [CChar](repeating: 0, count: bytes.count * 5 / 4 + 1)
  // Safe: the number of bytes is a multiple of four, the only thing that can fail.
  zmq_z85_encode(&text, bytes, bytes.count)
  return string(text)
}

private func decode(_ text: String) throws(CurveKeyError) -> [UInt8] {
  guard text.utf8.count == keyCharacters else {
    throw CurveKeyError(
      description: "a key has \(keyCharacters) characters, not \(text.utf8.count); make one with flowctl keys"
    )
  }
  var bytes = [UInt8](repeating: 0, count: keyBytes)
  guard zmq_z85_decode(&bytes, text) != nil else {
    throw CurveKeyError(description: "a character of the key is not of Z85; copy the whole line of its file")
  }
  return bytes
}

private func string(_ characters: [CChar]) -> String {
  String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
