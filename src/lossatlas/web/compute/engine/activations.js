/**
 * This module computes the activation functions with their derivatives, in place on whole batches, with the same
 * operations as lossatlas.networks. `f(z, slope, count)` overwrites pre-activations with activations and writes f′
 * beside them.
 */

const GELU_SCALE = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;

/** @type {Record<string, (z: Float64Array, slope: Float64Array, count: number) => void>} */
export const ACTIVATIONS = {
  tanh(z, slope, count) {
    for (let i = 0; i < count; i++) {
      const h = Math.tanh(z[i]);
      z[i] = h;
      slope[i] = 1 - h * h;
    }
  },
  relu(z, slope, count) {
    for (let i = 0; i < count; i++) {
      if (z[i] <= 0) z[i] = 0; // NaN stays NaN.
      slope[i] = z[i] > 0 ? 1 : 0;
    }
  },
  sigmoid(z, slope, count) {
    for (let i = 0; i < count; i++) {
      const h = 0.5 * (Math.tanh(0.5 * z[i]) + 1);
      z[i] = h;
      slope[i] = h * (1 - h);
    }
  },
  gelu(z, slope, count) {
    for (let i = 0; i < count; i++) {
      const x = z[i];
      const gate = Math.tanh(GELU_SCALE * x * (1 + GELU_CUBIC * x * x));
      z[i] = 0.5 * (x * (1 + gate));
      slope[i] = 0.5 * (1 + gate) + 0.5 * x * (1 - gate * gate) * (GELU_SCALE * (1 + 3 * GELU_CUBIC * x * x));
    }
  },
  linear(_z, slope, count) {
    slope.fill(1, 0, count);
  },
};
