// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowManifolds
internal import FlowMaps
internal import FlowNN
internal import FlowTensor

/// A network over pictures as a flow map in flat space, whose states are rows of all pixels.
struct PictureModel: Sendable {
  let network: DiffusionTransformer
  let head: NetworkHead
  let picture: Shape
  let space: Euclidean

  init(_ recipe: PictureNetworkRecipe, pictures: Shape, classes: Int) throws {
    network = DiffusionTransformer(try recipe.shape(of: pictures, classes: classes))
    head = recipe.head ?? .velocity
    picture = pictures
    space = Euclidean(dimension: pictures.count)
  }

  /// The map of pictures that are asked for something.
  func map(_ asked: PictureConditions, _ p: Parameters) -> ManifoldMap {
    ManifoldMap(space) { z, r, t in
      head.velocity(rows(network(pictures(z), r: r, t: t, asked, p)), at: z, t: t)
    }
  }

  /// The velocity on the diagonal, of the map and of the head of its own.
  func pair(_ asked: PictureConditions, _ p: Parameters) -> (Variable, Variable) -> (
    map: Variable, head: Variable
  ) {
    { z, t in
      let both = network.both(pictures(z), r: t, t: t, asked, p)
      return (rows(both.average), rows(both.velocity))
    }
  }

  /// Rows as pictures.
  func pictures(_ rows: Variable) -> Variable {
    rows.reshaped(Shape([rows.shape[0]] + picture.extents))
  }

  /// Pictures as rows.
  func rows(_ pictures: Variable) -> Variable {
    pictures.reshaped([pictures.shape[0], picture.count])
  }
}
