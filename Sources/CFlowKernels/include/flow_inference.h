// SPDX-License-Identifier: Apache-2.0
//
// The kernels of the inference path: linear layers and convolutions with packed weights, and attention over a cache, in
// float32, bfloat16 or 8-bit integers. All of them work on rows that the caller hands out, allocate nothing and
// are single-threaded. Points of manifolds: flow_points.h.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How weights and caches are stored. Sums are float32, or exact integers below FLOW_PRECISION_INT8.
enum { FLOW_PRECISION_FLOAT32, FLOW_PRECISION_BFLOAT16, FLOW_PRECISION_INT8 };

// ---------------------------------------------------------------- linear layers (packed_linear.c)

/// Columns of a packed panel of weights; outputs are padded to a multiple of it.
enum { FLOW_PACKED_COLUMNS = 32 };

/// A linear layer ready for use: panels of 32 outputs, [outputs/32][inputs][32] elements, or
/// [outputs/32][inputs/4][32][4] bytes in int8. Padding holds zeros.
typedef struct {
  int precision;
  size_t inputs, outputs;
  size_t padded_inputs, padded_outputs;
  const void *weights;
  const float *bias;
  /// int8: w ≈ scale[n]·q[n, k], and offset[n] = −128·Σ_k q[n, k], which takes back the 128 in the rows.
  const float *scale;
  const int32_t *offset;
} flow_packed_linear;

/// Bytes of the packed weights of a layer of this shape.
size_t flow_packed_bytes(int precision, size_t padded_inputs, size_t padded_outputs);

/// Packs w [outputs, inputs] into memory of `flow_packed_bytes`, which must be zeros; int8 also writes scale and
/// offset [padded_outputs].
void flow_pack_linear(
  int precision, size_t inputs, size_t outputs, size_t padded_inputs, const float *w, void *packed, float *scale,
  int32_t *offset);

/// Rows of 8-bit activations: x ≈ scale[row]·(q − 128).
typedef struct {
  const uint8_t *x;
  size_t stride;
  const float *scale;
} flow_rows_int8;

enum { FLOW_LINEAR_IDENTITY, FLOW_LINEAR_SILU, FLOW_LINEAR_GELU };

/// Where a linear layer's rows go: y = activation(x·Wᵀ + b), or y += gate∘(x·Wᵀ + b) where there are gates
/// [rows], each of padded_outputs elements. Rows of y hold padded_outputs elements.
typedef struct {
  float *y;
  size_t stride;
  const float *const *gates;
  int activation;
} flow_linear_output;

/// The layer applied to rows of floats, for float32 and bfloat16 weights.
void flow_linear_float(
  const flow_packed_linear *w, const float *x, size_t x_stride, size_t rows, const flow_linear_output *out);

/// The layer applied to rows of 8-bit activations, for int8 weights.
void flow_linear_int8(
  const flow_packed_linear *w, const flow_rows_int8 *x, size_t rows, const flow_linear_output *out);

/// Quantises rows of floats, each with a scale of its own: q in 1…255 around 128; padding becomes 128.
void flow_quantise_rows(
  size_t rows, size_t columns, size_t padded, const float *x, size_t x_stride, uint8_t *q, size_t q_stride,
  float *scale);

// ---------------------------------------------------------------- convolutions (packed_convolution.c)

/// Taps of a kernel of 3×3.
enum { FLOW_TAPS = 9 };

/// A convolution 3×3 ready for use: panels of 32 outputs, [outputs/32][taps][inputs][32] elements, or
/// [outputs/32][taps][inputs/4][32][4] bytes in int8, of padded extents. Padding holds zeros.
typedef struct {
  int precision;
  size_t inputs, outputs;
  size_t padded_inputs, padded_outputs;
  void *weights;
  const float *bias;
  /// int8: w ≈ scale[n]·q[n, tap, k], and offset[tap][n] = −128·Σ_k q[n, tap, k], which takes back the 128 in the rows.
  const float *scale;
  const int32_t *offset;
} flow_packed_convolution;

/// Packs from [outputs, 3, 3, inputs] into w's weights, which must be zeros; int8 also writes scale [padded_outputs] and
/// offset [9][padded_outputs].
void flow_pack_convolution(const flow_packed_convolution *w, const float *from, float *scale, int32_t *offset);

