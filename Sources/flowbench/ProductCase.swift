// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowTensor

/// A matrix product by oneDNN with weights packed beforehand: the ceiling that our own steps are measured against.
struct ProductCase: BenchmarkCase {
  struct Extents {
    let m: Int
    let n: Int
    let k: Int
  }

  /// The shape of performance.md, then the linear layers of the generator cases.
  private static let extents = [
    Extents(m: 256, n: 1024, k: 256),
    Extents(m: 64, n: 768, k: 256), Extents(m: 64, n: 256, k: 256),
    Extents(m: 64, n: 1024, k: 256), Extents(m: 64, n: 256, k: 1024),
    Extents(m: 64, n: 1152, k: 384), Extents(m: 64, n: 384, k: 384),
    Extents(m: 64, n: 1536, k: 384), Extents(m: 64, n: 384, k: 1536),
    Extents(m: 256, n: 768, k: 256), Extents(m: 256, n: 256, k: 256), Extents(m: 256, n: 256, k: 1024),
  ]

  static var names: [String] {
    extents.map { "gemm-\($0.m)x\($0.n)x\($0.k)" } + ["gemm-256x1024x256-one", "gemm-64x256x256-one"]
  }

  private static func extents(_ name: String) -> Extents {
    let e = name.split(separator: "-")[1].split(separator: "x").compactMap { Int($0) }
    return Extents(m: e[0], n: e[1], k: e[2])
  }

  /// Whole numbers that all precisions hold, and whose products float32 sums without rounding.
  static func export(_ name: String) -> (SafetensorsWriter, metadata: [String: String]) {
    let e = extents(name)
    var random = Random(key: 1)
    let whole = { (count: Int, range: Range<Int>) in (0..<count).map { _ in Float(random.integer(in: range)) }
    }
    var writer = SafetensorsWriter()
    writer.add("a", Tensor(whole(e.m * e.k, 0..<128), shape: [e.m, e.k]))
    writer.add("b", Tensor(whole(e.k * e.n, -127..<128), shape: [e.k, e.n]))
    return (writer, ["threads": name.hasSuffix("-one") ? "1" : "all"])
  }

  private let product: SplitProduct
  private let operations: Int

  init(_ name: String, precision: InferencePrecision, input: SafetensorsFile) throws {
    let e = Self.extents(name)
    operations = 2 * e.m * e.n * e.k
    product = SplitProduct(
      a: try input.tensor("a", shape: [e.m, e.k]), b: try input.tensor("b", shape: [e.k, e.n]),
      precision: precision, pieces: name.hasSuffix("-one") ? 1 : Team.size)
  }

  func run() { product.run() }

  func results() -> [(name: String, tensor: Tensor)] { [("output", product.output)] }

  var remarks: [String: Double] { ["operations": Double(operations)] }
}
