/** The strip above the playback where a training in the page is set, started and watched. */
/** @import {Catalog, State} from '../../model/types.js' */
/** @import {Sample, Settings} from '../../model/settings.js' */
/** @import {News} from './training.js' */
import {byId, make, say} from '../../lib/dom.js';
import {OPTIMIZERS as UPDATES} from '../../compute/engine/optimizers.js';
import {canGenerate, SOURCES} from '../../compute/datasets/generate.js';
import {BOUNDS, isWithin, OPTIMIZERS} from '../../model/settings.js';
import {WATCHABLE} from './pacing.js';

const BATCHES = ['full', '8', '16', '32', '64', '128'];
const PACES = [
  ['2', '2 epochs/s'],
  ['10', '10 epochs/s'],
  ['30', '30 epochs/s'],
  ['100', '100 epochs/s'],
  ['300', '300 epochs/s'],
  ['Infinity', 'full speed'],
];
/** As generate.js has it. */
const USUAL_POINTS = 512;
/** Milliseconds over which the pace is taken. */
const PACE_TIME = 1000;

/**
 * @param {object} options
 * @param {(settings: Settings) => void} options.onBegin
 * @param {() => void} options.onStart
 * @param {() => void} options.onPause
 * @param {() => void} options.onStep
 * @param {(rate: number) => void} options.onPace
 * @param {(wanted: {stop: number | null, pauses: boolean}) => void} options.onRest
 * @param {(patch: Partial<State>) => void} options.choose
 */
