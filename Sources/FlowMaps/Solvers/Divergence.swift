// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowManifolds

/// The Riemannian divergence of a tangent field, and its value: div v = tr D(v∘projected) + D(log density)·v.
///
/// The field is looked at on the manifold only: a Euclidean divergence of a field that is not constant along normals
/// would count the normals, which for f(x) = c·x on a sphere is −2c where the truth is 0. So the field is extended by
/// what it is at the nearest point, and each coordinate of the ambient space gives a term of the trace. What the volume
/// adds where coordinates do not measure it, ``Manifold/logVolumeDensity(_:)`` says.
///
/// Cost: one tangent of the field for each ambient coordinate.
public func divergence(at x: Variable, on manifold: any Manifold, of field: (Variable) -> Variable)
  -> (value: Variable, divergence: Variable)
{
  let value = field(x)
  let volume = jvp(at: [x], along: [value]) { manifold.logVolumeDensity($0[0]) }.tangent
  let total = (0..<manifold.ambient).reduce(volume) { sum, coordinate in
    let e = Variable.unit(coordinate, of: manifold.ambient).broadcast(to: x.shape)
    let change = jvp(at: [x], along: [e]) { field(manifold.projected($0[0])) }.tangent
    return sum + change.slice(axis: 1, coordinate..<coordinate + 1)
  }
  return (value, total)
}
