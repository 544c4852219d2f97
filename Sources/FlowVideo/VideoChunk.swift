// SPDX-License-Identifier: Apache-2.0

/// A run of bytes of a stream; all runs in order are the stream.
///
/// A stream that ends after any chunk is valid and shows the pictures of the chunks before.
public struct VideoChunk: Sendable, Equatable {
  /// The bytes.
  public let bytes: [UInt8]
  /// The index of the first picture that the chunk makes visible.
  public let firstFrame: Int
  /// How many pictures the chunk makes visible; 0 for a header or a trailer.
  public let frames: Int
  /// Whether a player may begin here (after the header).
  public let isKey: Bool
}
