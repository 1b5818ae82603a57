/** Why a training does not get on: what can be told from its numbers, and ways out in a sentence for a person. */
/** @import {Architecture} from '../../model/architecture.js' */

/** A loss that fell by less than this share, over so many epochs, stands still; checked against as many before them. */
const STILL = {share: 0.01, epochs: 100};
/** A plateau is where the loss fell by less than this share, over this part of all epochs and so many at least. */
const FLAT = {share: 0.01, part: 0.25, least: 200};
/** A loss up to this share of what guessing gives, log K, is good enough: networks learn well with many dead units, too. */
const GOOD = 0.5;
/** From this share of dead units in a layer on there is something to say. */
const MANY_DEAD = 0.25;

/**
 * How many units of each hidden layer are dead, that is give 0 for every one of the points: no gradient reaches them any
 * more. Only ReLU's can be; for other activations all are 0.
 * @param {Architecture} network @param {ArrayLike<number>} theta @param {ArrayLike<number>} points [N, features]
 * @returns {number[]}
 */
export function deadUnits({layers, activation, residual}, theta, points) {
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
 * Where a loss stands still: its lowest value of the last epochs, if that is hardly below the one of as many epochs before
 * them; null while it falls. Lowest values, since minibatches make it jump.
 * @param {ArrayLike<number>} losses one an epoch, the newest last @param {{share: number, epochs: number}} [still]
 */
export function plateau(losses, {share, epochs} = STILL) {
  if (losses.length < 2 * epochs) return null;
  const recent = Array.from(losses).slice(-2 * epochs);
  const [before, now] = [Math.min(...recent.slice(0, epochs)), Math.min(...recent.slice(epochs))];
  return now > (1 - share) * before ? now : null;
}

/**
 * Finds a plateau while a training goes on: the lowest loss has fallen by less than a hundredth over a quarter of the epochs
 * trained, and over 200 of them at least. Lowest losses, since minibatches make it jump.
 * @param {number} first the epoch of the first loss: what was before does not count
 * @param {{share: number, part: number, least: number}} [flat]
 */
export function createPlateauFinder(first, {share, part, least} = FLAT) {
  /** The lowest loss up to each epoch. @type {number[]} */
  const lowest = [];
  return {
    /** Of the next epoch. @param {number} loss @returns {number} for how many epochs it has hardly changed; 0 while it falls */
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
 * What to say of a training whose loss is not good: that a layer is dead, or, where the loss stands still, why it may.
 * @param {{losses: ArrayLike<number>, classes: number, dead: number[], sizes: number[]}} found losses of the training
 *   points, one an epoch, the newest last; dead units and all units of each hidden layer
 * @returns {string | null} a sentence with ways out, where there is something to say
 */
export function adviceFor({losses, classes, dead, sizes}) {
  const still = plateau(losses);
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
    `The loss has hardly fallen for ${STILL.epochs} epochs and is still ${loss.toFixed(2)}, where guessing gives ` +
    `${Math.log(classes).toFixed(2)}. Try a higher learning rate, more units or layers, or another activation or seed.`
  );
}

/** How many of the newest losses count. */
export const PLATEAU_EPOCHS = 2 * STILL.epochs;
