// SPDX-License-Identifier: Apache-2.0

public import FlowMaps
public import FlowNN
public import FlowTensor

/// What `manifold.json` says of a flow map on a manifold: everything but its weights.
public struct ManifoldManifest: Sendable, Codable, Equatable {
  /// The version of this file's layout that is read and written.
  public static let currentFormat = "flow-manifold-1"
  /// The only convention of time.
  public static let dataAtZero = "data at 0, prior at 1"

  /// The version of this file's layout.
  public var format: String
  /// One sentence on what the model makes.
  public var summary: String
  /// The manifold by its name, `sphere(2)`.
  public var geometry: String
  /// What each number of a point is.
  public var coordinates: [String]
  /// The network's shape.
  public var network: MLPConfiguration
  /// How the weights came to be, for people.
  public var method: String
  /// How the network's answer becomes a velocity.
  public var head: Head
  /// What the network is asked for at each evaluation.
  public var sampler: SamplerKind
  /// Network evaluations a point unless the client asks otherwise.
  public var defaultEvaluations: Int
  /// The most network evaluations a point.
  public var maximumEvaluations: Int
  /// Where generation starts from.
  public var prior: ManifoldPrior
  /// Which end of time is the data.
  public var time: String
  /// How the weights are stored when the network runs.
  public var precision: InferencePrecision
  /// The licence of the data the model was trained on.
  public var dataLicence: String
  /// SHA-256 of the weights file; empty before it is written.
  public var weights: String

  /// A manifest in the current format.
  ///
  /// - Parameters:
  ///   - coordinates: nil takes the usual names of the geometry's coordinates.
  public init(
    summary: String, geometry: String, coordinates: [String]? = nil, network: MLPConfiguration,
    method: String,
    head: Head = .velocity, sampler: SamplerKind = .jumps, defaultEvaluations: Int = 1,
    maximumEvaluations: Int = 1000,
    prior: ManifoldPrior = .standard, precision: InferencePrecision = .float32, dataLicence: String
  ) {
    format = Self.currentFormat
    self.summary = summary
    self.geometry = geometry
    self.coordinates = coordinates ?? coordinateNames(of: geometry, count: network.output)
    self.network = network
    self.method = method
    self.head = head
    self.sampler = sampler
    self.defaultEvaluations = defaultEvaluations
    self.maximumEvaluations = maximumEvaluations
    self.prior = prior
    time = Self.dataAtZero
    self.precision = precision
    self.dataLicence = dataLicence
    weights = ""
  }
}

extension ManifoldManifest {
  /// What makes this manifest unusable on its geometry, with the name of the field, or nil.
  func fault(on geometry: PointGeometry) -> String? {
    if format != Self.currentFormat { return "format '\(format)' is not \(Self.currentFormat)" }
    if time != Self.dataAtZero { return "time '\(time)' is not '\(Self.dataAtZero)'" }
    return sizeFault ?? shapeFault(geometry) ?? head.fault(on: geometry.manifold) ?? samplingFault
      ?? prior.fault(on: geometry)
  }

  /// Bounds keep a damaged file from asking for more memory than there is.
  private var sizeFault: String? {
    let n = network
    let sizes: [(name: String, size: Int, allowed: ClosedRange<Int>)] = [
      ("input", n.input, 1...4096), ("output", n.output, 1...4096), ("width", n.width, 1...8192),
      ("layers", n.layers, 1...64), ("frequencies", n.frequencies, 1...1024),
      ("harmonics", n.harmonics, 1...64),
    ]
    for (name, size, allowed) in sizes where !allowed.contains(size) {
      return "network.\(name) is \(size) and must be \(allowed.lowerBound)…\(allowed.upperBound)"
    }
    guard n.timeScale.isFinite, n.timeScale > 0 else { return "network.timeScale must be positive" }
    let isRising = zip(n.angles, n.angles.dropFirst()).allSatisfy { $0 < $1 }
    return isRising && n.angles.allSatisfy((0..<n.input).contains)
      ? nil : "network.angles must be rising numbers below \(n.input)"
  }

  private func shapeFault(_ geometry: PointGeometry) -> String? {
    let sizes = [
      ("network.input", network.input), ("network.output", network.output),
      ("coordinates", coordinates.count),
    ]
    for (name, size) in sizes where size != geometry.ambient {
      return "\(name) has \(size) numbers, and a point of \(geometry.name) has \(geometry.ambient)"
    }
    let usual = coordinateNames(of: geometry.name, count: geometry.ambient)
    guard coordinates == usual else {
      return "coordinates are \(coordinates.joined(separator: ", ")); those of \(geometry.name) are "
        + usual.joined(separator: ", ")
    }
    return nil
  }

  private var samplingFault: String? {
    defaultEvaluations >= 1 && maximumEvaluations >= defaultEvaluations && maximumEvaluations <= 1000
      ? nil : "evaluations must be 1 ≤ defaultEvaluations ≤ maximumEvaluations ≤ 1000"
  }
}

/// The usual names of the coordinates of a geometry.
public func coordinateNames(of geometry: String, count: Int) -> [String] {
  switch geometry {
  case "sphere(2)", "euclidean(3)": return ["x", "y", "z"]
  case "euclidean(2)": return ["x", "y"]
  case "so(3)": return (0..<9).map { "r\($0 / 3 + 1)\($0 % 3 + 1)" }
  default:
    let letter =
      geometry.hasPrefix("torus") ? "angle" : geometry.hasPrefix("simplex") ? "p" : "x"
    return (0..<count).map { "\(letter)\($0)" }
  }
}
