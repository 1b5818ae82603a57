/**
 * This module finds the state that shows a run of the tour: a stored run, or else one that is trained in the page. It
 * consists of pure functions.
 */
/** @import {GalleryEntry, State} from '../../model/types.js' */
/** @import {TourRun} from './stops.js' */
import {computedRuns} from '../../model/choice.js';
import {constants} from '../../model/constants.js';
import {writeHidden} from '../../model/state.js';

/**
 * @typedef {Pick<State, 'dataset' | 'hidden' | 'activation' | 'residual' | 'run' | 'train' | 'sample' | 'own'>} Choices
 */

/** @param {TourRun} wanted @param {GalleryEntry[]} gallery @returns {Choices} */
export function choicesFor(wanted, gallery) {
  const {dataset, noise, hidden, activation, residual = false, settings} = wanted;
  const stored = storedRun(wanted, gallery);
  return {
    dataset,
    hidden,
    activation,
    residual,
    own: null,
    run: stored?.id ?? null,
    train: stored ? null : settings,
    sample: stored ? null : {points: constants().defaults.points, noise, seed: 0},
  };
}

/**
 * Find the run of the gallery that is this training and has its planes; the number of its frames does not matter.
 * @param {TourRun} wanted @param {GalleryEntry[]} gallery
 */
export function storedRun({dataset, noise, hidden, activation, residual = false, settings, epochs, planes}, gallery) {
  if (!planes) return undefined;
  const {optimizer, rate, batch, decay, seed} = settings;
  return computedRuns(gallery).find(({outcome, config}) => {
    const {dataset: data, model, training, planes: cut = []} = /** @type {any} */ (config);
    return (
      outcome.status === 'completed' &&
      data.name === dataset &&
      data.points === constants().defaults.points &&
      (data.noise ?? noise) === noise &&
      data.seed === 0 &&
      writeHidden(model.hidden) === writeHidden(hidden) &&
      model.activation === activation &&
      (model.residual ?? false) === residual &&
      training.optimizer === optimizer &&
      training.learning_rate === rate &&
      training.batch_size === batch &&
      training.weight_decay === decay &&
      training.seed === seed &&
      training.epochs === epochs &&
      planes.every((kind) => cut.some((/** @type {any} */ each) => each.kind === kind))
    );
  });
}
