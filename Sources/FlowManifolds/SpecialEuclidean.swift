// SPDX-License-Identifier: Apache-2.0

extension Product {
  /// The rigid motions SE(3): rows of twelve numbers, the nine of the rotation R and then the three of the
  /// translation p, with the left-invariant metric ⟨(ω, v), (ω′, v′)⟩ = ω·ω′ + v·v′ of body velocities.
  ///
  /// That metric is the one of SO(3) × ℝ³, since Rv is as long as v: geodesics turn R uniformly about one axis and move p
  /// in a straight line. exp, log and transport are those of the two parts; they are not those of the group, whose screw
  /// motions no Riemannian metric has for geodesics (Park 1995). One unit of length weighs as much as a radian;
  /// scaled(c, euclidean(3)) beside so(3) chooses otherwise. Injectivity radius π; cut locus: rotations half a turn
  /// apart, as in SO(3). Prior: uniform rotations, standard normal translations.
  package static var rigidMotions: Product {
    Product([SpecialOrthogonal(), Euclidean(dimension: 3)], name: "se(3)")
  }
}
