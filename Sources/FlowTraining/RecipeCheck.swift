// SPDX-License-Identifier: Apache-2.0

internal import FlowNN

/// What a recipe's numbers must be, so that training does not stop half way through on one that cannot work.
extension Recipe {
  /// The first field that cannot work and what it must be, or nil.
  var fault: String? {
    let a = autoencoder.model, t = transformer
    let checks: [(Bool, String)] = [
      (a.height > 0 && a.height % 16 == 0, "autoencoder.model.height must be a positive multiple of 16"),
      (a.width > 0 && a.width % 16 == 0, "autoencoder.model.width must be a positive multiple of 16"),
      (a.outerChannels > 0, "autoencoder.model.outerChannels must be positive"),
      (a.innerChannels > 0, "autoencoder.model.innerChannels must be positive"),
      (a.latentChannels > 0, "autoencoder.model.latentChannels must be positive"),
      (a.blocks >= 0, "autoencoder.model.blocks must not be negative"),
      (autoencoder.batch > 0, "autoencoder.batch must be positive"),
      (autoencoder.latentNoise >= 0, "autoencoder.latentNoise must not be negative"),
      (t.width > 0, "transformer.width must be positive"),
      (t.layers > 0, "transformer.layers must be positive"),
      (
        t.heads > 0 && t.width % t.heads == 0 && t.width / t.heads % 2 == 0,
        "transformer.heads must divide transformer.width into even parts"
      ),
      (t.window > 0, "transformer.window must be positive"),
      (t.sink >= 0, "transformer.sink must not be negative"),
      (sampler.steps > 0, "sampler.steps must be positive"),
      (sampler.maximumSteps >= sampler.steps, "sampler.maximumSteps must be sampler.steps or more"),
      (sampler.contextNoise >= 0, "sampler.contextNoise must not be negative"),
    ]
    return checks.first { !$0.0 }?.1 ?? autoencoder.optimiser.fault.map { "autoencoder.optimiser.\($0)" }
      ?? teacher.fault.map { "teacher.\($0)" } ?? student.fault.map { "student.\($0)" }
  }
}

extension GeneratorRecipe {
  fileprivate var fault: String? {
    let shares: [(Float, String)] = [(atOne, "atOne"), (ownContext, "ownContext"), (jumps, "jumps")]
    let checks: [(Bool, String)] = [
      (batch > 0, "batch must be positive"),
      (frames > 1, "frames must be 2 or more: the first is given"),
      (contextNoise >= 0, "contextNoise must not be negative"),
      ((1...16).contains(levels), "levels must lie in 1…16"),
    ]
    return checks.first { !$0.0 }?.1
      ?? shares.first { !(0...1).contains($0.0) }.map { "\($0.1) must lie in 0…1" }
      ?? optimiser.fault.map { "optimiser.\($0)" }
  }
}

extension OptimiserRecipe {
  var fault: String? {
    let checks: [(Bool, String)] = [
      (steps > 0, "steps must be positive"),
      (rate > 0 && rate.isFinite, "rate must be positive"),
      (warmup >= 0, "warmup must not be negative"),
      ((0..<1).contains(beta1 ?? 0.9), "beta1 must lie in 0..<1"),
      (beta2 >= 0 && beta2 < 1, "beta2 must lie in 0..<1"),
      ((averagePower ?? 1) > 0, "averagePower must be positive"),
      (decay >= 0, "decay must not be negative"),
      (clip > 0, "clip must be positive"),
      (averageDecay >= 0 && averageDecay < 1, "averageDecay must lie in 0..<1"),
      (report > 0, "report must be positive"),
    ]
    return checks.first { !$0.0 }?.1
  }
}
