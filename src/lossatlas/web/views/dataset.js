/** The right panel: one option a dataset, with a picture of its real points. */
/** @import {Catalog, CatalogDataset, GalleryEntry, State} from '../types.js' */
import {resolve} from '../choice.js';
import {byId, make, makeSvg} from '../dom.js';
import {css, pointColour} from '../figures/colours.js';
import {glyph} from '../figures/glyphs.js';
import {markAvailable} from './model.js';

/** @param {{catalog: Catalog, choose: (patch: Partial<State>) => void}} options */
export function createDataset({catalog, choose}) {
  const form = byId('dataset');
  form.append(make('fieldset', {class: 'cards'}, make('legend', {class: 'hidden'}, 'Dataset'), ...catalog.datasets.map(card)));
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('change', (event) => choose({dataset: /** @type {HTMLInputElement} */ (event.target).value, run: null}));

  return {
    /** @param {GalleryEntry[]} gallery @param {State} state */
    draw(gallery, state) {
      for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll('input[name=dataset]'))) {
        input.checked = input.value === state.dataset;
        markAvailable(input, resolve(gallery, catalog, {...state, dataset: input.value, run: null}).kind !== 'unavailable');
      }
    },
  };
}

/** @param {CatalogDataset} dataset */
function card({name, title, summary, thumbnail}) {
  return make('label', {class: 'card', 'data-title': summary, title: summary},
    make('input', {type: 'radio', name: 'dataset', value: name, 'aria-label': title}),
    picture(thumbnail),
    make('span', {}, title));
}

/** One path a class: a thousand elements would take a tenth of a second. @param {CatalogDataset['thumbnail']} points */
function picture({x, y, label}) {
  const [px, py] = [scaler(x, 3, 61), scaler(y, 41, 3)];
  return makeSvg('svg', {viewBox: '0 0 64 44', 'aria-hidden': 'true'}, ...[...new Set(label)].map((k) => makeSvg('path', {
    d: label.map((own, i) => (own === k ? glyph(k, 1.35, px(x[i]), py(y[i])) : '')).join(''), fill: css(pointColour(k, false)),
  })));
}

/** @param {number[]} values @param {number} from @param {number} to */
function scaler(values, from, to) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return (/** @type {number} */ value) => from + ((value - low) / (high - low || 1)) * (to - from);
}
