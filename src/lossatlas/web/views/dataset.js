/**
 * This view draws the right panel: one option for each dataset, with a picture of its real points, and the button for
 * own data.
 */
/** @import {Catalog, CatalogDataset, GalleryEntry, State} from '../model/types.js' */
/** @import {Own} from '../compute/datasets/own.js' */
import {byId, make, makeSvg, setText} from '../lib/dom.js';
import {writeCss, choosePointColour} from '../figures/colours.js';
import {glyph} from '../figures/glyphs.js';
import {createLazy, reasonOf} from '../lib/lazy.js';
import {isAvailable, markAvailability} from './model.js';

/**
 * @param {object} options
 * @param {Catalog} options.catalog
 * @param {(patch: Partial<State>) => void} options.choose
 * @param {(own: Own) => void} [options.onOwn] a person has made a dataset; without this function there is no button for
 *   own data
 * @param {() => Promise<Own | null>} [options.start] returns the dataset that the editor starts with
 * @param {(text: string, detail: string) => void} [options.onFailed]
 */
export function createDataset({catalog, choose, onOwn, start = async () => null, onFailed = () => {}}) {
  const form = byId('dataset');
  form.append(
    make(
      'fieldset',
      {class: 'cards'},
      make('legend', {class: 'hidden'}, 'Dataset'),
      ...catalog.datasets.map(createCard),
    ),
  );
  const own = onOwn ? createOwnButton(async () => ({start: await start(), onUse: onOwn}), onFailed) : null;
  if (own) form.append(own);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('change', (event) =>
    choose({dataset: /** @type {HTMLInputElement} */ (event.target).value, run: null, own: null}),
  );

  return {
    /** @param {GalleryEntry[]} gallery @param {State} state @param {boolean} [isOther] is no dataset shown at all? */
    draw(gallery, state, isOther = false) {
      own?.classList.toggle('chosen', state.own !== null);
      for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll('input[name=dataset]'))) {
        input.checked = input.value === state.dataset && state.own === null && !isOther;
        markAvailability(input, isAvailable(gallery, catalog, {...state, dataset: input.value, own: null}), catalog);
      }
    },
  };
}

/**
 * Create the button for own data. The editor is fetched when it is first used.
 * @param {() => Promise<Parameters<typeof import('../features/datasets/editor.js').openEditor>[0]>} options
 * @param {(text: string, detail: string) => void} onFailed
 */
function createOwnButton(options, onFailed) {
  const editor = createLazy({
    // The module that keeps the data is loaded now, so that a drawing can be used even if the server disappears.
    load: () => Promise.all([import('../features/datasets/editor.js'), import('../compute/datasets/kept.js')]),
    create: ([{openEditor}]) => openEditor,
    styles: ['features/datasets/editor.css'],
  });
  const name = 'Your own data…';
  const button = make(
    'button',
    {type: 'button', 'aria-haspopup': 'dialog', title: 'Draw points, or open a table, and train on them here.'},
    name,
  );
  button.addEventListener('click', async () => {
    try {
      const openEditor = await editor.request();
      openEditor(await options());
      setText(button, name);
    } catch (error) {
      setText(button, 'Not loaded: try again');
      onFailed('The editor could not be loaded', reasonOf(error));
    }
  });
  return button;
}

/** @param {CatalogDataset} dataset */
function createCard({name, title, summary, thumbnail}) {
  return make(
    'label',
    {class: 'card', 'data-title': summary, title: summary},
    make('input', {type: 'radio', name: 'dataset', value: name, 'aria-label': title}),
    drawPicture(thumbnail),
    make('span', {}, title),
  );
}

/**
 * Draw the points as one path for each class: a thousand elements would take a tenth of a second.
 * @param {CatalogDataset['thumbnail']} points
 */
function drawPicture({x, y, label}) {
  const [px, py] = [createScale(x, 3, 61), createScale(y, 41, 3)];
  return makeSvg(
    'svg',
    {viewBox: '0 0 64 44', 'aria-hidden': 'true'},
    ...[...new Set(label)].map((k) =>
      makeSvg('path', {
        d: label.map((own, i) => (own === k ? glyph(k, 1.35, px(x[i]), py(y[i])) : '')).join(''),
        fill: writeCss(choosePointColour(k, false)),
      }),
    ),
  );
}

/** @param {number[]} values @param {number} from @param {number} to */
function createScale(values, from, to) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return (/** @type {number} */ value) => from + ((value - low) / (high - low || 1)) * (to - from);
}