/// A picture of `width` places in a line, a row of inputs a place, within a border of one place: rows `stride` elements
/// apart, floats or, for int8 weights, bytes with x ≈ scale[row]·(q − 128). The border's floats, or scales, are 0.
typedef struct {
  const void *rows;
  const float *scale;
  size_t stride, width;
} flow_bordered_picture;

/// The results of `lines` lines of places from `line` on, a row a place: y = x∗W + b, or y += x∗W + b. Rows of y hold
/// outputs rounded up to a multiple of 16.
void flow_convolve_rows(
  const flow_packed_convolution *w, const flow_bordered_picture *x, size_t line, size_t lines, float *y,
  size_t stride, bool adding);

// ---------------------------------------------------------------- keys and values (head_cache.c)

/// The keys and values of one head, in any precision; the width of a head is padded to a multiple of 8 with zeros.
/// float32 and bfloat16: keys and values are [key][width]. int8: keys are [key][width] bytes with
/// k ≈ key_scale[key]·q and key_offset[key] = −128·Σ q; values are [key/4][width][4] bytes with
/// v ≈ value_scale[key]·q. There is room for a multiple of FLOW_ATTENTION_KEYS keys.
typedef struct {
  int precision;
  size_t width;
  void *keys, *values;
  float *key_scale, *value_scale;
  int32_t *key_offset;
} flow_head_cache;

/// Keys of a block, queries of a call at most, and the widest head.
enum { FLOW_ATTENTION_KEYS = 64, FLOW_ATTENTION_QUERIES = 32, FLOW_ATTENTION_MOST_WIDTH = 128 };

/// Bytes of the keys, or of the values, of one head with room for `keys` keys.
size_t flow_head_cache_bytes(int precision, size_t width, size_t keys);

/// Writes the keys and values of `rows` tokens from `key` on, `width` floats each.
void flow_head_cache_write(
  const flow_head_cache *cache, size_t key, size_t rows, size_t width, const float *k, size_t k_stride,
  const float *v, size_t v_stride);

/// Reads them back, as the kernels see them.
void flow_head_cache_read(const flow_head_cache *cache, size_t key, size_t width, float *k, float *v);

// ---------------------------------------------------------------- attention over them (cached_attention.c)

/// o[i, :] = softmax(scale·q[i, :]·kᵀ)·v over the first `visible` keys, for at most 32 queries of `width` floats.
void flow_attend(
  const flow_head_cache *cache, size_t visible, size_t queries, size_t width, float scale, const float *q,
  size_t q_stride, float *o, size_t o_stride);

// ---------------------------------------------------------------- rows of tokens (rows.c)

/// y = (x − mean)/√(var + ε)·(1 + scale) + shift, a row at a time.
void flow_norm_rows(
  size_t rows, size_t channels, size_t stride, float epsilon, const float *x, const float *scale,
  const float *shift, float *y);

/// y = rotated(x/√(mean x² + ε)·weight): what queries and keys go through, all heads of a row together; cosine and
/// sine are [rows, head_width/2].
void flow_head_rows(
  size_t rows, size_t channels, size_t head_width, float epsilon, const float *x, size_t x_stride,
  const float *weight, const float *cosine, const float *sine, float *y, size_t y_stride);

/// y = silu(x/√(mean x² + ε)·weight), a row at a time.
void flow_norm_silu_rows(
  size_t rows, size_t channels, size_t stride, float epsilon, const float *x, const float *weight, float *y);

/// Puts rows of k·k pixels of 3 numbers in −1…1, a row a place, as bytes into k lines of pixels.
void flow_pixel_rows(size_t rows, size_t k, const float *x, size_t stride, uint8_t *pixels);

/// A latent frame [height, width, channels] cut into 2×2 patches, row by row.
typedef struct {
  size_t height, width, channels;
} flow_patches;

/// Rows [2·2·2·channels] of tokens from `token` on: the patch of noisy beside that of previous.
void flow_patch_rows(
  const flow_patches *p, size_t token, size_t rows, const float *noisy, const float *previous, float *y,
  size_t stride);

/// Puts rows [2·2·channels] of predicted changes back: z ← keep·z + take·(previous + x).
void flow_unpatch_rows(
  const flow_patches *p, size_t token, size_t rows, const float *x, size_t stride, const float *previous, float keep,
  float take, float *z);
