// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowNN
internal import FlowTensor

/// What a trained generator of pictures makes, measured.
public struct PictureEvaluation: Sendable, Codable, CustomStringConvertible {
  /// How far a meta flow map is steered, by the mean probability of the class that is wanted.
  public struct Steering: Sendable, Codable {
    /// Without steering.
    public var free: Double
    /// The best of 16 of these.
    public var bestOf16: Double
    /// Steered, by one particle a step.
    public var steered: Double
    /// The Fréchet distance of the steered pictures.
    public var distance: Double
    /// That of the best of 16.
    public var bestDistance: Double
  }

  /// The recipe's name.
  public var name: String
  /// Pictures of each figure.
  public var samples: Int
  /// By network evaluations.
  public var rows: [ComparisonResult.Row]
  /// Of a meta flow map.
  public var steering: Steering?

  /// A table.
  public var description: String {
    let table = rows.map { row in
      let m = row.measures
      return
        "| \(row.evaluations) | \(fixed(m.distance, digits: 2)) | \(fixed(m.kernelDistance, digits: 2)) | "
        + "\(fixed(m.precision, digits: 3)) | \(fixed(m.recall, digits: 3)) | \(fixed(m.agreement, digits: 3)) |"
    }
    let head = [
      "\(name), \(samples) pictures", "", "| evaluations | FD | KID | precision | recall | agreement |",
      "| --- | --- | --- | --- | --- | --- |",
    ]
    let steered = steering.map { s in
      [
        "",
        "Mean probability of a wanted class: \(fixed(s.free, digits: 3)) unasked, \(fixed(s.bestOf16, digits: 3)) of the best "
          + "of 16 (FD \(fixed(s.bestDistance, digits: 1))), \(fixed(s.steered, digits: 3)) steered by one particle (FD "
          + "\(fixed(s.distance, digits: 1))).",
      ]
    }
    return (head + table + (steered ?? [])).joined(separator: "\n")
  }
}

extension PicturePipeline {
  /// Measures the averaged weights of the last checkpoint.
  public func evaluate(evaluations: [Int], samples: Int, progress: Progress) throws -> PictureEvaluation {
    PictureEvaluation(
      name: recipe.name, samples: samples,
      rows: try measure(evaluations: evaluations, samples: samples, progress: progress),
      steering: recipe.network.posterior == true ? try steer(progress: progress) : nil)
  }

  /// What as many pictures of every class measure, by network evaluations.
  func measure(evaluations: [Int], samples: Int, progress: Progress) throws -> [ComparisonResult.Row] {
    let judge = try knownJudge(), sampler = try sampler(), labels = labels(samples)
    return evaluations.map { count in
      progress.show("measuring \(recipe.name) by \(count) evaluations")
      let made = sampler.sample(labels, evaluations: count, seed: 1)
      return ComparisonResult.Row(evaluations: count, measures: judge.measures(made, asked: labels))
    }
  }

  private func knownJudge() throws -> PictureJudge {
    guard let judge else {
      throw TrainingError(
        .badRecipe, "\(recipe.name) names no classifier to measure by; give classifier in the recipe")
    }
    return judge
  }

  /// Classes in turn.
  func labels(_ count: Int) -> [Int32] { (0..<count).map { Int32($0 % pictures.classes) } }

  private func steer(progress: Progress) throws -> PictureEvaluation.Steering {
    let judge = try knownJudge(), labels = labels(1000)
    let steering = PictureSteering(stage.model, try parameters(), judge: judge)
    let parts = { (make: ([Int32], UInt64) -> Tensor) in
      let all = stride(from: 0, to: labels.count, by: 250).map { first -> Tensor in
        progress.show("steering: \(first) of \(labels.count)")
        return make(Array(labels[first..<first + 250]), UInt64(first))
      }
      return Tensor.concatenate(all, axis: 0)
    }
    let free = parts { steering.best(of: 1, $0, seed: $1) }
    let best = parts { steering.best(of: 16, $0, seed: $1) }
    let steered = parts { steering.steered($0, steps: 32, particles: 1, seed: $1) }
    return PictureEvaluation.Steering(
      free: steering.meanProbability(free, labels), bestOf16: steering.meanProbability(best, labels),
      steered: steering.meanProbability(steered, labels),
      distance: judge.measures(steered, asked: labels).distance,
      bestDistance: judge.measures(best, asked: labels).distance)
  }
}
