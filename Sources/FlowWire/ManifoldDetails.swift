// SPDX-License-Identifier: Apache-2.0

/// What is known of a flow map on a manifold once it is loaded.
public struct ManifoldDetails: Sendable, Equatable {
  /// SHA-256 of the weights file.
  public let sha256: String
  /// The manifold, as in its bundle: `sphere(2)`, `product(so(3),euclidean(3))`.
  public let geometry: String
  /// Dimensions of the manifold.
  public let dimension: Int
  /// What each number of a point is; as many as a point has.
  public let coordinates: [String]
  /// Where points without a start come from, in words.
  public let prior: String
  /// Network evaluations a point unless the client asks otherwise.
  public let defaultEvaluations: Int
  /// The most network evaluations a point that a client may ask for.
  public let maximumEvaluations: Int
  /// Points in a message unless the client asks otherwise.
  public let defaultBatch: Int
  /// How weights are stored.
  public let precision: String
  /// The licence of the data it was trained on.
  public let dataLicence: String

  /// What is known of a flow map.
  public init(
    sha256: String, geometry: String, dimension: Int, coordinates: [String], prior: String,
    defaultEvaluations: Int, maximumEvaluations: Int, defaultBatch: Int, precision: String,
    dataLicence: String
  ) {
    self.sha256 = sha256
    self.geometry = geometry
    self.dimension = dimension
    self.coordinates = coordinates
    self.prior = prior
    self.defaultEvaluations = defaultEvaluations
    self.maximumEvaluations = maximumEvaluations
    self.defaultBatch = defaultBatch
    self.precision = precision
    self.dataLicence = dataLicence
  }

  init(_ fields: FieldReader) throws(WireError) {
    sha256 = try fields.require("sha256", fields.string("sha256"))
    geometry = try fields.require("geometry", fields.string("geometry"))
    dimension = try fields.require("dimension", fields.integer("dimension"))
    coordinates = try fields.require("coordinates", fields.strings("coordinates"))
    prior = try fields.require("prior", fields.string("prior"))
    defaultEvaluations = try fields.require("default_nfe", fields.integer("default_nfe"))
    maximumEvaluations = try fields.require("max_nfe", fields.integer("max_nfe"))
    defaultBatch = try fields.require("default_batch", fields.integer("default_batch"))
    precision = try fields.require("precision", fields.string("precision"))
    dataLicence = try fields.require("data_licence", fields.string("data_licence"))
  }

  func append(to object: inout JSONObject) {
    object.append("sha256", sha256)
    object.append("geometry", geometry)
    object.append("ambient", coordinates.count)
    object.append("dimension", dimension)
    object.append("coordinates", coordinates)
    object.append("prior", prior)
    object.append("default_nfe", defaultEvaluations)
    object.append("max_nfe", maximumEvaluations)
    object.append("default_batch", defaultBatch)
    object.append("precision", precision)
    object.append("data_licence", dataLicence)
  }
}
