// SPDX-License-Identifier: Apache-2.0
//
// The element loops under FlowTensor. Every kernel is plain C, compiled once for each instruction
// set (isa.h); the scalar build is the specification of the others. All arrays are contiguous,
// row-major float32 unless a parameter says otherwise. Kernels are single-threaded: FlowTensor
// splits the work among the worker team.
#pragma once

#include <stdbool.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

// ---------------------------------------------------------------- instruction sets (isa.c)

enum { FLOW_ISA_SCALAR = 0, FLOW_ISA_AVX2 = 1, FLOW_ISA_AVX512 = 2, FLOW_ISA_VNNI = 3 };

/// The best instruction set of this machine, or the one that FLOW_ISA=scalar|avx2|avx512|vnni names;
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

/// Blocks all signals but those of faults on this thread, and so on those that it makes; what was blocked goes to `before`.
/// Kernels that oneDNN compiles use the stack pointer for other things, and a handler that ran on such a stack would write
/// into what lies there.
void flow_block_signals(sigset_t *before);

/// Makes this thread's arithmetic take numbers below 1.2e-38 for 0, as the team's is in a run; what it was before.
unsigned flow_begin_kernels(void);

/// Puts it back.
void flow_end_kernels(unsigned before);

// ---------------------------------------------------------------- heap (heap.c)

/// Gives pages of the heap that nothing lies in back to the system: freeing a block that was not mapped on its own does not.
void flow_trim_heap(void);

// ---------------------------------------------------------------- elementwise (elementwise.c)

enum {
  FLOW_NEGATE, FLOW_EXP, FLOW_LOG, FLOW_SQRT, FLOW_RECIPROCAL_SQRT, FLOW_SQUARE, FLOW_TANH,
  FLOW_SIGMOID, FLOW_SILU, FLOW_GELU, FLOW_SINE, FLOW_COSINE, FLOW_RECIPROCAL, FLOW_ABSOLUTE,
  /// −1, 0 or 1; 0 for NaN.
  FLOW_SIGN,
  /// log(1 + eˣ), log(1 + x), eˣ − 1.
  FLOW_SOFTPLUS, FLOW_LOG_ONE_PLUS, FLOW_EXP_MINUS_ONE,
  /// The largest whole number that is not above x.
  FLOW_FLOOR
};

/// y[i] = op(x[i]).
void flow_unary(int op, size_t n, const float *x, float *y);

enum {
  FLOW_ADD, FLOW_SUBTRACT, FLOW_MULTIPLY, FLOW_DIVIDE, FLOW_MAXIMUM,
  /// x · silu'(y) and x · gelu'(y): cotangent first, argument second.
  FLOW_SILU_GRADIENT, FLOW_GELU_GRADIENT, FLOW_MINIMUM,
  /// 1 where x > y, and where x = y; else 0.
  FLOW_GREATER, FLOW_EQUAL,
  /// The angle of the point (y, x), as atan2(x, y) gives it.
  FLOW_ARCTANGENT,
  /// x · silu''(y) and x · gelu''(y).
  FLOW_SILU_CURVATURE, FLOW_GELU_CURVATURE
};

/// Three nested loops over two operands: extents, and element strides, 0 where an operand is broadcast.
typedef struct {
  size_t extent[3], x[3], y[3];
} flow_loops;

/// z[i, j, k] = op(x[i, j, k], y[i, j, k]); z is contiguous.
void flow_binary(int op, const flow_loops *loops, const float *x, const float *y, float *z);

/// y[i] += x[i].
void flow_accumulate(size_t n, const float *x, float *y);

/// y[i] = scale · x[i] + shift.
void flow_affine(size_t n, float scale, float shift, const float *x, float *y);

/// z[i] = a · x[i] + b · y[i].
void flow_blend(size_t n, float a, const float *x, float b, const float *y, float *z);

/// y[i] = x[i] raised to `exponent`.
void flow_power(size_t n, float exponent, const float *x, float *y);

/// y[i] = x[i], but at least `lower` and at most `upper`.
void flow_clamp(size_t n, float lower, float upper, const float *x, float *y);

/// z[i] = x[i] where c[i] is not 0, else y[i]; strides 1, or 0 for an operand that stands still.
void flow_select(
  size_t n, const float *c, const float *x, size_t x_stride, const float *y, size_t y_stride, float *z);

