// SPDX-License-Identifier: Apache-2.0

/// The times of a sampler that jumps from noise to data in `steps` equal jumps: 1 = t₀ > t₁ > … > 0.
public func uniformSchedule(steps: Int) -> [Float] {
  precondition(steps > 0, "uniformSchedule: \(steps) steps")
  return (0...steps).map { 1 - Float($0) / Float(steps) }
}
