// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowTensor
internal import Glibc

/// What a model of a diffusion says of the states of one time: E[x given z] and E[e given z].
public typealias Denoiser = (_ z: Variable, _ t: Double) -> (data: Variable, noise: Variable)

/// A step of a sampler that walks a Gaussian path from noise to data.
public enum DiffusionStep: Sendable, Equatable {
  /// z_r = a_r·D + √(b_r² − s²)·E + s·n with n standard normal and s = η·√(variance of z_r given z_t and x): DDIM (Song et
  /// al. 2021) at η = 0, where it is Euler's method for the flow in the path's best coordinates; the ancestral sampler of
  /// DDPM with its smaller variance at η = 1.
  case ancestral(noise: Double)
  /// The ancestral sampler with the larger variance, that of z_t given z_r: β_t of DDPM.
  case ancestralWide
  /// Euler–Maruyama on the reverse diffusion, dz = (f·z − g²·∇log p)·dt + g·dW with f = a′/a and g² = 2b·b′ − 2f·b²: time
  /// runs down, dt < 0 (Anderson 1982). Only where a > 0.
  case reverseDiffusion
}

extension GaussianPath {
  /// z, taken through `times`, from the first to the last, which are to fall. Nothing is recorded.
  public func sample(
    _ z: Tensor, times: [Double], by step: DiffusionStep, _ random: inout Random, denoiser: Denoiser
  ) -> Tensor {
    zip(times, times.dropFirst()).reduce(z) { z, pair in
      moved(Variable(z), from: pair.0, to: pair.1, by: step, &random, denoiser).tensor
    }
  }

  private func moved(
    _ z: Variable, from t: Double, to r: Double, by step: DiffusionStep, _ random: inout Random,
    _ denoiser: Denoiser
  ) -> Variable {
    let (start, end) = (place(at: t), place(at: r)), (data, noise) = denoiser(z, t)
    var normal: Variable { Variable(random.normal(z.shape)) }
    switch step {
    case .ancestral(let share):
      let deviation = share * backwardVariance(start, end).squareRoot()
      let rest = max(0, end.noise * end.noise - deviation * deviation).squareRoot()
      let mean = Float(end.data) * data + Float(rest) * noise
      return deviation > 0 ? mean + Float(deviation) * normal : mean
    case .ancestralWide:
      let rest = (end.noise * end.noise - backwardVariance(start, end)).squareRoot()
      let deviation = forwardVariance(start, end).squareRoot()
      return Float(end.data) * data + Float(rest) * noise + Float(deviation) * normal
    case .reverseDiffusion:
      let drift = start.dataSlope / start.data, length = t - r
      let diffusion = 2 * start.noise * start.noiseSlope - 2 * drift * start.noise * start.noise
      // −g²·∇log p = (g²/b)·E.
      let still = Float(1 - length * drift) * z - Float(length * diffusion / start.noise) * noise
      return still + Float((diffusion * length).squareRoot()) * normal
    }
  }

  /// The variance of z_t given z_r, r before t.
  private func forwardVariance(_ start: PathPlace, _ end: PathPlace) -> Double {
    let kept = start.data / end.data
    return max(0, start.noise * start.noise - kept * kept * end.noise * end.noise)
  }

  /// The variance of z_r given z_t and x.
  private func backwardVariance(_ start: PathPlace, _ end: PathPlace) -> Double {
    forwardVariance(start, end) * (end.noise * end.noise) / (start.noise * start.noise)
  }
}
