/**
 * This module holds the learning rates of the pairs: for each dataset, the best one of each optimiser, and of SGD with
 * other batches. scripts/tune_rates.py has found them and written this file.
 */

/** @type {Record<string, Record<string, number>>} */
export const RATES = {
  moons: {
    sgd: 3,
    momentum: 0.3,
    nesterov: 0.3,
    rmsprop: 0.1,
    adam: 0.1,
    adamw: 0.1,
    'sgd 8': 1,
    'sgd full': 3,
  },
  blobs: {
    sgd: 3,
    momentum: 0.3,
    nesterov: 0.3,
    rmsprop: 0.03,
    adam: 0.03,
    adamw: 0.03,
    'sgd 8': 1,
    'sgd full': 10,
  },
  corners: {
    sgd: 1,
    momentum: 0.3,
    nesterov: 0.3,
    rmsprop: 0.03,
    adam: 0.1,
    adamw: 0.1,
    'sgd 8': 1,
    'sgd full': 3,
  },
  spirals: {
    sgd: 1,
    momentum: 0.3,
    nesterov: 0.3,
    rmsprop: 0.03,
    adam: 0.1,
    adamw: 0.1,
    'sgd 8': 0.3,
    'sgd full': 3,
  },
  circles: {
    sgd: 1,
    momentum: 0.3,
    nesterov: 0.3,
    rmsprop: 0.1,
    adam: 0.1,
    adamw: 0.1,
    'sgd 8': 1,
    'sgd full': 1,
  },
  checkerboard: {
    sgd: 1,
    momentum: 0.1,
    nesterov: 0.1,
    rmsprop: 0.03,
    adam: 0.03,
    adamw: 0.03,
    'sgd 8': 0.3,
    'sgd full': 1,
  },
  arms: {
    sgd: 1,
    momentum: 0.3,
    nesterov: 0.3,
    rmsprop: 0.1,
    adam: 0.1,
    adamw: 0.1,
    'sgd 8': 1,
    'sgd full': 3,
  },
};
