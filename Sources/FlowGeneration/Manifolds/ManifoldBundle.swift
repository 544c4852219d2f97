// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
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
  /// SHA-256 of the weights file; empty where there is none.
  public let sha256: String
  /// Bytes of the weights file; 0 where there is none.
  public let weightsByteCount: Int
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
    weightsByteCount = 0
  }

  /// Reads the bundle in a folder, checking that manifest, geometry and weights belong together.
  ///
  /// Everything is copied: the files may go afterwards.
  public init(folder: String) throws(BundleError) {
    name = BundleFile.name(folder)
    let manifest = try Self.manifest(folder: folder)
    self.manifest = manifest
    geometry = try Self.geometry(manifest, path: "\(folder)/\(Self.manifestName)")
    network = MLP(manifest.network)
    let path = BundleFile.weights(folder)
    let file: SafetensorsFile
    do throws(CheckpointError) {
      file = try SafetensorsFile(path: path)
      weights = try file.tensors("network", network.layout)
      (sha256, weightsByteCount) = (try file.sha256(), file.byteCount)
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
    try BundleFile.check(sha256, recorded: manifest.weights, folder: folder, manifest: Self.manifestName)
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
    let path = BundleFile.weights(folder)
    try writer.write(to: path, metadata: [Self.geometryKey: geometry.name])
    var manifest = manifest
    manifest.weights = try SafetensorsFile(path: path).sha256()
    try BundleFile.encode(manifest, to: "\(folder)/\(Self.manifestName)")
  }

  /// Under which the weights file says what it was trained on: manifolds may have points of the same width.
  private static let geometryKey = "geometry"

  static func geometry(_ manifest: ManifoldManifest, path: String) throws(BundleError)
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
