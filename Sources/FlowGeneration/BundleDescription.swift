// SPDX-License-Identifier: Apache-2.0

internal import FlowNN
public import FlowTensor

extension VideoBundle {
  /// What the model in a folder is, from its manifest and the header of its weights file: as cheap for a large model as
  /// for a small one.
  ///
  /// The digest is the one that the manifest records, and empty where it records none.
  ///
  /// - Throws: ``BundleError`` that says what is wrong with which file.
  public static func describe(
    folder: String, precision: InferencePrecision? = nil
  ) throws(BundleError) -> VideoModelDescription {
    let manifest = try manifest(folder: folder)
    return manifest.description(
      name: BundleFile.name(folder), sha256: manifest.weights ?? "",
      weightsByteCount: try BundleFile.weightsByteCount(folder), precision: precision ?? manifest.precision)
  }
}

extension ManifoldBundle {
  /// What the model in a folder is, from its manifest and the header of its weights file: as cheap for a large model as
  /// for a small one.
  ///
  /// - Throws: ``BundleError`` that says what is wrong with which file.
  public static func describe(
    folder: String, precision: InferencePrecision? = nil
  ) throws(BundleError) -> ManifoldModelDescription {
    let manifest = try manifest(folder: folder)
    return manifest.description(
      on: try geometry(manifest, path: "\(folder)/\(manifestName)"), name: BundleFile.name(folder),
      sha256: manifest.weights, weightsByteCount: try BundleFile.weightsByteCount(folder),
      precision: precision ?? manifest.precision)
  }
}

extension VideoManifest {
  func description(
    name: String, sha256: String, weightsByteCount: Int, precision: InferencePrecision
  ) -> VideoModelDescription {
    VideoModelDescription(
      name: name, sha256: sha256, width: autoencoder.width, height: autoencoder.height,
      framesPerSecond: framesPerSecond, actions: actions,
      defaultAction: actions.firstIndex(of: defaultAction) ?? 0, defaultSteps: defaultSteps,
      maximumSteps: maximumSteps, bytesPerStream: transformer.streamByteCount(precision),
      dataLicence: dataLicence, weightsByteCount: weightsByteCount,
      residentBytes: residentByteCount(precision))
  }

  /// The packed generator and decoder, the encoder as float32, and the start frames.
  private func residentByteCount(_ precision: InferencePrecision) -> Int {
    let codec = Autoencoder(autoencoder)
    let numbers =
      codec.encoderCount + 2 * autoencoder.latentChannels
      + autoencoder.latentShape(batch: starts).count
    return CausalTransformer(transformer).residentByteCount(precision)
      + codec.residentDecoderByteCount(precision) + 4 * numbers
  }
}

extension ManifoldManifest {
  func description(
    on geometry: PointGeometry, name: String, sha256: String, weightsByteCount: Int,
    precision: InferencePrecision
  ) -> ManifoldModelDescription {
    ManifoldModelDescription(
      name: name, sha256: sha256, geometry: geometry, coordinates: coordinates, prior: prior.summary,
      defaultEvaluations: defaultEvaluations, maximumEvaluations: maximumEvaluations,
      precision: precision.rawValue, dataLicence: dataLicence, weightsByteCount: weightsByteCount,
      residentBytes: MLP(network).residentByteCount(precision, rooms: PointSampler.roomCount))
  }
}
