// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowMaps
internal import FlowNN
internal import FlowTensor

/// FreeFlow's correction (2511.19428), which draws the law of one-jump pictures x̂ = X_{1→0}(e) to the teacher's.
///
/// A second network learns the velocity of x̂ by flow matching; its difference to the teacher's, at states of x̂ and fresh
/// noise, pulls the velocity of the jump: ``FlowMaps/correctionLoss(velocity:made:wanted:adaptive:)``.
struct PictureCorrection: Sendable {
  private let settings: CorrectionRecipe
  private let teacher: PictureTeacher
  private let part: Range<Int>

  init(_ settings: CorrectionRecipe, teacher: PictureTeacher, _ layout: inout ParameterLayout) {
    self.settings = settings
    self.teacher = teacher
    part = layout.declare(teacher.model.network.layout, under: "fake")
  }

  func loss(
    _ model: PictureModel, _ p: Parameters, networkPart: Range<Int>, labels: [Int32], _ random: inout Random
  ) -> Variable {
    let count = max(1, Int((Double(labels.count) * (settings.share ?? 0.25)).rounded()))
    let asked = PictureConditions(labels: Array(labels.prefix(count))),
      shape: Shape = [count, model.picture.count]
    let column = { (value: Float) in Variable(Tensor(repeating: value, shape: [count, 1])) }
    let e = Variable(random.normal(shape))
    let u = model.map(asked, p.part(networkPart)).velocity(e, r: column(0), t: column(1))
    let made = (e - u).detached, noise = Variable(random.normal(shape))
    let law = settings.law ?? LogitNormal(mean: 0.8, deviation: 1)
    let τ = Variable(Tensor(law.sample(count, &random), shape: [count, 1]))
    let state = made + τ * (noise - made)
    let fake = teacher.model.map(asked, p.part(part)).velocity(state, at: τ)
    let learnt = (fake - (noise - made)).map(.square).sum() / Float(count)
    let drawn = correctionLoss(
      velocity: u, made: fake, wanted: teacher.velocity(asked.labels)(state, τ), adaptive: true)
    return learnt + (settings.weight ?? 1) * (drawn.sum() / Float(count))
  }
}
