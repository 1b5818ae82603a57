/**
 * This view draws the left panel: depth × width, the small networks beside them, the activation, skip connections, and
 * other trainings of the same model.
 */
/** @import {Catalog, GalleryEntry, State} from '../model/types.js' */
import {
  findCandidates,
  canSkip,
  computedRuns,
  DEPTHS,
  findImpliedRun,
  findTarget,
  SMALL,
  trainingLabels,
  WIDTHS,
} from '../model/choice.js';
import {byId, make} from '../lib/dom.js';
import {readHidden, sizeText, writeHidden} from '../model/state.js';

const SKIPS =
  'A hidden layer adds its input to its output, if the layer below has the same width: h ← activation(W h + b) + h.';
const NO_SKIPS = 'A skip connection needs two successive hidden layers of equal width.';

/** @param {{catalog: Catalog, choose: (patch: Partial<State>) => void}} options */
export function createModel(options) {
  const form = byId('model');
  const sizes = createSizes(form, options);
  const activation = createActivation(options);
  const residual = createResidual(options);
  const training = createTraining(options);
  form.append(...sizes.fields, activation.field, residual.field, training.field);
  form.addEventListener('submit', (event) => event.preventDefault());
  const parts = [sizes, activation, residual, training];
  return {
    /** @param {GalleryEntry[]} gallery @param {State} state */
    draw(gallery, state) {
      for (const part of parts) part.draw(gallery, state);
    },
  };
}

/** @typedef {{catalog: Catalog, choose: (patch: Partial<State>) => void}} Options */

/**
 * Create the choice of sizes: the grid of depth × width, the small networks, and the sizes that were computed from the
 * command line.
 * @param {HTMLElement} form
 * @param {Options} options
 */
function createSizes(form, {catalog, choose}) {
  const others = make('fieldset', {class: 'chips', hidden: true});
  form.addEventListener('change', (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.name === 'hidden') choose({hidden: readHidden(input.value), run: null});
  });

  /** @param {GalleryEntry[]} gallery @param {State} state */
  const drawOthers = (gallery, state) => {
    const offered = new Set([...SMALL, ...DEPTHS.flatMap((d) => WIDTHS.map((w) => Array(d).fill(w)))].map(writeHidden));
    const all = [...computedRuns(gallery).map((entry) => writeHidden(entry.model.hidden)), writeHidden(state.hidden)];
    const extra = new Set(all.filter((size) => !offered.has(size)));
    const names = [...extra].join(' ');
    if (others.dataset.names === names) return;
    others.dataset.names = names;
    others.hidden = extra.size === 0;
    others.replaceChildren(
      make('legend', {}, 'Also here'),
      ...[...extra].map((size) => {
        const text = sizeText(/** @type {number[]} */ (readHidden(size)));
        return createChoice(size, text, text, layersOf(size));
      }),
    );
  };

  return {
    fields: [gridField(), smallField(), others],
    /** @param {GalleryEntry[]} gallery @param {State} state */
    draw(gallery, state) {
      drawOthers(gallery, state);
      for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll('input[name=hidden]'))) {
        const hidden = /** @type {number[]} */ (readHidden(input.value));
        input.checked = input.value === writeHidden(state.hidden);
        markAvailability(input, isAvailable(gallery, catalog, {...state, hidden}), catalog);
      }
    },
  };
}

/** @param {Options} options */
function createActivation({catalog, choose}) {
  const menu = make(
    'select',
    {id: 'activation', 'aria-label': 'Activation'},
    ...catalog.activations.map(({name, title}) => make('option', {value: name}, title)),
  );
  menu.addEventListener('change', () => choose({activation: menu.value, run: null}));
  return {
    field: make('label', {class: 'field'}, 'Activation', menu),
    /** @param {GalleryEntry[]} gallery @param {State} state */
    draw(gallery, state) {
      for (const option of menu.options) {
        const recorded = isAvailable(gallery, catalog, {...state, activation: option.value});
        const title = catalog.activations.find(({name}) => name === option.value)?.title;
        option.textContent = `${title}${recorded ? '' : ' (trained here)'}`;
      }
      menu.value = state.activation;
    },
  };
}

/** @param {Options} options */
function createResidual({catalog, choose}) {
  const input = make('input', {type: 'checkbox', role: 'switch', id: 'residual', 'aria-label': 'Residual skips'});
  const field = make('label', {class: 'check', 'data-title': SKIPS}, input, ' Residual skips');
  input.addEventListener('change', () => choose({residual: input.checked, run: null}));
  return {
    field,
    /** @param {GalleryEntry[]} gallery @param {State} state */
    draw(gallery, state) {
      const able = canSkip(state.hidden);
      input.checked = able && state.residual;
      input.disabled = !able;
      markAvailability(input, isAvailable(gallery, catalog, {...state, residual: !state.residual}), catalog);
      if (!able) field.title = NO_SKIPS;
    },
  };
}

