/**
 * This module finds out why a training makes no progress, from its numbers alone, and says in a sentence what a person
 * can do.
 */
/** @import {Architecture} from '../../model/architecture.js' */
import {roughLossText} from '../../lib/numbers.js';

/**
 * A loss makes no progress if it fell by less than this share over this number of epochs, compared with the same number
 * before them.
 */
const STILL = {share: 0.01, epochs: 100};
/**
 * A plateau is where the loss fell by less than this share over this part of all epochs, and over at least this many.
 */
const FLAT = {share: 0.01, part: 0.25, least: 200};
/**
 * A loss up to this share of the loss of guessing, log K, is good enough: networks learn well with many dead units,
 * too.
 */
const GOOD = 0.5;
/** From this share of dead units in a layer on, the page gives advice. */
const MANY_DEAD = 0.25;

/**
 * Count the dead units of each hidden layer: units that give 0 for all of the points, so that no gradient reaches them
 * any more. Only ReLU units can be dead; for other activations all counts are 0.
 * @param {Architecture} network @param {ArrayLike<number>} theta @param {ArrayLike<number>} points [N, features]
 * @returns {number[]}
 */
export function countDeadUnits({layers, activation, residual}, theta, points) {
  const hidden = layers.slice(1, -1);
  if (activation !== 'relu') return hidden.map(() => 0);
  const alive = hidden.map((size) => new Uint8Array(size));
  const features = layers[0];
  for (let p = 0; p < points.length; p += features) {
    let given = Array.from({length: features}, (_, f) => points[p + f]);
    let offset = 0;
    hidden.forEach((size, l) => {
      const inputs = given.length;
      const made = Array.from({length: size}, (_, u) => {
        let sum = theta[offset + inputs * size + u];
        for (let i = 0; i < inputs; i++) sum += theta[offset + u * inputs + i] * given[i];
        if (sum > 0) alive[l][u] = 1;
        return Math.max(sum, 0) + (residual && l > 0 && inputs === size ? given[u] : 0);
      });
      offset += size * (inputs + 1);
      given = made;
    });
  }
  return alive.map((units) => units.filter((unit) => !unit).length);
}

/**
 * Find the loss at which a training makes no progress: the lowest of the last epochs, if it is hardly below the lowest
 * of the same number of epochs before them; null while the loss falls. Lowest losses are compared, since minibatches
 * make the loss jump.
 * @param {ArrayLike<number>} losses one for each epoch, the newest last @param {{share: number, epochs: number}}
 *   [still]
 */
export function findPlateau(losses, {share, epochs} = STILL) {
  if (losses.length < 2 * epochs) return null;
  const recent = Array.from(losses).slice(-2 * epochs);
  const [before, now] = [Math.min(...recent.slice(0, epochs)), Math.min(...recent.slice(epochs))];
  return now > (1 - share) * before ? now : null;
}

/**
 * Create a finder of plateaus that follows a training: a plateau is where the lowest loss has fallen by less than a
 * hundredth over a quarter of the trained epochs, and over at least 200 of them. Lowest losses are compared, since
 * minibatches make the loss jump.
 * @param {number} first the epoch of the first loss: earlier epochs do not count
 * @param {{share: number, part: number, least: number}} [flat]
 */
export function createPlateauFinder(first, {share, part, least} = FLAT) {
  /** The lowest loss up to each epoch. @type {number[]} */
  const lowest = [];
  return {
    /**
     * Add the loss of the next epoch.
     * @param {number} loss @returns {number} for how many epochs it has hardly changed; 0 while it falls
     */
    add(loss) {
      const now = Math.min(loss, lowest.at(-1) ?? Infinity);
      const epoch = first + lowest.push(now) - 1;
      const stretch = Math.max(least, Math.ceil(part * epoch));
      const before = lowest.at(-1 - stretch);
      if (before === undefined) return 0;
      return before - now < share * before || before === 0 ? stretch : 0;
    },
  };
}

/**
 * Give advice on a training whose loss is not good: that a layer is dead, or why the loss may make no progress.
 * @param {{losses: ArrayLike<number>, classes: number, dead: number[], sizes: number[]}} found the losses of the
 *   training points, one for each epoch, the newest last; the dead units and all units of each hidden layer
 * @returns {string | null} a sentence that says what to do; null if there is nothing to say
 */
export function adviceFor({losses, classes, dead, sizes}) {
  const still = findPlateau(losses);
  const loss = still ?? losses[losses.length - 1];
  if (loss <= GOOD * Math.log(classes)) return null;
  const many = dead.findIndex((count, l) => count === sizes[l] || (still !== null && count >= MANY_DEAD * sizes[l]));
  if (many >= 0) return deadUnitsAdvice(dead[many], sizes[many], many + 1);
  return still === null ? null : plateauAdvice(still, classes);
}

/** @param {number} count @param {number} size @param {number} layer */
function deadUnitsAdvice(count, size, layer) {
  const units = count === size ? `All ${size} units` : `${count} of ${size} units`;
  return (
    `${units} of hidden layer ${layer} are dead: they give 0 for every training point, so they no longer learn. ` +
    'Try a lower learning rate, another seed, or GELU instead of ReLU.'
  );
}

/** @param {number} loss @param {number} classes */
function plateauAdvice(loss, classes) {
  return (
    `The loss has hardly fallen for ${STILL.epochs} epochs and is still ${roughLossText(loss)}; guessing gives ` +
    `${roughLossText(Math.log(classes))}. Try a higher learning rate, more units or layers, or another ` +
    'activation or seed.'
  );
}

/** The number of the newest losses that count. */
export const PLATEAU_EPOCHS = 2 * STILL.epochs;
