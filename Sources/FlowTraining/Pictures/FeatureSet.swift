// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowTensor

/// Features of a set of pictures, [count, width], with what distances are made of.
struct FeatureSet: Sendable {
  private let features: Tensor
  private let mean: Tensor  // [1, width]
  private let covariance: Tensor  // [1, width, width]

  init(_ features: Tensor) {
    let x = Variable(features), count = Float(features.shape[0]), width = features.shape[1]
    let mean = x.mean(axis: 0).reshaped([1, width])
    let centred = x - mean
    self.features = features
    self.mean = mean.tensor
    covariance = ((1 / (count - 1)) * matmul(centred.transposed, centred)).tensor.reshaped([1, width, width])
  }

  /// |μ − μ′|² + tr(C + C′ − 2·(C^½·C′·C^½)^½) (Heusel et al. 2017).
  func frechetDistance(to other: FeatureSet) -> Double {
    let apart = (Variable(mean) - Variable(other.mean)).map(.square).sum().tensor.item
    let root = Variable(Tensor.spectral(.power(0.5), covariance))
    let product = matmul(matmul(root, Variable(other.covariance)), root)
    let cross = Tensor.spectral(.power(0.5), (0.5 * (product + product.transposed)).tensor)
    return Double(apart) + trace(covariance) + trace(other.covariance) - 2 * trace(cross)
  }

  private func trace(_ matrix: Tensor) -> Double {
    let n = matrix.shape[2], elements = matrix.elements
    return (0..<n).reduce(0) { $0 + Double(elements[$1 * n + $1]) }
  }

  /// 1000 · the unbiased MMD² with the kernel (x·y/d + 1)³ (Bińkowski et al. 2018), the mean over blocks of 1000; features in
  /// units of the root mean square of the others.
  func kernelDistance(to other: FeatureSet) -> Double {
    let unit = Float(1 / (other.features.sumOfSquares / Double(other.features.count)).squareRoot())
    let size = 1000, blocks = max(1, min(features.shape[0], other.features.shape[0]) / size)
    let sums = (0..<blocks).map { block -> Double in
      let part = { (x: Tensor) in
        unit * Variable(x.rows(block * size..<min((block + 1) * size, x.shape[0])))
      }
      let (x, y) = (part(features), part(other.features))
      let (n, m) = (Double(x.shape[0]), Double(y.shape[0]))
      let within = { (x: Variable, n: Double) in
        let all = kernel(x, x)
        let own = cube((1 / Float(x.shape[1])) * x.map(.square).sum(axis: 1) + 1).sum().tensor.item
        return (all - Double(own)) / (n * (n - 1))
      }
      return within(x, n) + within(y, m) - 2 * kernel(x, y) / (n * m)
    }
    return 1000 * sums.reduce(0, +) / Double(blocks)
  }

  private func kernel(_ x: Variable, _ y: Variable) -> Double {
    let values = cube((1 / Float(x.shape[1])) * matmul(x, y, transposeB: true) + 1)
    // Row sums first: a million float32 terms in one sum would lose digits.
    return values.sum(axis: 1).tensor.elements.reduce(0) { $0 + Double($1) }
  }

  private func cube(_ x: Variable) -> Variable { x * x * x }

  /// The share of these features that lie within reach of the others, and of the others within reach of these: no further
  /// from some feature than that is from its third neighbour (Kynkäänniemi et al. 2019). Of 2,000 of each.
  func precisionAndRecall(of truth: FeatureSet) -> (precision: Double, recall: Double) {
    let part = { (x: Tensor) in Variable(x.rows(0..<min(2000, x.shape[0]))) }
    let (made, real) = (part(features), part(truth.features))
    let covered = { (inner: Variable, outer: Variable) -> Double in
      let reach = Self.squares(outer, outer).elements, n = outer.shape[0]
      let radii = (0..<n).map { row in
        reach[row * n..<(row + 1) * n].sorted()[min(3, n - 1)]
      }
      let apart = Self.squares(inner, outer).elements
      let inside = (0..<inner.shape[0]).count { row in
        (0..<n).contains { apart[row * n + $0] <= radii[$0] }
      }
      return Double(inside) / Double(inner.shape[0])
    }
    return (covered(made, real), covered(real, made))
  }

  /// |x − y|² of all pairs, [count of x, count of y].
  private static func squares(_ x: Variable, _ y: Variable) -> Tensor {
    let own = { (x: Variable) in x.map(.square).sum(axes: [1], keepingAxes: true) }
    return (own(x) + own(y).transposed - 2 * matmul(x, y, transposeB: true)).tensor
  }
}