/// z[b, t, c] = x[b, t, c] + g[b, c] · y[b, t, c].
void flow_gated_add(
  size_t batch, size_t tokens, size_t channels, const float *x, const float *g, const float *y, float *z);

/// dy = g · dz and dg[b, c] = Σ_t y · dz of flow_gated_add (dx is dz itself).
void flow_gated_add_gradient(
  size_t batch, size_t tokens, size_t channels, const float *g, const float *y, const float *dz,
  float *dy, float *dg);

/// dz = dx + dg · y + g · dy of flow_gated_add.
void flow_gated_add_tangent(
  size_t batch, size_t tokens, size_t channels, const float *dx, const float *g, const float *dg,
  const float *y, const float *dy, float *dz);

// ---------------------------------------------------------------- small products (small_products.c)

/// C = A·B for each of a batch of small matrices, one after the other in memory: C is m×n, A m×k or, where it is read
/// transposed, k×m, B k×n or n×k.
void flow_small_products(
  size_t batch, size_t m, size_t n, size_t k, const float *a, bool transpose_a, const float *b, bool transpose_b,
  float *c);

// ---------------------------------------------------------------- analytic functions of geometry (smooth.c)

/// The Stumpff function c_k(x) = Σ (−x)ⁿ/(2n + k)!.
void flow_stumpff(int k, size_t n, const float *x, float *y);

/// The derivative of order `order` of arccos(c)/√(1 − c²) at c = 1 + x, continued to c > 1; for x > −2.
void flow_angle_over_sine(int order, size_t n, const float *x, float *y);
double flow_angle_over_sine_value(int order, double x);

// ---------------------------------------------------------------- functions of symmetric matrices (spectral.c)

/// The most directions that a divided difference is taken along: derivatives of this order of a matrix function.
enum { FLOW_SPECTRAL_ORDER = 5 };

enum {
  FLOW_SPECTRAL_EXP, FLOW_SPECTRAL_LOG,
  /// x raised to `parameter`.
  FLOW_SPECTRAL_POWER,
  /// cos √x, sin √x / √x and the log of that, continued to negative x.
  FLOW_SPECTRAL_COSINE_ROOT, FLOW_SPECTRAL_SINE_ROOT, FLOW_SPECTRAL_LOG_SINE_ROOT,
  /// arccos x / √(1 − x²), continued to x > 1.
  FLOW_SPECTRAL_ANGLE_OVER_SINE,
  /// x, but at least `parameter`.
  FLOW_SPECTRAL_AT_LEAST,
  /// 1 for the `parameter` largest eigenvalues, else 0.
  FLOW_SPECTRAL_LEADING
};

/// A function of one number that is applied to eigenvalues.
typedef struct {
  int function;
  double parameter;
} flow_spectral;

/// y = Σ over indices i₀…i_k of f[λ_i₀, …, λ_i_k]·P_i₀·E₁·P_i₁ ⋯ E_k·P_i_k for one matrix A = Σ λ_i·P_i, f[…] the
/// divided difference: the term of f(A + E₁ + … + E_k) that is linear in each of E₁…E_k, in this order.
///
/// λ rises and is overwritten; row i of v [n, n] is the eigenvector of λ_i. The workspace has (2 + k)·n² numbers.
/// Cost: n^(k+1) differences.
void flow_spectral_map(
  const flow_spectral *f, int k, int n, double *lambda, const double *v, const float *const *e, float *y,
  double *workspace);

// ---------------------------------------------------------------- epilogues of products (epilogue.c)

enum { FLOW_ACTIVATE_SILU, FLOW_ACTIVATE_GELU };

/// c[i, j] += bias[j] in a block of rows.
void flow_add_bias(size_t rows, size_t columns, const float *bias, float *c);

/// z[i, j] += bias[j] and y = activation(z); where y is NULL, z becomes activation(z).
void flow_bias_activate(int activation, size_t rows, size_t columns, const float *bias, float *z, float *y);

/// y[i, j] = x[i, j] + bias[j], past the caches.
void flow_bias_store(size_t rows, size_t columns, const float *bias, const float *x, float *y);

/// z[i, j] = y[i, j] + bias[j], past the caches, and y = activation(z).
void flow_bias_activate_store(
  int activation, size_t rows, size_t columns, const float *bias, float *y, float *z);

