/** Why a training does not get on: what can be told from its numbers, and ways out in a sentence for a person. */
/** @import {Architecture} from './network.js' */

/** A loss that fell by less than this share, over so many epochs, stands still; checked against as many before them. */
const STILL = {share: 0.01, epochs: 100};
/** A loss below this share of what guessing gives is good enough to stand still. */
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

/** @param {number[]} dead by hidden layer @param {number[]} sizes @returns {string | null} a sentence, where there is something to say */
export function deadUnitsAdvice(dead, sizes) {
  const many = dead.findIndex((count, l) => count > 0 && count >= MANY_DEAD * sizes[l]);
  if (many < 0) return null;
  const [count, size] = [dead[many], sizes[many]];
  const units = count === size ? `All ${size} units` : `${count} of ${size} units`;
  return `${units} of hidden layer ${many + 1} are dead: they give 0 for every training point, so they no longer learn. `
    + 'Try a lower learning rate, another seed, or GELU instead of ReLU.';
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
 * What to say of a loss that stands still although it is not good: above half of what guessing gives, log K.
 * @param {ArrayLike<number>} losses of the training points, one an epoch, the newest last @param {number} classes K
 * @returns {string | null}
 */
export function plateauAdvice(losses, classes) {
  const loss = plateau(losses);
  const guessing = Math.log(classes);
  if (loss === null || loss <= GOOD * guessing) return null;
  return `The loss has hardly fallen for ${STILL.epochs} epochs and is still ${loss.toFixed(2)}, where guessing gives `
    + `${guessing.toFixed(2)}. Try a higher learning rate, more units or layers, or another activation or seed.`;
}

/** How many of the newest losses `plateauAdvice` looks at. */
export const PLATEAU_EPOCHS = 2 * STILL.epochs;
