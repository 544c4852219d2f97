// SPDX-License-Identifier: Apache-2.0
//
// The element loops under FlowTensor. Every kernel is plain C, compiled once for each instruction
// set (isa.h); the scalar build is the specification of the others. All arrays are contiguous,
// row-major float32 unless a parameter says otherwise. Kernels are single-threaded: FlowTensor
// splits the work among the worker team.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---------------------------------------------------------------- instruction sets (isa.c)

enum { FLOW_ISA_SCALAR = 0, FLOW_ISA_AVX2 = 1, FLOW_ISA_AVX512 = 2 };

/// The best instruction set of this machine, or the one that FLOW_ISA=scalar|avx2|avx512 names;
/// another name, or a set that the machine lacks, ends the process with a message.
int flow_isa(void);

/// Makes kernels use another instruction set from now on; false where the machine lacks it.
bool flow_isa_select(int isa);

/// Whether the instruction set in use multiplies bfloat16 numbers: AVX-512 on a processor with AVX512_BF16. oneDNN
/// accepts such products on every AVX-512 processor, and without these instructions is many times slower than in
/// float32.
bool flow_has_bfloat16_products(void);

// ---------------------------------------------------------------- worker team (team.c)

typedef void (*flow_task)(void *context, long index);

/// Threads that take part in a run, the caller included: FLOW_THREADS, or the number of cores.
int flow_team_size(void);

/// Calls task(context, i) once for each i in 0..<count, spread over the team; returns when all
/// calls have returned. Runs on the caller alone when the team is busy with another caller.
void flow_team_run(long count, flow_task task, void *context);

// ---------------------------------------------------------------- elementwise (elementwise.c)

enum {
  FLOW_NEGATE, FLOW_EXP, FLOW_LOG, FLOW_SQRT, FLOW_RECIPROCAL_SQRT, FLOW_SQUARE, FLOW_TANH,
  FLOW_SIGMOID, FLOW_SILU, FLOW_GELU, FLOW_SINE, FLOW_COSINE, FLOW_RECIPROCAL, FLOW_ABSOLUTE,
  /// −1, 0 or 1; 0 for NaN.
  FLOW_SIGN
};

/// y[i] = op(x[i]).
void flow_unary(int op, size_t n, const float *x, float *y);

enum {
  FLOW_ADD, FLOW_SUBTRACT, FLOW_MULTIPLY, FLOW_DIVIDE, FLOW_MAXIMUM,
  /// x · silu'(y) and x · gelu'(y): cotangent first, argument second.
  FLOW_SILU_GRADIENT, FLOW_GELU_GRADIENT
};

/// z[i, j, k] = op(x[i, j, k], y[i, j, k]) with shape `extent` and element strides 0 where an
/// operand is broadcast; z is contiguous.
void flow_binary(
  int op, const size_t extent[3], const float *x, const size_t x_stride[3], const float *y,
  const size_t y_stride[3], float *z);

/// y[i] = scale · x[i] + shift.
void flow_affine(size_t n, float scale, float shift, const float *x, float *y);

/// z[b, t, c] = x[b, t, c] + g[b, c] · y[b, t, c].
void flow_gated_add(
  size_t batch, size_t tokens, size_t channels, const float *x, const float *g, const float *y, float *z);

/// dy = g · dz and dg[b, c] = Σ_t y · dz of flow_gated_add (dx is dz itself).
void flow_gated_add_gradient(
  size_t batch, size_t tokens, size_t channels, const float *g, const float *y, const float *dz,
  float *dy, float *dg);

/// c[i, j] += bias[j] in a block of rows.
void flow_add_bias(size_t rows, size_t columns, const float *bias, float *c);

// ---------------------------------------------------------------- reductions (reduce.c)

/// y[o, i] = Σ_r x[o, r, i].
void flow_sum(size_t outer, size_t reduced, size_t inner, const float *x, float *y);

/// Σ x[i]² in double.
double flow_sum_of_squares(size_t n, const float *x);

/// Whether every x[i] is finite.
bool flow_all_finite(size_t n, const float *x);

// ---------------------------------------------------------------- normalisations (normalise.c)

/// Layer normalisation without affine, then modulation, rows grouped in batches of `tokens`:
/// y = (x − mean)/√(var + ε) · (1 + scale[b]) + shift[b].
void flow_modulated_norm(
  size_t batch, size_t tokens, size_t channels, float epsilon, const float *x, const float *scale,
  const float *shift, float *y);

/// Gradients of flow_modulated_norm; dscale and dshift are [batch, channels].
void flow_modulated_norm_gradient(
  size_t batch, size_t tokens, size_t channels, float epsilon, const float *x, const float *scale,
  const float *dy, float *dx, float *dscale, float *dshift);

/// y = x/√(mean x² + ε) · weight, a row at a time.
void flow_rms_norm(
  size_t rows, size_t channels, float epsilon, const float *x, const float *weight, float *y);

