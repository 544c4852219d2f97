// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowNN
internal import FlowTensor

extension PictureStage {
  /// The median time of a gradient of this method over that of flow matching with the same network, taken in turns.
  func overhead(turns: Int = 7) -> Double {
    let weights = initialWeights()
    let time = { (loss: ([Variable]) -> Variable) -> Double in
      let begin = ContinuousClock.now
      _ = valueAndGradient(at: weights.map { Variable($0) }, of: loss)
      return (ContinuousClock.now - begin) / .seconds(1)
    }
    var own: [Double] = [], plain: [Double] = []
    for turn in 0..<turns {
      own.append(
        time { values in
          var random = Random(key: 1, stream: UInt64(turn) << 20)
          return loss(Parameters(values), average: Parameters(weights), progress: 0.99, random: &random)
        })
      plain.append(
        time { values in
          var random = Random(key: 1, stream: UInt64(turn) << 20)
          return flowMatchingLoss(Parameters(values), &random)
        })
    }
    return own.sorted()[turns / 2] / plain.sorted()[turns / 2]
  }
}
