// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowDigest
internal import FlowManifolds
public import FlowNN
public import FlowTensor
internal import FoundationEssentials

/// A flow map on disk: `manifold.json` and `weights.safetensors` in a folder that names it.
public struct ManifoldBundle: Sendable {
  /// The name of the folder.
  public let name: String
  /// What `manifold.json` says.
  public let manifest: ManifoldManifest
  /// SHA-256 of the weights file.
  public let sha256: String
  /// The manifold.
  public let geometry: PointGeometry
  /// The network.
  public let network: MLP
  /// Its weights, in the order of its layout.
  public let weights: [Tensor]

  /// The manifest's file in a bundle.
  public static let manifestName = "manifold.json"

  /// A bundle of parts just trained; it has a digest once it is written and read back.
  ///
  /// - Throws: ``BundleError`` when the manifest does not fit together.
  public init(name: String, manifest: ManifoldManifest, weights: [Tensor]) throws(BundleError) {
    self.name = name
    self.manifest = manifest
    self.weights = weights
    geometry = try Self.geometry(manifest, path: name)
    network = MLP(manifest.network)
    sha256 = ""
  }

  /// Reads the bundle in a folder, checking that manifest, geometry and weights belong together.
  public init(folder: String) throws(BundleError) {
    name = String(folder.split(separator: "/").last ?? "")
    let manifest = try Self.manifest(folder: folder)
    self.manifest = manifest
    geometry = try Self.geometry(manifest, path: "\(folder)/\(Self.manifestName)")
    network = MLP(manifest.network)
    let path = "\(folder)/weights.safetensors"
    let file: SafetensorsFile
    do throws(CheckpointError) {
      file = try SafetensorsFile(path: path)
      weights = try file.tensors("network", network.layout)
    } catch {
      throw BundleError(.badWeights, "\(error)")
    }
    let trained = file.metadata[Self.geometryKey] ?? ""
    guard trained == geometry.name else {
      throw BundleError(
        .badWeights,
        "\(path) was made for the geometry '\(trained)', and \(Self.manifestName) says '\(geometry.name)'; make the "
          + "bundle again with flowtrain")
    }
    sha256 = try BundleFile.digest(path)
    guard sha256 == manifest.weights else {
      throw BundleError(
        .badWeights,
        "\(path) has the digest \(sha256), and \(Self.manifestName) names \(manifest.weights); take both files of one bundle"
      )
    }
  }

  /// Reads `manifold.json` alone: cheap, for listings.
  public static func manifest(folder: String) throws(BundleError) -> ManifoldManifest {
    try BundleFile.decode(ManifoldManifest.self, "\(folder)/\(manifestName)", kind: "a manifold manifest")
  }

  /// Writes `manifold.json` and `weights.safetensors`, each whole or not at all.
  public func write(to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var writer = SafetensorsWriter()
    for (declaration, tensor) in zip(network.layout.declarations, weights) {
      writer.add("network.\(declaration.name)", tensor)
    }
    let path = "\(folder)/weights.safetensors"
    try writer.write(to: path, metadata: [Self.geometryKey: geometry.name])
    var manifest = manifest
    manifest.weights = try BundleFile.digest(path)
    try BundleFile.encode(manifest, to: "\(folder)/\(Self.manifestName)")
  }

  /// Under which the weights file says what it was trained on: manifolds may have points of the same width.
  private static let geometryKey = "geometry"

  private static func geometry(_ manifest: ManifoldManifest, path: String) throws(BundleError)
    -> PointGeometry
  {
    let geometry: PointGeometry
    do {
      geometry = PointGeometry(try manifold(named: manifest.geometry))
    } catch {
      throw BundleError(.badManifest, "\(path): geometry: \(error)")
    }
    if let fault = manifest.fault(on: geometry) {
      throw BundleError(.badManifest, "\(path): \(fault); make the bundle again with flowtrain")
    }
    return geometry
  }
}
