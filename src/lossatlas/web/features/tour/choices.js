/**
 * This module finds the state that a stop of a story means: of the run that the stop names, which is taken from the
 * gallery or else trained in the page, with everything that its view says. It consists of pure functions.
 */
/** @import {GalleryEntry, State} from '../../model/types.js' */
/** @import {Sample, Settings} from '../../model/settings.js' */
/** @import {Stop, Story, TourRun} from './story.js' */
import {computedRuns, takeModelOfRun} from '../../model/choice.js';
import {constants} from '../../model/constants.js';
import {fromQuery, PROPERTIES, writeHidden} from '../../model/state.js';

/**
 * @typedef {Pick<State, 'dataset' | 'hidden' | 'activation' | 'residual' | 'run' | 'train' | 'sample' | 'own'>} Choices
 */

/** The properties that a view cannot set, because they belong to the story. */
const APART = {play: null, speed: null, tour: null, story: null, stops: null, present: null};

/**
 * Read a change of the state; an empty value is the one of the first view.
 * @param {string} view @returns {Partial<State>}
 */
export function readPatch(view) {
  const given = new URLSearchParams(view.replace('#', '&'));
  const pairs = PROPERTIES.flatMap(({name, read}) => {
    const text = given.get(name);
    if (text === null || Object.hasOwn(APART, name)) return [];
    return [[name, text === '' ? null : read(text)]];
  });
  return Object.fromEntries(pairs);
}

/**
 * Return the whole state that a stop means.
 * @param {Story} story @param {Stop} stop @param {GalleryEntry[]} gallery
 * @param {State} base the state that an address without a query means @returns {State}
 */
export function stateOfStop({runs = {}}, {name, run, view, moves}, gallery, base) {
  const start = {...base, ...(run === undefined ? {} : choicesFor(runs[run], gallery))};
  const state = takeModelOfRun({...fromQuery(`?${view}`, start), ...APART, tour: name}, gallery);
  return moves && 'play' in moves ? {...state, epoch: moves.play[0]} : state;
}

/** @param {TourRun} wanted @param {GalleryEntry[]} gallery @returns {Choices} */
export function choicesFor(wanted, gallery) {
  const {dataset, hidden, activation, residual, train, sample} = settingsOf(wanted);
  const stored = storedRun(wanted, gallery);
  return {
    dataset,
    hidden,
    activation,
    residual,
    own: null,
    run: stored?.id ?? null,
    train: stored ? null : train,
    sample: stored ? null : sample,
  };
}

/**
 * Find the run of the gallery that is this training and has its planes; the number of its frames does not matter.
 * @param {TourRun} wanted @param {GalleryEntry[]} gallery
 */
export function storedRun(wanted, gallery) {
  const {epochs, planes} = wanted;
  if (!planes) return undefined;
  const {dataset, hidden, activation, residual, train, sample} = settingsOf(wanted);
  const {optimizer, rate, batch, decay, seed} = train;
  return computedRuns(gallery).find(({outcome, config}) => {
    const {dataset: data, model, training, planes: cut = []} = /** @type {any} */ (config);
    return (
      outcome.status === 'completed' &&
      data.name === dataset &&
      data.points === sample.points &&
      (data.noise ?? sample.noise) === sample.noise &&
      data.seed === sample.seed &&
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

/** @param {TourRun} wanted */
function settingsOf({view}) {
  const usual = {residual: false, sample: {points: constants().defaults.points, noise: 0, seed: 0}};
  return /** @type {Choices & {train: Settings, sample: Sample}} */ ({...usual, ...readPatch(view)});
}
