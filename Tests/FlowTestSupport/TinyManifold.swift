// SPDX-License-Identifier: Apache-2.0

package import FlowGeneration
internal import FlowManifolds
package import FlowNN
internal import FlowTensor

/// A flow map of the smallest network there can be; its weights are noise, also those that training begins with zeros.
package func tinyManifold(
  _ name: String, geometry: String = "sphere(2)", width: Int = 16, layers: Int = 2,
  maximumEvaluations: Int = 1000,
  times: TimeConditioning = .everyLayer
) throws -> ManifoldBundle {
  let space = try manifold(named: geometry)
  let network = MLPConfiguration(
    input: space.ambient, output: space.ambient, width: width, layers: layers, times: times,
    angles: geometry.hasPrefix("torus(") ? Array(0..<space.ambient) : [])
  let manifest = ManifoldManifest(
    summary: "Noise.", geometry: geometry, network: network, method: "none",
    maximumEvaluations: maximumEvaluations, dataLicence: "CC0-1.0")
  return try ManifoldBundle(name: name, manifest: manifest, weights: noise(MLP(network).layout, seed: 3))
}

/// The same in a folder named `name`.
package func writeTinyManifold(_ name: String, in folder: String, geometry: String = "sphere(2)") throws {
  try tinyManifold(name, geometry: geometry).write(to: "\(folder)/\(name)")
}