/// y[b, i, c] = t[b, i, c] + bias[c] and z = x + gate[b, c] · y, both past the caches.
void flow_bias_gated_store(
  size_t batch, size_t tokens, size_t channels, const float *bias, const float *t, const float *x,
  const float *gate, float *y, float *z);

/// c[i] ·= activation'(z[i]).
void flow_activation_tangent(int activation, size_t n, const float *z, float *c);

/// dz = dy · activation'(z) and db[j] += Σ_i dz[i, j].
void flow_activation_gradient(
  int activation, size_t rows, size_t columns, const float *z, const float *dy, float *dz, float *db);

/// The same with d for dy and dz, and y = activation(z).
void flow_activation_backward(
  int activation, size_t rows, size_t columns, const float *z, float *d, float *y, float *db);

/// y[j] += Σ_i x[i, j].
void flow_accumulate_rows(size_t rows, size_t columns, const float *x, float *y);

// ---------------------------------------------------------------- reductions (reduce.c)

/// y[o, i] = Σ_r x[o, r, i].
void flow_sum(size_t outer, size_t reduced, size_t inner, const float *x, float *y);

/// y[o, i] = max_r x[o, r, i]; −∞ where `reduced` is 0.
void flow_largest(size_t outer, size_t reduced, size_t inner, const float *x, float *y);

/// Σ x[i]² in double.
double flow_sum_of_squares(size_t n, const float *x);

/// Whether every x[i] is finite.
bool flow_all_finite(size_t n, const float *x);

// ---------------------------------------------------------------- normalisations (normalise.c)

/// Layer normalisation, then modulation, rows grouped in batches of `tokens`:
/// y = (x − mean)/√(var + ε) · (offset + scale[b]) + shift[b].
void flow_modulated_norm(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *x, const float *scale,
  const float *shift, float *y);

/// Gradients of flow_modulated_norm; dscale and dshift are [batch, channels].
void flow_modulated_norm_gradient(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *x, const float *scale,
  const float *dy, float *dx, float *dscale, float *dshift);

/// Tangent of flow_modulated_norm along dx, dscale and dshift; the last two may be NULL together.
void flow_modulated_norm_tangent(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *x, const float *scale,
  const float *dx, const float *dscale, const float *dshift, float *dy);

/// Gradients of flow_modulated_norm_tangent for a cotangent d with respect to x, dx, scale, dscale and dshift, the
/// last three [batch, channels]; without dscale, gdscale and gdshift are left alone.
void flow_modulated_norm_tangent_gradient(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *x, const float *scale,
  const float *dx, const float *dscale, const float *d, float *gx, float *gdx, float *gscale, float *gdscale,
  float *gdshift);

/// y = x/√(mean x² + ε) · weight, a row at a time.
void flow_rms_norm(
  size_t rows, size_t channels, float epsilon, const float *x, const float *weight, float *y);

/// Tangent of flow_rms_norm along dx and dweight, which may be NULL.
void flow_rms_norm_tangent(
  size_t rows, size_t channels, float epsilon, const float *x, const float *weight, const float *dx,
  const float *dweight, float *dy);

/// Gradients of flow_rms_norm_tangent for a cotangent d with respect to x, dx, weight and dweight; the last two
/// accumulate, and without dweight gdweight is left alone.
void flow_rms_norm_tangent_gradient(
  size_t rows, size_t channels, float epsilon, const float *x, const float *weight, const float *dx,
  const float *dweight, const float *d, float *gx, float *gdx, float *gweight, float *gdweight);

/// Gradients of flow_rms_norm; dweight accumulates.
void flow_rms_norm_gradient(
  size_t rows, size_t channels, float epsilon, const float *x, const float *weight, const float *dy,
  float *dx, float *dweight);

// ---------------------------------------------------------------- attention (attention.c)

/// Queries that are handled at a time.
enum { FLOW_ATTENTION_BLOCK = 64 };

