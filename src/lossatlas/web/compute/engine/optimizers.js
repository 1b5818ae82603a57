/**
 * This module implements the optimisers of lossatlas.training, step for step. Their memory is plain data, so that a
 * training can be paused, copied and continued. The order of the parameters does not matter, since every rule is
 * elementwise.
 */

/**
 * The memory of an optimiser: the number of its steps, and a velocity or moving means of the gradient and of its
 * square, all 0 at the start.
 * @typedef {{steps: number, mean: Float64Array, square: Float64Array}} Memory
 *
 * @typedef {{learning_rate: number, momentum: number, weight_decay: number}} Rates
 * @typedef {(theta: Float64Array, gradient: Float64Array, memory: Memory, rates: Rates) => void} Rule changes theta in
 *   place
 */

/** @type {Record<string, {decoupled: boolean, rule: Rule}>} `decoupled`: weight decay is no part of the gradient */
export const OPTIMIZERS = {
  sgd: {decoupled: false, rule: sgd},
  momentum: {decoupled: false, rule: momentum},
  nesterov: {decoupled: false, rule: nesterov},
  rmsprop: {decoupled: false, rule: rmsprop},
  adam: {decoupled: false, rule: adam},
  adamw: {decoupled: true, rule: adam},
};

/** @param {number} size P @returns {Memory} */
export function createMemory(size) {
  return {steps: 0, mean: new Float64Array(size), square: new Float64Array(size)};
}

/** @param {Memory} memory @returns {Memory} */
export function copyMemory({steps, mean, square}) {
  return {steps, mean: mean.slice(), square: square.slice()};
}

/**
 * Take one step: theta changes in place, and the gradient is overwritten.
 * @param {string} optimizer @param {Rates} rates @param {Memory} memory @param {Float64Array} theta
 * @param {Float64Array} gradient
 */
export function step(optimizer, rates, memory, theta, gradient) {
  const {decoupled, rule} = OPTIMIZERS[optimizer];
  const {learning_rate: rate, weight_decay: decay} = rates;
  if (decoupled) for (let i = 0; i < theta.length; i++) theta[i] *= 1 - rate * decay;
  else if (decay) for (let i = 0; i < theta.length; i++) gradient[i] += decay * theta[i];
  memory.steps++;
  rule(theta, gradient, memory, rates);
}

/** Compute θ ← θ − η g. @type {Rule} */
function sgd(theta, gradient, _memory, {learning_rate: rate}) {
  for (let i = 0; i < theta.length; i++) theta[i] -= rate * gradient[i];
}

/** Compute v ← μ v + g, θ ← θ − η v. @type {Rule} */
function momentum(theta, gradient, {mean}, {learning_rate: rate, momentum: keep}) {
  for (let i = 0; i < theta.length; i++) {
    mean[i] = keep * mean[i] + gradient[i];
    theta[i] -= rate * mean[i];
  }
}

/** Compute v ← μ v + g, θ ← θ − η (g + μ v). @type {Rule} */
function nesterov(theta, gradient, {mean}, {learning_rate: rate, momentum: keep}) {
  for (let i = 0; i < theta.length; i++) {
    mean[i] = keep * mean[i] + gradient[i];
    theta[i] -= rate * (gradient[i] + keep * mean[i]);
  }
}

/** Compute s ← ρ s + (1 − ρ) g², θ ← θ − η g / (√s + ε), with ρ = 0.99. @type {Rule} */
function rmsprop(theta, gradient, {square}, {learning_rate: rate}) {
  for (let i = 0; i < theta.length; i++) {
    const g = gradient[i];
    square[i] = 0.99 * square[i] + (1 - 0.99) * g * g;
    theta[i] -= (rate * g) / (Math.sqrt(square[i]) + 1e-8);
  }
}

/**
 * Compute m ← β₁ m + (1 − β₁) g, s ← β₂ s + (1 − β₂) g², θ ← θ − η m̂ / (√ŝ + ε), with β₁ = 0.9 and β₂ = 0.999.
 * @type {Rule}
 */
function adam(theta, gradient, {steps, mean, square}, {learning_rate: rate}) {
  const size = rate / (1 - 0.9 ** steps);
  const unbiased = Math.sqrt(1 - 0.999 ** steps);
  for (let i = 0; i < theta.length; i++) {
    const g = gradient[i];
    mean[i] = 0.9 * mean[i] + (1 - 0.9) * g;
    square[i] = 0.999 * square[i] + (1 - 0.999) * g * g;
    theta[i] -= (size * mean[i]) / (Math.sqrt(square[i]) / unbiased + 1e-8);
  }
}
