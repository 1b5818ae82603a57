/** This module is the form with the settings of one side. Whoever changes some of them trains that side again, here. */
/** @import {Catalog, State} from '../../model/types.js' */
/** @import {Sample} from '../../model/settings.js' */
/** @import {NumberField} from '../../lib/number_field.js' */
/** @import {Side} from './link.js' */
import {canSkip} from '../../model/choice.js';
import {constants} from '../../model/constants.js';
import {numberBounds} from '../../model/settings.js';
import {readHidden, writeHidden} from '../../model/state.js';
import {canGenerate} from '../../compute/datasets/generate.js';
import {make, setText} from '../../lib/dom.js';
import {createNumberField} from '../../lib/number_field.js';
import {RATES} from './rates.js';
import {usualSample} from './settings.js';

/** @typedef {ReturnType<typeof import('./settings.js').settingsOf>} Chosen */

const BATCHES = ['full', '8', '16', '32', '64', '128'];
const WIDEST = 256;
const DEEPEST = 32;

/**
 * @param {HTMLFormElement} form @param {'a' | 'b'} name @param {Catalog} catalog
 * @param {{onTrain: (chosen: Chosen) => void, onCopy: () => void}} options `onCopy`: take the other side's settings
 */
export function createSettingsForm(form, name, catalog, {onTrain, onCopy}) {
  const fields = createFields(catalog);
  const {optimizer, rate, hidden} = fields;
  const own = name.toUpperCase();
  const other = name === 'a' ? 'B' : 'A';
  const best = make('button', {type: 'button', class: 'quiet best'});
  /** The side whose settings are shown. @type {Side | null} */
  let side = null;

  const offerBest = () => {
    const batch = fields.batch.value;
    const found = RATES[side?.dataset ?? '']?.[batch === '32' ? optimizer.value : `${optimizer.value} ${batch}`];
    best.hidden = found === undefined || found === rate.read();
    setText(best, `Best rate ${found}`);
    best.dataset.rate = String(found);
    best.title =
      'The learning rate with the lowest training loss after 200 epochs, for two layers of 16 tanh units ' +
      'on this dataset.';
  };
  best.addEventListener('click', () => {
    rate.write(Number(best.dataset.rate));
    offerBest();
    rate.input.focus();
  });
  const copy = make(
    'button',
    {type: 'button', title: `Fills in the settings of ${other}; nothing is trained yet.`},
    `Copy ${other}`,
  );
  copy.addEventListener('click', onCopy);
  const train = make(
    'button',
    {class: 'primary', title: `Trains ${own} with these settings in this page.`},
    `Train ${own}`,
  );
  form.append(make('div', {class: 'fields'}, ...fields.labels), make('div', {class: 'acts'}, train, copy, best));
  form.addEventListener('input', offerBest);
  form.addEventListener('change', () => {
    hidden.setCustomValidity(layersFault(hidden.value));
    fields.residual.disabled = !canSkip(readHidden(hidden.value) ?? []);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    hidden.setCustomValidity(layersFault(hidden.value));
    if (form.reportValidity() && side) onTrain(fields.read(side, catalog));
  });

  return {
    /** Fill in settings. @param {Side} shown @param {Chosen} chosen */
    fillIn(shown, chosen) {
      side = shown;
      fields.write(shown, chosen, catalog);
      hidden.setCustomValidity('');
      offerBest();
    },
  };
}

/** Say what is wrong with the widths of the layers; empty if nothing is. @param {string} text */
function layersFault(text) {
  const widths = readHidden(text.trim() || 'none');
  const isSound = widths && widths.length <= DEEPEST && widths.every((width) => width >= 1 && width <= WIDEST);
  return isSound ? '' : `Give up to ${DEEPEST} widths from 1 to ${WIDEST}, as in 16-16; or none.`;
}

