/**
 * This module thins out many rows, each class in proportion, and finds values far from the others. The rules are in
 * docs/tables.md, section 9.
 */
import {drawPermutation, POINT_STREAMS, createUniforms} from '../../../compute/engine/random.js';

const LEAST = 4;

/**
 * Choose the places of the rows that are kept, in their order: from each class at random in proportion to its size, but
 * never fewer than a class needs.
 * @param {number[]} labels @param {number} classes @param {number} limit @param {number} seed
 */
export function thinOut(labels, classes, limit, seed) {
  const order = drawPermutation(createUniforms(seed, POINT_STREAMS.split), labels.length);
  const members = Array.from({length: classes}, () => /** @type {number[]} */ ([]));
  for (const i of order) members[labels[i]].push(i);
  const least = Math.min(LEAST, Math.floor(limit / classes));
  const quotas = members.map((own) =>
    Math.min(own.length, Math.max(least, Math.floor((limit * own.length) / labels.length))),
  );
  const spare = () => limit - quotas.reduce((sum, quota) => sum + quota, 0);
  const most = () => quotas.indexOf(Math.max(...quotas));
  while (spare() < 0) quotas[most()]--;
  for (let k = 0; spare() > 0; k = (k + 1) % classes) if (quotas[k] < members[k].length) quotas[k]++;
  return members.flatMap((own, k) => own.slice(0, quotas[k])).sort((a, b) => a - b);
}

const FAR = 20;
const FEW = 0.05;

/** Find the places of the few values that lie far from all others. @param {number[]} values */
export function outliersOf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (/** @type {number} */ share) => {
    const place = share * (sorted.length - 1);
    const low = Math.floor(place);
    return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
  };
  const [lower, middle, upper] = [at(0.25), at(0.5), at(0.75)];
  if (values.length === 0 || !(upper > lower)) return [];
  const far = [...values.keys()].filter((i) => Math.abs(values[i] - middle) > FAR * (upper - lower));
  return far.length <= FEW * values.length ? far : [];
}