export function createPanel({onBegin, onStart, onPause, onStep, onPace, onRest, choose}) {
  const root = byId('workshop');
  const optimizer = make('select', {}, ...OPTIMIZERS.map((name) => make('option', {value: name}, UPDATES[name].title)));
  const rate = number({min: BOUNDS.rate.least, max: BOUNDS.rate.most, step: 'any'});
  const batch = make(
    'select',
    {},
    ...BATCHES.map((size) => make('option', {value: size}, size === 'full' ? 'all points' : size)),
  );
  const decay = number({min: 0, max: BOUNDS.decay.most, step: 'any'});
  const points = number({min: BOUNDS.points.least, max: BOUNDS.points.most, step: 1});
  const noise = number({min: 0, max: BOUNDS.noise.most, step: 0.01});
  const drawn = number({min: 0, max: BOUNDS.seed.most, step: 1});
  const pace = make('select', {}, ...PACES.map(([value, text]) => make('option', {value}, text)));
  pace.value = String(WATCHABLE);
  const go = make(
    'button',
    {type: 'button', class: 'primary go', title: 'Trains with these settings, or lets the training rest.'},
    'Start',
  );
  const step = button('Step', 'Train for one epoch.');
  const stop = button('Stop', 'End this training; its epochs can still be looked at.');
  const same = button(
    'Same start, new settings',
    'Train again from the very same initial parameters, with the settings on the left.',
  );
  const anew = button('New start', 'Draw other initial parameters, and train from them.');
  const state = make('span', {class: 'pace', title: 'How far this training is, and how fast.'});
  const word = make('p', {class: 'word', role: 'status'});
  const remedy = make('button', {
    type: 'button',
    hidden: true,
    title: 'Trains again from the same start with a tenth of the learning rate.',
  });
  const sampleFields = [
    field('Points', points, 'How many points are drawn; half of them are for testing.'),
    field('Noise', noise, 'How far points stray from their shape.'),
    field('Data seed', drawn, 'Other points of the same kind.'),
  ];
  root.append(
    make(
      'div',
      {class: 'go-row'},
      make('div', {class: 'go-buttons'}, state, go, step, stop),
      field('Pace', pace, 'How fast it trains, so that one can watch.'),
      ...restFields(onRest),
    ),
    make(
      'div',
      {class: 'fields'},
      field('Optimizer', optimizer, 'The rule by which a step follows from the gradient.'),
      field('Learning rate', rate, 'The size of a step, η.'),
      field('Batch', batch, 'Points that one step looks at.'),
      field('Weight decay', decay, 'How strongly large weights are drawn to zero, λ.'),
      ...sampleFields,
    ),
    make('div', {class: 'again'}, same, anew),
    make('div', {class: 'said'}, word, remedy),
  );

  /** @type {Settings | null} */
  let settings = null;
  let status = 'ready';
  /** @type {{at: number, epoch: number}[]} */
  let marks = [];

  /** The training told of last, and the one that was stopped. @type {import('./trained_run.js').TrainedRun | null} */
  let latest = null;
  /** @type {import('./trained_run.js').TrainedRun | null} */
  let ended = null;

  /** @returns {Settings | null} as the fields have it; null, and said, where one is out of bounds */
  const typed = () => {
    if (![rate, decay].every((input) => input.reportValidity())) return null;
    return {
      optimizer: optimizer.value,
      rate: Number(rate.value),
      decay: Number(decay.value),
      seed: settings?.seed ?? 0,
      batch: batch.value === 'full' ? 'full' : Number(batch.value),
    };
  };
  const begin = (/** @type {number} */ more) => {
    const wanted = typed();
    if (wanted) onBegin({...wanted, seed: wanted.seed + more});
  };
  go.addEventListener('click', () => {
    if (status === 'training') onPause();
    else if (status === 'ready' || status === 'stopped' || status === 'diverged') begin(0);
    else onStart();
  });
  step.addEventListener('click', onStep);
  stop.addEventListener('click', () => {
    onPause();
    ended = latest; // news of it may still be on its way
    show('stopped');
  });
  same.addEventListener('click', () => begin(0));
  anew.addEventListener('click', () => begin(1));
  pace.addEventListener('change', () => onPace(Number(pace.value)));
  remedy.addEventListener('click', () => {
    rate.value = String(Number((Number(rate.value) / 10).toPrecision(3)));
    begin(0);
  });
  for (const input of [points, noise, drawn]) {
    input.addEventListener('change', () => {
      /** @type {Sample} */
      const sample = {points: Number(points.value), noise: Number(noise.value), seed: Number(drawn.value)};
      const sound =
        isWithin(sample.points, BOUNDS.points) &&
        isWithin(sample.noise, BOUNDS.noise) &&
        isWithin(sample.seed, BOUNDS.seed);
      if (sound) choose({sample, epoch: null});
      else input.reportValidity();
    });
  }

  /** @param {string} now */
  const show = (now) => {
    status = now;
    say(go, now === 'training' ? 'Pause' : now === 'paused' || now === 'finished' ? 'Continue' : 'Start');
    step.disabled = now === 'training' || now === 'diverged' || now === 'stopped';
    stop.disabled = now !== 'training' && now !== 'paused';
  };

  /** @param {number} epoch */
  const paceText = (epoch) => {
    const at = performance.now();
    marks.push({at, epoch});
    marks = marks.filter((mark) => at - mark.at < PACE_TIME || mark === marks.at(-1));
    const [first] = marks;
    const rate_ = at - first.at > PACE_TIME / 4 ? (1000 * (epoch - first.epoch)) / (at - first.at) : 0;
    return status === 'training' && rate_ > 0 ? `epoch ${epoch} · ${Math.round(rate_)} epochs/s` : `epoch ${epoch}`;
  };

  return {
    /** @param {State} now @param {Catalog} catalog */
    draw(now, catalog) {
      root.hidden = false;
      settings = now.train;
      if (!settings) return;
      optimizer.value = settings.optimizer;
      rate.value = String(settings.rate);
      const size = String(settings.batch);
      if (!BATCHES.includes(size) && ![...batch.options].some(({value}) => value === size))
        batch.append(make('option', {value: size}, size));
      batch.value = size;
      decay.value = String(settings.decay);
      const usual = /** @type {any} */ (catalog.datasets.find(({name}) => name === now.dataset)?.config ?? {});
      points.value = String(now.sample?.points ?? usual.points ?? USUAL_POINTS);
      noise.value = String(
        now.sample?.noise ?? usual.noise ?? SOURCES.find(({name}) => name === now.dataset)?.noise ?? 0,
      );
      drawn.value = String(now.sample?.seed ?? usual.seed ?? 0);
      for (const each of sampleFields) each.hidden = now.own !== null || !canGenerate(now.dataset);
      marks = [];
      say(word, '');
      remedy.hidden = true;
    },
    /** @param {News} news */
    tell({run, status: now, message, advice}) {
      latest = run;
      if (run !== ended) show(now);
      if (now !== 'training') marks = [];
      say(state, paceText(run.frames.at(-1) ?? 0));
      say(word, [message, advice].filter(Boolean).join(' '));
      remedy.hidden = now !== 'diverged';
      if (!remedy.hidden) say(remedy, `Try ${Number((Number(rate.value) / 10).toPrecision(3))}`);
    },
    hide() {
      root.hidden = true;
    },
  };
}

/** Where the training is to rest of itself. @param {(wanted: {stop: number | null, pauses: boolean}) => void} onRest */
function restFields(onRest) {
  const stop = number({min: BOUNDS.stop.least, max: BOUNDS.stop.most, step: 1, required: false, placeholder: 'none'});
  const pauses = make('input', {type: 'checkbox', role: 'switch', checked: true});
  for (const input of [stop, pauses]) {
    input.addEventListener('change', () => {
      if (stop.reportValidity()) onRest({stop: stop.value === '' ? null : Number(stop.value), pauses: pauses.checked});
    });
  }
  return [
    field('Stop at epoch', stop, 'The epoch at which the training stops. Left empty, it goes on until you pause it.'),
    make(
      'label',
      {
        class: 'field check',
        title:
          'Pauses the training where the loss has hardly changed for a quarter of its epochs, and for 200 at least.',
      },
      make('span', {}, 'Pause when flat'),
      pauses,
    ),
  ];
}

/** @param {Record<string, string | number | boolean>} attributes */
const number = (attributes) => make('input', {type: 'number', required: true, ...attributes});

/** @param {string} name @param {string} title */
const button = (name, title) => make('button', {type: 'button', title}, name);

/** @param {string} name @param {HTMLElement} input @param {string} title */
function field(name, input, title) {
  return make('label', {class: 'field', title}, make('span', {}, name), input);
}
