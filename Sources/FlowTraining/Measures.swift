// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The peak signal-to-noise ratio in decibels of a mean squared error on pictures in −1…1, whose peak is 2.
func psnr(meanSquare: Double) -> Double { 10 * log10(4 / max(meanSquare, 1e-12)) }
