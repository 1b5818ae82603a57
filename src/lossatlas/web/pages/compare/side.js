/** This module is one of the two runs: its frame, the choice of another run, and its numbers at the cursor. */
/** @import {Eye, GalleryEntry, State} from '../../model/types.js' */
/** @import {LossRange} from '../../figures/range.js' */
/** @import {Run} from '../../model/run.js' */
/** @import {Bare} from '../atlas/embedded.js' */
import {trainingLabels} from '../../model/choice.js';
import {byId, make, setText} from '../../lib/dom.js';
import {lossText, percentText} from '../../lib/numbers.js';

/** @typedef {ReturnType<typeof createSide>} SideView */

/**
 * @param {'a' | 'b'} name
 * @param {object} options
 * @param {(state: Readonly<State>) => void} options.onState
 * @param {(camera: Eye) => void} options.onTurning
 * @param {() => void} options.onDrawn
 * @param {(range: LossRange) => void} options.onRange
 * @param {(key: string) => void} options.onKey
 * @param {() => void} options.onArrival the page in the frame has loaded
 * @param {(id: string) => void} options.onChoice another run of the gallery is chosen
 */
export function createSide(name, {onChoice, onArrival, ...conductor}) {
  const frame = byId(`frame-${name}`);
  const select = /** @type {HTMLSelectElement} */ (byId(`run-${name}`));
  const cells = new Map(
    ['epoch', 'train_loss', 'test_loss', 'test_accuracy', 'ended'].map((key) => [
      key,
      /** @type {HTMLElement} */ (byId(`${name}-${key}`)),
    ]),
  );
  const cell = (/** @type {string} */ key) => /** @type {HTMLElement} */ (cells.get(key));
  /** @type {Bare | null} */
  let api = null;
  select.addEventListener('change', () => onChoice(select.value));

  return {
    name,
    get api() {
      return api;
    },
    get run() {
      return api?.run() ?? null;
    },
    get shot() {
      return api?.shown() ?? null;
    },
    /**
     * Load the page again: another address in the same frame would add an entry to the browser's history.
     * @param {string} query
     */
    load(query) {
      api = null;
      const page = make('iframe', {
        src: `index.html${query}`,
        title: `Run ${name.toUpperCase()}: loss landscape and decision boundary`,
      });
      page.addEventListener('lossatlas:bare', (event) => {
        api = /** @type {CustomEvent} */ (event).detail;
        onArrival();
        api?.listen(conductor);
      });
      frame.replaceChildren(page);
    },
    /**
     * Offer the runs to choose from.
     * @param {GalleryEntry[]} gallery @param {string | null} id the run that is shown, if it is one of them
     * @param {string} title the title of what is shown otherwise
     */
    offerRuns(gallery, id, title) {
      const other = id === null ? [make('option', {value: ''}, title)] : [];
      select.replaceChildren(...other, ...optionsOf(gallery));
      select.value = id ?? '';
      select.title = select.selectedOptions[0]?.textContent ?? '';
    },
    /** Draw the numbers. @param {number} cursor epoch */
    draw(cursor) {
      const shot = api?.shown();
      if (!shot) return;
      const {run, frame: at} = shot;
      setText(cell('epoch'), String(run.frames[at]));
      for (const key of /** @type {const} */ (['train_loss', 'test_loss', 'test_accuracy'])) {
        const value = run.metrics[key][at];
        setText(cell(key), key === 'test_accuracy' ? percentText(value) : lossText(value));
        cell(key).dataset.value = String(value);
      }
      setText(cell('ended'), endOf(run, cursor));
    },
  };
}

/**
 * Sort the runs of a gallery by dataset; runs of one title are distinguished by how they were trained.
 * @param {GalleryEntry[]} gallery
 */
function optionsOf(gallery) {
  const labels = new Map(
    groups(gallery, (entry) => entry.title).flatMap(([title, alike]) =>
      trainingLabels(alike).map((label, i) => [alike[i].id, alike.length === 1 ? title : `${title} · ${label}`]),
    ),
  );
  return groups(gallery, (entry) => entry.dataset.title).map(([dataset, entries]) =>
    make(
      'optgroup',
      {label: dataset},
      ...entries.map((entry) => make('option', {value: entry.id}, labels.get(entry.id) ?? entry.title)),
    ),
  );
}

/** Say how a run has ended, if the cursor is at its end or beyond. @param {Run} run @param {number} cursor epoch */
function endOf(run, cursor) {
  const last = run.frames.at(-1) ?? 0;
  if (run.isTraining) return 'training…';
  if (run.outcome.status === 'diverged' && cursor >= last) return 'diverged';
  return cursor > last ? `ended at ${last}` : '';
}

/** @param {GalleryEntry[]} gallery @param {(entry: GalleryEntry) => string} by @returns {[string, GalleryEntry[]][]} */
function groups(gallery, by) {
  return [...new Set(gallery.map(by))].map((name) => [name, gallery.filter((entry) => by(entry) === name)]);
}
