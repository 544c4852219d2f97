// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Glibc
import Synchronization
import Testing
import ThreadPlacement

@Suite("The worker team")
struct TeamTests {
  /// Results large enough to be split, of every kind of splitting, as their bits folded together.
  static func fingerprint() -> UInt64 {
    var random = Random(key: 21)
    let x = random.normal([700, 130]), w = random.normal([130, 90]), pictures = random.normal([9, 12, 16, 8])
    let weights = random.normal([16, 3, 3, 8]), q = random.normal([2, 400, 3, 8])
    let geometry = Convolution2D(kernel: 3, padding: 1).geometry
    let y = Tensor.convolution(pictures, weights, geometry)
    let mask = AttentionMask.blockCausal(tokensPerFrame: 40, window: 4, sink: 1)
    // Many heads, and one whose queries are split.
    let attended = [q, q.rows(0..<1).reshaped([1, 1200, 1, 8])].flatMap { q -> [Tensor] in
      let output = Tensor.attention(q, q, q, mask: mask)
      let gradients = Tensor.attentionGradient(q, q, q, output, cotangent: q, mask: mask)
      return [output.values, gradients.q, gradients.k, gradients.v]
    }
    let one = Tensor.convolution(pictures.rows(0..<1), weights, geometry)
    let long = Tensor.modulatedNormGradient(
      x.reshaped([1, 700, 130]), scale: x.rows(0..<1), cotangent: x.reshaped([1, 700, 130]), epsilon: 1e-6)
    let norm = Tensor.rmsNormGradient(x, weight: random.normal([130]), cotangent: x, epsilon: 1e-6)
    let results =
      [
        x, Tensor.matmul(x, w), MatmulPrecision.$current.withValue(.bfloat16) { Tensor.matmul(x, w) }, y,
        Tensor.convolutionWeightGradient(pictures, y, geometry, shape: weights.shape), norm.x, norm.weight,
        x.sum(), x.sum(axis: 0), x.map(.gelu), x.permuted([1, 0]),
        random.uniform([100_000]), one, long.x, long.scale, long.shift,
        Tensor.matmul(x, w, transposeB: false, bias: random.normal([90])),
        Tensor.matmul(x, x, transposeA: true),
        Tensor.matmul(pictures.reshaped([1728, 8]), pictures.reshaped([1728, 8]), transposeA: true),
        Tensor.matmul(w.rows(0..<40), random.normal([1000, 90]), transposeB: true),
        Tensor(Float(random.normal([300_000]).sumOfSquares)),
      ] + attended + TileOperands([300, 7, 16], hidden: 40, &random).fused()
    return results.flatMap(\.elements).reduce(0xCBF2_9CE4_8422_2325) {
      ($0 ^ UInt64($1.bitPattern)) &* 0x100_0000_01B3
    }
  }

  @Test("results do not depend on the number of threads, to the bit", arguments: [1, 3, 8])
  func threads(count: Int) async {
    let here: UInt64 = Self.fingerprint()
    await #expect(processExitsWith: .success) { [count, here = here as UInt64] in
      setenv("FLOW_THREADS", "\(count)", 1)
      #expect(Team.size == count)
      #expect(TeamTests.fingerprint() == here)
    }
  }

  @Test("every index is run once, nested runs too")
  func once() {
    let counts = (0..<50).map { _ in Tensor.zeros([64]) }
    Team.run(50) { outer in
      Team.run(64) { inner in UnsafeMutablePointer(mutating: counts[outer].pointer)[inner] += Float(inner + 1)
      }
    }
    #expect(counts.allSatisfy { $0.elements == (1...64).map(Float.init) })
  }

  @Test("every run reaches the other threads: indices that wait for each other all begin")
  func reached() async {
    // A process of its own: beside another caller a run is the caller's alone.
    await #expect(processExitsWith: .success) {
      // One more than there are cores: members that own a core may rest beside a busy neighbour.
      let count = Int(allowed_core_count()) + 1
      setenv("FLOW_THREADS", "\(count)", 1)
      let deadline = ContinuousClock.now + .seconds(60)
      for _ in 0..<300 {
        let begun = Atomic(0)
        Team.run(count) { _ in
          begun.add(1, ordering: .relaxed)
          while begun.load(ordering: .relaxed) < count, ContinuousClock.now < deadline { sched_yield() }
        }
        #expect(ContinuousClock.now < deadline, "a run was left to its caller")
        if ContinuousClock.now >= deadline { break }
      }
    }
  }

  @Test("where the team owns all cores, members keep off the one that its caller is on")
  func cores() async {
    await #expect(processExitsWith: .success) {
      unsetenv("FLOW_THREADS")
      let cores = Int(allowed_core_count())
      guard Team.size == cores, cores > 1 else { return }
      for place in Array(0..<cores) + (0..<cores).reversed() {
        #expect(bind_to_allowed_core(Int32(place)) == 0)
        let seen = Mutex<Set<Int32>>([]), begun = Atomic(0)
        Team.run(cores) { _ in
          begun.add(1, ordering: .relaxed)
          while begun.load(ordering: .relaxed) < cores { sched_yield() }
          seen.withLock { _ = $0.insert(current_core()) }
        }
        #expect(seen.withLock { $0.count } == cores, "the caller in place \(place)")
      }
    }
  }

  @Test("callers on many threads at once all get their results")
  func concurrent() async {
    let here = Tensor.matmul(Self.left, Self.right).elements
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 { group.addTask { Tensor.matmul(Self.left, Self.right).elements == here } }
      for await same in group { #expect(same) }
    }
  }

  @Test(
    "numbers too small for a whole mantissa count as 0 in kernels, and the caller's own arithmetic stays as it was"
  )
  func smallNumbers() {
    // 2⁻¹³⁰ each: below the least normal number, 2⁻¹²⁶.
    for count in [3, 100_000] {
      let root = Tensor(repeating: 0x1p-65, shape: [count])
      #expect(Tensor.combine(.multiply, root, root).elements.allSatisfy { $0 == 0 })
    }
    let roots = Tensor(repeating: 0x1p-65, shape: [64, 64])
    #expect(Tensor.matmul(roots, roots).elements.allSatisfy { $0 == 0 })
    let root = [Float](repeating: 0x1p-65, count: 2).randomElement()!
    #expect(root * root == 0x1p-130)
  }

  @Test("handlers of signals are kept away from the team's own threads")
  func signals() async {
    await #expect(processExitsWith: .success) {
      let count = Int(allowed_core_count()) + 1
      setenv("FLOW_THREADS", "\(count)", 1)
      let caller = pthread_self(), begun = Atomic(0), blocked = Mutex<[Bool]>([])
      let deadline = ContinuousClock.now + .seconds(60)
      // Indices that wait for each other: every thread has one.
      Team.run(count) { _ in
        begun.add(1, ordering: .relaxed)
        while begun.load(ordering: .relaxed) < count, ContinuousClock.now < deadline { sched_yield() }
        if pthread_equal(pthread_self(), caller) != 0 { return }
        var signals = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &signals)
        let all = [SIGTERM, SIGINT, SIGHUP, SIGUSR1].allSatisfy { sigismember(&signals, $0) == 1 }
        blocked.withLock { $0.append(all && sigismember(&signals, SIGSEGV) == 0) }
      }
      #expect(blocked.withLock { $0.count == count - 1 && $0.allSatisfy { $0 } })
    }
  }

  private static let left = Tensor((0..<40_000).map { Float($0 % 7) }, shape: [400, 100])
  private static let right = Tensor((0..<20_000).map { Float($0 % 5) }, shape: [100, 200])
}
