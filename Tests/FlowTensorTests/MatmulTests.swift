// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import FoundationEssentials
import Testing

@Suite("Matrix products")
struct MatmulTests {
  /// m, n, k, left transposed, right transposed.
  static let shapes: [(Int, Int, Int, Bool, Bool)] = [
    (1, 1, 1, false, false), (15, 17, 3, false, false), (17, 5, 33, true, false), (3, 64, 31, false, true),
    (40, 2, 7, true, true), (300, 70, 64, false, true), (0, 3, 2, false, false), (2, 3, 0, false, false),
    // Long sums in parts, with one and several blocks of rows; few rows of many columns; a right operand turned over.
    (5, 3, 2100, true, false), (130, 9, 1030, true, false), (3, 4, 1500, true, true),
    (40, 600, 7, false, false),
    (40, 600, 7, false, true), (33, 1200, 3, true, true), (64, 30, 20, false, true),
  ]

  /// The definition, in double precision.
  static func reference(_ a: Tensor, _ b: Tensor, _ m: Int, _ n: Int, _ k: Int, _ ta: Bool, _ tb: Bool)
    -> [Double]
  {
    let a = a.elements, b = b.elements
    return (0..<m * n).map { index in
      let (i, j) = (index / n, index % n)
      return (0..<k).reduce(0.0) { sum, l in
        sum + Double(a[ta ? l * m + i : i * k + l]) * Double(b[tb ? j * k + l : l * n + j])
      }
    }
  }

  @Test(
    "agree with the definition in both precisions", arguments: shapes, [MatmulPrecision.float32, .bfloat16])
  func definition(shape: (Int, Int, Int, Bool, Bool), precision: MatmulPrecision) {
    let (m, n, k, ta, tb) = shape
    var random = Random(key: 3)
    let a = random.normal(ta ? [k, m] : [m, k]), b = random.normal(tb ? [n, k] : [k, n])
    let bias = random.normal([n])
    let result = MatmulPrecision.$current.withValue(precision) {
      Tensor.matmul(a, b, transposeA: ta, transposeB: tb, bias: bias)
    }
    let expected = Self.reference(a, b, m, n, k, ta, tb)
    let offsets = bias.elements
    // A rounding of each factor, and of each partial sum.
    let unit: Double = precision == .float32 ? 1e-6 : 8e-3
    let tolerance = unit * Double(max(k, 1)).squareRoot() * 4
    for (index, value) in result.elements.enumerated() {
      let wanted = expected[index] + Double(offsets[index % n])
      #expect(abs(Double(value) - wanted) <= tolerance)
    }
  }

  @Test(
    "batches of small and of large matrices are their products",
    arguments: [(3, 3, 3), (3, 1, 4), (16, 8, 8), (2, 5, 3), (40, 3, 20)], [false, true])
  func batches(extents: (Int, Int, Int), transposeA: Bool) {
    let (m, n, k) = extents, batch = 5
    var random = Random(key: 4)
    for transposeB in [false, true] {
      let a = random.normal(transposeA ? [batch, k, m] : [batch, m, k])
      let b = random.normal(transposeB ? [batch, n, k] : [batch, k, n])
      let bias = random.normal([n])
      let found = Tensor.matmul(a, b, transposeA: transposeA, transposeB: transposeB, bias: bias).elements
      for index in 0..<batch {
        let wanted = Self.reference(
          a.rows(index..<index + 1), b.rows(index..<index + 1), m, n, k, transposeA, transposeB)
        for (place, value) in wanted.enumerated() {
          let sum = value + Double(bias.elements[place % n])
          #expect(abs(Double(found[index * m * n + place]) - sum) < 1e-5)
        }
      }
    }
  }

  @Test("bfloat16 rounds its operands")
  func rounds() {
    let a = Tensor([1 + 1.0 / 512], shape: [1, 1]), b = Tensor([1], shape: [1, 1])
    #expect(Tensor.matmul(a, b).item == 1 + 1.0 / 512)
    #expect(MatmulPrecision.$current.withValue(.bfloat16) { Tensor.matmul(a, b).item } == 1)
  }

  @Test("bfloat16 products are exact where sums of rounded operands are, on every instruction set")
  func exact() async {
    await #expect(processExitsWith: .success) {
      // Integers below 256 are bfloat16 numbers; those beyond are rounded to multiples of two. Sums stay below 2²⁴.
      let a = Tensor((0..<40 * 90).map { Float(($0 * 37) % 301 - 150) * 2 }, shape: [40, 90])
      let b = Tensor((0..<90 * 33).map { Float(($0 * 53) % 401 - 200) * 2 + 1 }, shape: [90, 33])
      let wanted = MatmulTests.reference(
        a.roundedToBFloat16, b.roundedToBFloat16, 40, 33, 90, false, false)
      #expect(a.roundedToBFloat16.elements == a.elements && b.roundedToBFloat16.elements != b.elements)
      for set in InstructionSet.allCases where set.select() {
        let product = MatmulPrecision.$current.withValue(.bfloat16) { Tensor.matmul(a, b) }
        #expect(product.doubles == wanted, "\(set)")
      }
    }
  }

  @Test("bfloat16 instructions are used where the processor has them, and nowhere else")
  func detection() async throws {
    let information = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let listed = information.split(whereSeparator: \.isWhitespace).contains("avx512_bf16")
    await #expect(processExitsWith: .success) { [listed = listed as Bool] in
      for set in InstructionSet.allCases where set.select() {
        #expect(InstructionSet.multipliesBFloat16 == (listed && set == .avx512))
      }
    }
  }
}
