// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowManifolds
internal import FlowMaps
internal import FlowNN
internal import FlowTensor

/// Makes pictures of classes by a trained network.
struct PictureSampler {
  private let model: PictureModel
  private let parameters: Parameters
  private let recipe: PictureSamplerRecipe
  private let isPosterior: Bool

  init(_ model: PictureModel, _ p: Parameters, _ recipe: PictureSamplerRecipe, isPosterior: Bool) {
    self.model = model
    parameters = p.detached
    self.recipe = recipe
    self.isPosterior = isPosterior
  }

  /// Pictures [count, height, width, channels], some hundreds at a time.
  ///
  /// - Parameter kind: how they are made; the recipe's own way if nil.
  func sample(
    _ labels: [Int32], evaluations: Int, seed: UInt64, by kind: PictureSamplerRecipe.Kind? = nil
  ) -> Tensor {
    let size = 250
    let parts = stride(from: 0, to: labels.count, by: size).map { first -> Tensor in
      let some = Array(labels[first..<min(first + size, labels.count)])
      var random = Random(key: seed, stream: (1 << 59) + UInt64(first))
      let noise = random.normal([some.count, model.picture.count])
      return walk(noise, some, evaluations, kind ?? recipe.kind, &random)
    }
    return Tensor.concatenate(parts, axis: 0).reshaped(Shape([labels.count] + model.picture.extents))
  }

  /// E ∫ |e − x − v(z_t, t)|² dt a pixel along the flow: 0 where one step of Euler's method is exact (Liu et al. 2022).
  func straightness(of labels: [Int32], steps: Int = 32) -> Double {
    var random = Random(key: 1, stream: 1 << 56)
    let noise = random.normal([labels.count, model.picture.count]),
      field = field(labels, asked(labels, &random))
    var z = Variable(noise), velocities: [Variable] = []
    for step in 0..<steps {
      velocities.append(field(z, column(1 - Float(step) / Float(steps), labels.count)))
      z = (z - (1 / Float(steps)) * velocities.last!).detached
    }
    let chord = (Variable(noise) - z).detached
    return velocities.reduce(0) { $0 + (chord - $1).tensor.sumOfSquares } / Double(steps * noise.count)
  }

  private func walk(
    _ noise: Tensor, _ labels: [Int32], _ evaluations: Int, _ kind: PictureSamplerRecipe.Kind,
    _ random: inout Random
  ) -> Tensor {
    let asked = asked(labels, &random), map = model.map(asked, parameters), field = field(labels, asked)
    let schedule = uniformSchedule(steps: evaluations)
    switch kind {
    case .euler: return eulerWalk(noise, steps: evaluations, field: field)
    case .heun: return heunWalk(noise, evaluations: evaluations, field: field)
    case .jumps: return map.sample(noise, schedule: schedule)
    case .renoise:
      return map.sampleRenoising(noise, schedule: schedule, along: GeodesicPath(model.space), &random) {
        $1.normal([$0, model.picture.count])
      }
    case .ddim: return diffuse(noise, DiscretePath(), evaluations, .ancestral(noise: 0), field, &random)
    case .ancestral: return diffuse(noise, DiscretePath(), evaluations, .ancestral(noise: 1), field, &random)
    case .reverseDiffusion:
      return diffuse(noise, VariancePreservingPath(), evaluations, .reverseDiffusion, field, &random)
    }
  }

  private func asked(_ labels: [Int32], _ random: inout Random) -> PictureConditions {
    var asked = PictureConditions(labels: labels)
    if model.network.configuration.scalars - (isPosterior ? 1 : 0) == 3 {
      asked.scalars = GuidanceInputs(labels.count, scale: recipe.guidance ?? 1).scalars
    }
    if isPosterior {
      // At outer time 1 the given picture is noise, and its posterior the law of the data.
      asked.given = Variable(random.normal(Shape([labels.count] + model.picture.extents)))
      asked.scalars.append(column(1, labels.count))
    }
    return asked
  }

  /// The velocity, guided by a second evaluation where a scale is asked for that the network is not told.
  private func field(_ labels: [Int32], _ asked: PictureConditions) -> ObjectiveMaps.Field {
    let map = model.map(asked, parameters), scale = Float(recipe.guidance ?? 1)
    let isTold = model.network.configuration.scalars >= 3
    if scale == 1 || isTold { return { map.velocity($0, at: $1).detached } }
    var nothing = asked
    nothing.labels = labels.map { _ in model.network.configuration.nullClass }
    let away = model.map(nothing, parameters)
    return { z, t in
      let far = away.velocity(z, at: t)
      return (far + scale * (map.velocity(z, at: t) - far)).detached
    }
  }

  /// Heun's method in as many steps as the evaluations allow: two each, the last of odd ones Euler's.
  private func heunWalk(_ noise: Tensor, evaluations: Int, field: ObjectiveMaps.Field) -> Tensor {
    let steps = (evaluations + 1) / 2, length = 1 / Float(steps)
    return (0..<steps).reduce(Variable(noise)) { z, step in
      let t = 1 - Float(step) * length, first = field(z, column(t, noise.shape[0]))
      let trial = (z - length * first).detached
      if step == steps - 1, evaluations % 2 == 1 { return trial }
      let last = field(trial, column(max(t - length, TimeLaw.least), noise.shape[0]))
      return (z - (0.5 * length) * (first + last)).detached
    }.tensor
  }

  /// A walk of a Gaussian path, whose places are those of the linear path another way.
  private func diffuse(
    _ noise: Tensor, _ path: some GaussianPath, _ steps: Int, _ step: DiffusionStep,
    _ field: @escaping ObjectiveMaps.Field, _ random: inout Random
  ) -> Tensor {
    let (least, most) = (path.times.lowerBound, path.times.upperBound)
    let times = (0...steps).map { most + Double($0) / Double(steps) * (least - most) }
    return path.sample(noise, times: times, by: step, &random) { z, t in
      let place = path.place(at: t), τ = Float(place.linearTime)
      let state = Float(place.linearScale) * z
      let v = field(state, column(τ, noise.shape[0]))
      return (state - τ * v, state + (1 - τ) * v)
    }
  }
}
