// SPDX-License-Identifier: Apache-2.0

/// The bounds of the protocol, version 1.
public enum WireLimits {
  /// The version of the protocol that this library speaks.
  public static let version = 1
  /// The most bytes that part 0 of a message may have.
  public static let headerBytes = 65_536
  /// The most bytes that part 0 of a reply may have: a list of many models, or a long log, takes more than a request.
  public static let replyHeaderBytes = 1 << 20
  /// The most bytes that a log of actions may take in a reply.
  public static let logBytes = 1 << 19
  /// The deepest nesting of arrays and objects in part 0.
  public static let headerDepth = 32
  /// The most bytes that a part of a request may have.
  public static let partBytes = 8 << 20
  /// The most messages a server may owe a client.
  public static let credit = 1024
  /// The most frames that a stream may be asked for; an endless one may have more.
  public static let frames = 1_000_000_000
  /// The most points that a stream may be asked for; an endless one may have more.
  public static let points = 1_000_000_000_000
  /// The highest index of a message.
  public static let sequences = 1 << 53
  /// The most points in a message.
  public static let batch = 1 << 20
  /// The most network evaluations a point.
  public static let evaluations = 1000
  /// The most bytes of a name or an identifier.
  public static let nameBytes = 128
  /// The most bytes of an error's message, so that it fits into a header whatever it quotes.
  public static let messageBytes = 4096
  /// The largest side of a frame, in pixels.
  static let frameSide = 1 << 16
  /// The largest side of an initial image, in pixels.
  public static let imageSide = 4096
}