/// One call of attention or of a derivative, for all heads: q, o, d and their kin are [batch, queries, heads, width],
/// k, v and their kin [batch, keys, heads, width], logarithms of sums [batch, heads, queries].
typedef struct {
  size_t heads, queries, keys, width;
  /// Query i belongs to frame i/tokens, key j to frame j/tokens; visible: key frame ≤ query frame, and key frame
  /// > query frame − window or key frame < sink. tokens == 0 means no such mask.
  size_t tokens, window, sink;
  /// visible[j · visible_stride + i] is 1 where query i sees key j, up to queries rounded up to a block; or NULL.
  const uint8_t *visible;
  size_t visible_stride;
  /// Parts that the queries of a head are split into, at most their blocks.
  size_t chunks;

  const float *q, *k, *v;
  /// What flow_attention_forward gave, and the cotangent of o.
  const float *o, *log_sum, *d;
  /// Tangents, NULL where zero, and what flow_attention_tangent gave for them.
  const float *q_tangent, *k_tangent, *v_tangent, *o_tangent, *log_sum_tangent;

  float *o_result, *log_sum_result;
  float *q_result, *k_result, *v_result;
  /// Results by key of every chunk but the first: batch · heads · (chunks − 1) · 2 · keys · width floats.
  float *partial;
  /// Floats between two results by key; the passes set it.
  size_t key_row;
} flow_attention;

/// Floats of scratch memory, 64-byte aligned, that a call of a pass needs.
size_t flow_attention_scratch(const flow_attention *call);

/// o_result = softmax(q·kᵀ/√width, masked)·v and log_sum_result = ln Σ exp of the scores, both 0 for a query that sees
/// no key; for tasks [first, last) of the batch · heads · chunks.
void flow_attention_forward(const flow_attention *call, size_t first, size_t last, float *scratch);

/// The tangents of both for tangents of q, k, v.
void flow_attention_tangent(const flow_attention *call, size_t first, size_t last, float *scratch);

/// q_result, k_result, v_result = the gradients of Σ d∘o with respect to q, k, v.
void flow_attention_gradient(const flow_attention *call, size_t first, size_t last, float *scratch);

/// The tangents of those gradients, d held.
void flow_attention_hessian(const flow_attention *call, size_t first, size_t last, float *scratch);

/// Adds the partial results by key of a head's chunks, in order.
void flow_attention_collect(const flow_attention *call, size_t index);

// ---------------------------------------------------------------- softmax (softmax.c)

/// y = softmax(x), a row at a time.
void flow_softmax(size_t rows, size_t columns, const float *x, float *y);

// ---------------------------------------------------------------- rotary embedding (rotary.c)

/// Rotates interleaved pairs of x[b, t, h, :] by the angles of token t: y = (x₀c − x₁s, x₀s + x₁c);
/// `direction` −1 rotates back.
void flow_rotary(
  size_t batch, size_t tokens, size_t heads, size_t width, float direction, const float *x,
  const float *cosine, const float *sine, float *y);

// ---------------------------------------------------------------- layout (layout.c)

/// y[i₀, i₁, i₂, i₃, i₄, :] = x at Σ i·stride, in runs of `run` contiguous elements: a permutation, and with
/// strides of 0 or below also a broadcast or a reversal.
void flow_walk(const size_t extent[5], const ptrdiff_t stride[5], size_t run, const float *x, float *y);

/// y[j, i] = x[i, j] for x of `rows` rows, both with row strides.
void flow_transpose(size_t rows, size_t columns, const float *x, size_t x_stride, float *y, size_t y_stride);

/// y[i, :] = table[index[i], :].
void flow_gather(size_t rows, size_t width, const int32_t *index, const float *table, float *y);

/// table[index[i], :] += x[i, :].
void flow_scatter_add(size_t rows, size_t width, const int32_t *index, const float *x, float *table);

// ---------------------------------------------------------------- convolutions (convolution.c)

/// Pictures or videos [batch, time, height, width, input], weights [output, time, height, width, input], results
/// [batch, time, height, width, output]; the three axes are time, height, width. No extent may be 0.
typedef struct {
  int64_t batch, input, output;
  int64_t source[3], result[3], kernel[3], stride[3];
  /// Zeros before the first element of each axis; after the last there are as many as `result` asks for.
  int64_t before[3];
} flow_convolution_shape;

/// y[b, i, o] = Σ w[o, k, c] · x[b, i·stride + k − before, c] + bias[o], a NULL bias being none; false where oneDNN
/// has no such convolution.
bool flow_convolution(
  const flow_convolution_shape *shape, const float *x, const float *w, const float *bias, float *y);

/// The gradient of flow_convolution with respect to x.
bool flow_convolution_input_gradient(
  const flow_convolution_shape *shape, const float *dy, const float *w, float *dx);

/// The gradient of flow_convolution with respect to w.
bool flow_convolution_weight_gradient(
  const flow_convolution_shape *shape, const float *x, const float *dy, float *dw);

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