/** Create the fields. @param {Catalog} catalog */
function createFields({activations}) {
  const bounds = numberBounds();
  const optionsOf = (/** @type {{name: string, title: string}[]} */ all) =>
    all.map(({name, title}) => make('option', {value: name}, title));
  const number = (/** @type {Parameters<typeof createNumberField>[1]} */ options) =>
    createNumberField(make('input', {class: 'number'}), options);
  const optimizer = make('select', {}, ...optionsOf(constants().optimizers));
  const batch = make(
    'select',
    {},
    ...BATCHES.map((size) => make('option', {value: size}, size === 'full' ? 'all points' : size)),
  );
  const activation = make('select', {}, ...optionsOf(activations));
  const hidden = make('input', {class: 'number', autocomplete: 'off', spellcheck: 'false'});
  const residual = make('input', {type: 'checkbox', role: 'switch'});
  const [rate, decay, seed] = [
    number(bounds.rate),
    number({least: 0, most: bounds.decay.most}),
    number({...bounds.seed, step: 1}),
  ];
  const [points, noise, data] = [
    number({...bounds.points, step: 10}),
    number({...bounds.noise, step: 0.05}),
    number({...bounds.seed, step: 1}),
  ];
  const epochs = number({...bounds.stop, step: 50});
  const ofSample = [
    field('Points', points.input, 'How many points are drawn; half of them are for testing.'),
    field('Noise', noise.input, 'How far the points scatter around their shape.'),
    field('Data seed', data.input, 'Draws other points of the same kind.'),
  ];
  const labels = [
    field('Optimizer', optimizer, 'The rule by which a step follows from the gradient.'),
    field('Learning rate', rate.input, 'The size of a step, η.'),
    field('Batch', batch, 'The number of points that one step uses.'),
    field('Weight decay', decay.input, 'How strongly weights are pulled towards zero, λ.'),
    field('Seed', seed.input, 'Draws the initial weights and the order of the points.'),
    field('Epochs', epochs.input, 'The epoch at which the training stops.'),
    field('Layers', hidden, 'The number of units of each hidden layer, as in 16-16; none: logistic regression.'),
    field('Activation', activation, 'The function of each hidden unit.'),
    field('Skips', residual, 'Residual skips add the input of a layer to its output, between layers of equal width.'),
    ...ofSample,
  ];
  const numberIn = (/** @type {NumberField} */ of) => Number(of.read());
  return {
    optimizer,
    rate,
    batch,
    hidden,
    residual,
    labels,
    /** Read the settings, which are sound. @param {Side} side @param {Catalog} catalog @returns {Chosen} */
    read(side, catalog) {
      const drawn = {points: numberIn(points), noise: numberIn(noise), seed: numberIn(data)};
      return {
        hidden: readHidden(hidden.value.trim() || 'none') ?? [],
        activation: activation.value,
        residual: residual.checked,
        train: {
          optimizer: optimizer.value,
          rate: numberIn(rate),
          batch: batch.value === 'full' ? 'full' : Number(batch.value),
          decay: numberIn(decay),
          seed: numberIn(seed),
        },
        sample: isDrawn(side) && !isEqual(drawn, usualSample(side, catalog)) ? drawn : null,
        epoch: numberIn(epochs),
      };
    },
    /** @param {Side} side @param {Chosen} chosen @param {Catalog} catalog */
    write(side, {train, sample, ...model}, catalog) {
      const size = String(train.batch);
      if (![...batch.options].some(({value}) => value === size)) batch.append(make('option', {value: size}, size));
      [optimizer.value, batch.value, activation.value] = [train.optimizer, size, model.activation];
      hidden.value = writeHidden(model.hidden);
      residual.checked = model.residual;
      residual.disabled = !canSkip(model.hidden);
      rate.write(train.rate);
      decay.write(train.decay);
      seed.write(train.seed);
      epochs.write(model.epoch);
      const drawn = sample ?? usualSample(side, catalog);
      points.write(drawn.points);
      noise.write(drawn.noise);
      data.write(drawn.seed);
      for (const label of ofSample) label.hidden = !isDrawn(side);
      // A field that is not shown must not block the form.
      for (const each of [points, noise, data]) each.input.disabled = !isDrawn(side);
    },
  };
}

/** Are the points of a side drawn at random? @param {Pick<State, 'own' | 'dataset'>} side */
const isDrawn = ({own, dataset}) => own === null && canGenerate(dataset);

/** @param {Sample} a @param {Sample} b */
const isEqual = (a, b) => a.points === b.points && a.noise === b.noise && a.seed === b.seed;

/** @param {string} name @param {HTMLElement} input @param {string} title */
function field(name, input, title) {
  const kind = input.getAttribute('type') === 'checkbox' ? 'field check' : 'field';
  return make('label', {class: kind, title}, make('span', {}, name), input);
}
