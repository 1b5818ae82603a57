/** This module creates the parts of the training strip: fields and buttons. It does not know what they do. */
import {make} from '../../lib/dom.js';
import {createNumberField} from '../../lib/number_field.js';
import {constants} from '../../model/constants.js';
import {numberBounds} from '../../model/settings.js';
import {WATCHABLE} from './pacing.js';

export const BATCHES = ['full', '8', '16', '32', '64', '128'];
const PACES = [
  ['2', '2 epochs/s'],
  ['10', '10 epochs/s'],
  ['30', '30 epochs/s'],
  ['100', '100 epochs/s'],
  ['300', '300 epochs/s'],
  ['Infinity', 'full speed'],
];

/** @param {HTMLElement} root @param {(wanted: {stop: number | null, pauses: boolean}) => void} onRest */
export function createParts(root, onRest) {
  const training = createTrainingFields();
  const sample = createSampleFields();
  const buttons = createButtons();
  const pace = make('select', {}, ...PACES.map(([value, text]) => make('option', {value}, text)));
  pace.value = String(WATCHABLE);
  const progress = make('span', {class: 'pace', title: 'How far this training is, and how fast.'});
  const message = make('p', {class: 'word', role: 'status'});
  const {go, step, stop, same, anew, remedy} = buttons;
  const sampleFields = [
    field('Points', sample.points.input, 'How many points are drawn; half of them are for testing.'),
    field('Noise', sample.noise.input, 'How far the points scatter around their shape.'),
    field('Data seed', sample.drawn.input, 'Draws other points of the same kind.'),
  ];
  root.append(
    make(
      'div',
      {class: 'go-row'},
      make('div', {class: 'go-buttons'}, progress, go, step, stop),
      field('Pace', pace, 'The speed of the training: slow enough to watch, or faster.'),
      ...restFields(onRest),
    ),
    make(
      'div',
      {class: 'fields'},
      field('Optimizer', training.optimizer, 'The rule by which a step follows from the gradient.'),
      field('Learning rate', training.rate.input, 'The size of a step, η.'),
      field('Batch', training.batch, 'The number of points that one step uses.'),
      field('Weight decay', training.decay.input, 'How strongly weights are pulled towards zero, λ.'),
      ...sampleFields,
    ),
    make('div', {class: 'again'}, same, anew),
    make('div', {class: 'said'}, message, remedy),
  );
  return {...training, ...sample, ...buttons, pace, progress, message, sampleFields};
}

function createTrainingFields() {
  const bounds = numberBounds();
  return {
    optimizer: make(
      'select',
      {},
      ...constants().optimizers.map(({name, title}) => make('option', {value: name}, title)),
    ),
    rate: number(bounds.rate),
    batch: make(
      'select',
      {},
      ...BATCHES.map((size) => make('option', {value: size}, size === 'full' ? 'all points' : size)),
    ),
    decay: number({least: 0, most: bounds.decay.most}),
  };
}

function createSampleFields() {
  const bounds = numberBounds();
  return {
    points: number({...bounds.points, step: 1}),
    noise: number({...bounds.noise, step: 0.01}),
    drawn: number({...bounds.seed, step: 1}),
  };
}

function createButtons() {
  const go = make(
    'button',
    {type: 'button', class: 'primary go', title: 'Trains with these settings, or pauses the training.'},
    'Start',
  );
  const same = button(
    'Same start, new settings',
    'Train again from the same initial parameters, with the settings on the left.',
  );
  const remedy = make('button', {
    type: 'button',
    hidden: true,
    title: 'Trains again from the same start with a tenth of the learning rate.',
  });
  return {
    go,
    step: button('Step', 'Train for one epoch.'),
    stop: button('Stop', 'End this training; its epochs can still be looked at.'),
    same,
    anew: button('New start', 'Draw other initial parameters, and train from them.'),
    remedy,
  };
}

/**
 * Create the fields that say where the training pauses by itself.
 * @param {(wanted: {stop: number | null, pauses: boolean}) => void} onRest
 */
function restFields(onRest) {
  const bounds = numberBounds().stop;
  const stop = number({...bounds, step: 1, empty: true});
  const pauses = make('input', {type: 'checkbox', role: 'switch', checked: true});
  stop.input.placeholder = 'none';
  for (const input of [stop.input, pauses]) {
    input.addEventListener('change', () => {
      if (stop.report()) onRest({stop: stop.read(), pauses: pauses.checked});
    });
  }
  return [
    field(
      'Stop at epoch',
      stop.input,
      'The epoch at which the training stops. If it is empty, training continues until you pause it.',
    ),
    make(
      'label',
      {
        class: 'field check',
        title:
          'Pauses the training when the loss has hardly changed for a quarter of its epochs, and for at least 200.',
      },
      make('span', {}, 'Pause when flat'),
      pauses,
    ),
  ];
}

/** @param {Parameters<typeof createNumberField>[1]} options */
const number = (options) => createNumberField(make('input', {class: 'number'}), options);

/** @param {string} name @param {string} title */
const button = (name, title) => make('button', {type: 'button', title}, name);

/** @param {string} name @param {HTMLElement} input @param {string} title */
function field(name, input, title) {
  return make('label', {class: 'field', title}, make('span', {}, name), input);
}