/// Gradients of flow_rms_norm; dweight accumulates.
void flow_rms_norm_gradient(
  size_t rows, size_t channels, float epsilon, const float *x, const float *weight, const float *dy,
  float *dx, float *dweight);

// ---------------------------------------------------------------- attention (attention.c)

/// Softmax over the keys that a block-causal, windowed mask with a sink leaves visible; masked
/// entries become 0. `scores` is [queries, keys] with row stride `stride`. Query row i belongs to
/// frame (first + i)/tokens, key j to frame j/tokens; visible: key frame ≤ query frame, and key
/// frame > query frame − window or key frame < sink. tokens == 0 means no mask.
void flow_masked_softmax(
  size_t queries, size_t keys, size_t stride, size_t first, size_t tokens, size_t window, size_t sink,
  float *scores);

/// ds = p · (dp − Σ_j p dp) in place of dp, both [queries, keys] with row stride `stride`.
void flow_softmax_gradient(size_t queries, size_t keys, size_t stride, const float *p, float *dp);

/// Rotates interleaved pairs of x[b, t, h, :] by the angles of token t: y = (x₀c − x₁s, x₀s + x₁c);
/// `direction` −1 rotates back.
void flow_rotary(
  size_t batch, size_t tokens, size_t heads, size_t width, float direction, const float *x,
  const float *cosine, const float *sine, float *y);

// ---------------------------------------------------------------- layout (layout.c)

/// y[i₀, i₁, i₂, i₃, :] = x at Σ i·stride: a permutation whose innermost run is `run` contiguous
/// elements; the other four extents are walked in order.
void flow_permute(const size_t extent[5], const size_t stride[5], size_t run, const float *x, float *y);

/// y[i, :] = table[index[i], :].
void flow_gather(size_t rows, size_t width, const int32_t *index, const float *table, float *y);

/// table[index[i], :] += x[i, :].
void flow_scatter_add(size_t rows, size_t width, const int32_t *index, const float *x, float *table);

/// One picture, channels last: patches[y·W'+x, (ky·K + kx)·C + c] with zero padding.
void flow_unfold(
  size_t height, size_t width, size_t channels, size_t kernel, size_t stride, size_t padding,
  const float *picture, float *patches);

/// The transpose of flow_unfold: adds patches back into a picture that the caller has cleared.
void flow_fold(
  size_t height, size_t width, size_t channels, size_t kernel, size_t stride, size_t padding,
  const float *patches, float *picture);

// ---------------------------------------------------------------- conversions (convert.c)

/// y[i] = x[i] · scale + shift for bytes.
void flow_from_bytes(size_t n, float scale, float shift, const uint8_t *x, float *y);

/// y[i] = x[i] · scale + shift, rounded to nearest and clamped to 0…255.
void flow_to_bytes(size_t n, float scale, float shift, const float *x, uint8_t *y);

/// Rounds to bfloat16, ties to even; NaN stays NaN.
void flow_to_bfloat16(size_t n, const float *x, uint16_t *y);

/// Rounds to the numbers that bfloat16 has, ties to even; NaN stays NaN.
void flow_round_to_bfloat16(size_t n, const float *x, float *y);

/// Widens bfloat16, exactly.
void flow_from_bfloat16(size_t n, const uint16_t *x, float *y);

// ---------------------------------------------------------------- products (gemm_bfloat16.c)

/// C ← A·B for bfloat16 matrices with row strides, C float32; false where oneDNN has no such product.
bool flow_gemm_bfloat16(
  size_t m, size_t n, size_t k, const uint16_t *a, size_t a_stride, bool a_transposed, const uint16_t *b,
  size_t b_stride, bool b_transposed, float *c, size_t c_stride);

// ---------------------------------------------------------------- random numbers (random.c)

/// Standard normal numbers number `offset`… of stream (key, stream): Philox 4×32-10 and Box–Muller.
/// Counter-based: any range of a stream can be made in any order. `offset` must be a multiple of 4.
void flow_normal(uint64_t key, uint64_t stream, uint64_t offset, size_t n, float *y);

/// Uniform numbers in [0, 1), as flow_normal.
void flow_uniform(uint64_t key, uint64_t stream, uint64_t offset, size_t n, float *y);

// ---------------------------------------------------------------- optimiser (optimise.c)

/// One AdamW step with decoupled decay and an exponential moving average, in one pass:
/// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − rate·(m̂/(√v̂ + ε) + decay·w), e ← d·e + (1−d)·w,
/// where m̂ = m·m_correction, v̂ = v·v_correction and g is scaled by `gradient_scale` first.
typedef struct {
  float rate, beta1, beta2, epsilon, decay, m_correction, v_correction, gradient_scale, average_decay;
} flow_adamw_step;

void flow_adamw(
  size_t n, const flow_adamw_step *step, const float *g, float *w, float *m, float *v, float *e);
