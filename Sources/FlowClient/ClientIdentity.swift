// SPDX-License-Identifier: Apache-2.0

internal import FlowZeroMQ

/// Who the client is, and who the server must be: what CURVE needs to encrypt and to let nobody in between.
public struct ClientIdentity: Sendable {
  let pair: CurveKeyPair
  let serverKey: CurvePublicKey

  /// The variable that stands for `--server-key`.
  public static let serverKeyVariable = "FLOWD_SERVER_KEY"
  /// The variable that stands for `--key-file`.
  public static let keyFileVariable = "FLOWD_KEY_FILE"

  /// Reads both keys; nil if neither is named, and the connection then is neither encrypted nor authenticated.
  ///
  /// - Parameters:
  ///   - serverKey: the server's public key, or a file that holds it.
  ///   - keyFile: the file of the client's secret key.
  ///   - environment: where to look for what is nil.
  /// - Throws: ``ClientError`` of kind `usage`, naming the file.
  public static func resolve(
    serverKey: String?, keyFile: String?, environment: [String: String]
  ) throws(ClientError) -> ClientIdentity? {
    func value(_ option: String?, _ variable: String) -> String? {
      option ?? environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }
    switch (value(serverKey, serverKeyVariable), value(keyFile, keyFileVariable)) {
    case (nil, nil): return nil
    case (let server?, let file?): return try ClientIdentity(serverKey: server, keyFile: file)
    case (_?, nil):
      throw ClientError(
        .usage, "the server's key is given, but none of yours; add --key-file, a file that flowctl keys makes"
      )
    case (nil, _?):
      throw ClientError(
        .usage, "your key is given, but not the server's; add --server-key, which its operator knows")
    }
  }

  private init(serverKey: String, keyFile: String) throws(ClientError) {
    do throws(CurveKeyError) {
      self.serverKey =
        if let key = try? CurvePublicKey(serverKey) { key } else {
          try CurveKeyFile.publicKey(path: serverKey)
        }
      pair = try makePair(CurveKeyFile.secretKey(path: keyFile))
    } catch {
      throw ClientError(.usage, "a key cannot be used: \(error)")
    }
  }
}

/// Makes key pairs for clients and servers.
public enum KeyPairFiles {
  /// Makes a pair and writes it to `NAME.secret`, which only the user can read, and `NAME.public`.
  ///
  /// - Returns: the public key.
  /// - Throws: ``ClientError`` of kind `output` if one of the files is there already or cannot be written.
  public static func make(name: String) throws(ClientError) -> String {
    let pair: CurveKeyPair
    do throws(ZeroMQError) {
      pair = try CurveKeyPair()
    } catch {
      throw ClientError(.output, "no key can be made: \(error)")
    }
    do throws(CurveKeyError) {
      try CurveKeyFile.write(pair, name: name)
    } catch {
      throw ClientError(.output, error.description)
    }
    return pair.publicKey.text
  }
}

private func makePair(_ secretKey: CurveSecretKey) -> CurveKeyPair {
  guard let pair = try? CurveKeyPair(secretKey) else {
    preconditionFailure("zmq_curve_public: libzmq was built without CURVE")
  }
  return pair
}
