// SPDX-License-Identifier: Apache-2.0

static void ISA(flow_adamw)(
  size_t n, const flow_adamw_step *step, const float *restrict g, float *restrict w, float *restrict m,
  float *restrict v, float *restrict e) {
  const flow_adamw_step s = *step;
  for (size_t i = 0; i < n; i++) {
    float gradient = g[i] * s.gradient_scale;
    m[i] = s.beta1 * m[i] + (1.0f - s.beta1) * gradient;
    v[i] = s.beta2 * v[i] + (1.0f - s.beta2) * gradient * gradient;
    float direction = m[i] * s.m_correction / (__builtin_sqrtf(v[i] * s.v_correction) + s.epsilon);
    w[i] -= s.rate * (direction + s.decay * w[i]);
    e[i] = s.average_decay * e[i] + (1.0f - s.average_decay) * w[i];
  }
}
