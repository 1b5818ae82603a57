/**
 * This view shows recorded runs, which are people's own trainings: a card that describes the run that is shown, in
 * place of the choices of the left panel, and a list of all recorded runs in the right panel. It is loaded if the
 * gallery has such runs.
 */
/** @import {GalleryEntry, State} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
import {findRecorded, recordedRuns} from '../model/choice.js';
import {joinKey} from '../model/keys.js';
import {byId, make} from '../lib/dom.js';
import {countText, lossText} from '../lib/numbers.js';

const NO_TRAINING =
  'This run was recorded from a training outside the page, which cannot continue here. Choose a dataset to train here.';

/** @param {{choose: (patch: Partial<State>) => void}} options */
export function createRecorded({choose}) {
  const card = make('dl', {class: 'recorded-card', id: 'recorded-card', hidden: true});
  byId('model').before(card);
  const panel = /** @type {HTMLElement} */ (card.parentElement);
  const list = make('nav', {class: 'recorded-runs', id: 'recorded-runs', 'aria-label': 'Recorded runs', hidden: true});
  byId('dataset').after(list);
  const train = /** @type {HTMLButtonElement} */ (byId('train-here'));
  const usual = train.title;
  let drawn = '';

  return {
    /** @param {GalleryEntry[]} gallery @param {State} state @param {Run | null} run */
    draw(gallery, state, run) {
      const entry = findRecorded(gallery, state);
      card.hidden = !entry;
      // A card has no control that takes the focus, and the arrow keys can scroll it only if its panel does.
      if (entry) panel.tabIndex = 0;
      else panel.removeAttribute('tabindex');
      train.disabled = entry !== undefined;
      train.title = entry ? NO_TRAINING : usual;
      const known = run && run.id === entry?.id ? run : null;
      const runs = recordedRuns(gallery);
      const key = joinKey(
        runs.flatMap(({id, outcome}) => [id, outcome.status]),
        entry?.id,
        known?.id,
      );
      if (key === drawn) return;
      drawn = key;
      card.replaceChildren(...(entry ? describe(entry, known) : []));
      list.hidden = runs.length === 0;
      list.replaceChildren(make('h3', {}, 'Recorded runs'), ...runs.map((each) => createButton(each, each === entry)));
    },
  };

  /** @param {GalleryEntry} entry @param {boolean} isShown */
  function createButton({id, title: name, epochs, outcome}, isShown) {
    const [state, title] = describeState(outcome.status, epochs);
    const button = make(
      'button',
      {type: 'button', class: 'quiet', 'aria-pressed': String(isShown), title},
      state ? `${name} · ${state}` : name,
    );
    button.addEventListener('click', () => choose({run: id, train: null, own: null, sample: null}));
    return button;
  }
}

/**
 * Return the words after the name of a run, and its tooltip.
 * @param {string} status @param {number} epochs @returns {[string, string]}
 */
function describeState(status, epochs) {
  const own = 'This is somebody’s own training';
  if (status === 'recording')
    return ['being recorded', `${own}, which is being recorded. It has reached epoch ${epochs}.`];
  if (status === 'interrupted') return ['interrupted', `${own}. Its recording was interrupted after epoch ${epochs}.`];
  return ['', `${own}, recorded over ${epochs} epochs.`];
}

/**
 * Write the description of a run as pairs of terms and texts.
 * @param {GalleryEntry} entry @param {Run | null} run
 */
function describe(entry, run) {
  const {model, dataset, loss, boundary} = /** @type {any} */ (run?.manifest ?? {});
  const samples = dataset?.samples;
  const frozen =
    model?.trainable && model.trainable < entry.model.parameters
      ? `, ${countText(model.trainable)} of them trained`
      : '';
  /** @type {[string, string | undefined][]} */
  const rows = [
    ['Recorded run', entry.dataset.title],
    ['Model', entry.model.title],
    ['Parameters', `${countText(entry.model.parameters)}${frozen}`],
    ['Layers', model?.modules && shorten(model.modules)],
    ['Loss', loss && `${loss.name}${loss.unit ? `, in ${loss.unit}` : ''}`],
    [
      'Samples',
      samples && `${countText(samples.train)} to train${samples.test ? `, ${countText(samples.test)} to test` : ''}`,
    ],
    ['BatchNorm', batchNorm(run)],
    ['Boundary', boundary?.kind === 'samples' ? `the plane through ${boundary.anchors.join(', ')}` : undefined],
  ];
  return rows.flatMap(([term, words]) => (words ? [make('dt', {}, term), make('dd', {}, words)] : []));
}

/** @param {Run | null} run */
function batchNorm(run) {
  const used = /** @type {any} */ (run?.planes[0])?.batchnorm;
  if (!used) return undefined;
  const kinds = used.train === 'batch' ? 'statistics of each batch' : 'the statistics that the model keeps';
  return `${kinds}${run ? describeUse(run) : ''}`;
}

/**
 * Say where the losses with the statistics that the model keeps, which are those in use, differ by more than a tenth.
 * @param {Run} run
 */
function describeUse({manifest, metrics: {train_loss: own}, frames}) {
  /** @type {(number | null)[]} */
  const inUse = manifest.in_use?.eval_train_loss ?? [];
  const factors = inUse.map((loss, frame) => (loss === null ? 0 : Math.abs(Math.log(loss / own[frame]))));
  const differing = factors.filter((factor) => factor > Math.log(1.1));
  if (!differing.length) return '';
  const worst = factors.indexOf(Math.max(...differing));
  return (
    `; with those that the model keeps, the training loss differs in ${differing.length} of ${frames.length} frames, ` +
    `most at epoch ${frames[worst]}: it is ${lossText(inUse[worst] ?? NaN)} there, and not ${lossText(own[worst])}`
  );
}

/** Name each kind of layer once, with the number of such layers. @param {string[]} modules */
function shorten(modules) {
  const counts = new Map();
  for (const name of modules) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, times]) => (times > 1 ? `${times} × ${name}` : name)).join(', ');
}