/** Create the menu of other trainings of the same model on the same data. @param {Options} options */
function createTraining({catalog, choose}) {
  const menu = make('select', {id: 'training', 'aria-label': 'Training'});
  const field = make('label', {class: 'field', hidden: true}, 'Training', menu);
  menu.addEventListener('change', () => choose({run: menu.value === menu.dataset.implied ? null : menu.value}));
  return {
    field,
    /** @param {GalleryEntry[]} gallery @param {State} state */
    draw(gallery, state) {
      const runs = findCandidates(gallery, state);
      const labels = trainingLabels(runs);
      const implied = findImpliedRun(gallery, catalog, state)?.id ?? '';
      const computed = catalog.compute && implied === '' ? [make('option', {value: ''}, 'default')] : [];
      menu.dataset.implied = implied;
      field.hidden = computed.length + runs.length < 2;
      menu.replaceChildren(...computed, ...runs.map(({id}, i) => make('option', {value: id}, labels[i])));
      menu.value = runs.some(({id}) => id === state.run) ? String(state.run) : implied;
    },
  };
}

/**
 * Does the gallery have a run of this choice, or can a server compute one? If not, the page trains it; while the page
 * trains, it trains every choice.
 * @param {GalleryEntry[]} gallery
 * @param {Catalog} catalog
 * @param {State} state
 */
export function isAvailable(gallery, catalog, state) {
  return state.train !== null || findTarget(gallery, catalog, {...state, run: null}).kind !== 'unavailable';
}

/**
 * Mark a choice that the gallery lacks: it can be chosen as well, and its tooltip says what happens then.
 * @param {HTMLInputElement} input @param {boolean} recorded @param {Catalog} catalog
 */
export function markAvailability(input, recorded, catalog) {
  input.dataset.recorded = String(recorded);
  const label = /** @type {HTMLElement} */ (input.closest('label'));
  const own = label.dataset.title ?? '';
  const why = catalog.read_only ? 'This server only shows stored runs' : 'It is not in this gallery';
  label.title = recorded ? own : `${own} ${why}, so it is trained in your browser.`.trim();
}

function gridField() {
  const head = make('tr', {}, make('td'), ...WIDTHS.map((width) => make('th', {scope: 'col'}, String(width))));
  const rows = DEPTHS.map((depth) =>
    make(
      'tr',
      {},
      make('th', {scope: 'row'}, String(depth)),
      ...WIDTHS.map((width) =>
        make('td', {}, createChoice(writeHidden(Array(depth).fill(width)), '', ...describeSize(depth, width))),
      ),
    ),
  );
  return make(
    'fieldset',
    {class: 'grid'},
    make('legend', {}, 'Depth × width'),
    make('table', {role: 'presentation'}, make('thead', {}, head), make('tbody', {}, ...rows)),
  );
}

function smallField() {
  return make(
    'fieldset',
    {class: 'chips'},
    make('legend', {}, 'Small'),
    ...SMALL.map((hidden) => {
      const size = writeHidden(hidden);
      const text = hidden.length === 1 ? size : sizeText(hidden);
      return createChoice(
        size,
        text,
        size === 'none' ? 'No hidden layer: logistic regression' : `Hidden ${text}`,
        size === 'none' ? 'A network without a hidden layer, which is logistic regression.' : layersOf(size),
      );
    }),
  );
}

/**
 * Return the name of a size in the grid, and a sentence about it.
 * @param {number} depth @param {number} width @returns {[string, string]}
 */
function describeSize(depth, width) {
  const layers = `${depth} hidden ${depth > 1 ? 'layers' : 'layer'} of ${width}`;
  return [layers, `A network of ${layers} units${depth > 1 ? ' each' : ''}.`];
}

/** @param {string} size */
function layersOf(size) {
  const widths = size.split('-');
  return (
    `A network of ${widths.length} hidden ${widths.length > 1 ? 'layers' : 'layer'}, of ` +
    `${widths.join(', ').replace(/, (?=[^,]*$)/, ' and ')} units.`
  );
}

/**
 * Create a radio button that looks like a button.
 * @param {string} value
 * @param {string} text
 * @param {string} name
 * @param {string} title a sentence for the tooltip
 */
function createChoice(value, text, name, title) {
  return make(
    'label',
    {class: 'chip', 'data-title': title, title},
    make('input', {type: 'radio', name: 'hidden', value, 'aria-label': name}),
    make('span', {}, text),
  );
}
