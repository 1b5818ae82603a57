/**
 * This module writes the line that says how two runs differ: in their training, in what was recorded, and in what is
 * shown.
 */
/** @import {Catalog, Shot} from '../../model/types.js' */
/** @import {Run} from '../../model/run.js' */
import {byId, setText} from '../../lib/dom.js';
import {listDifferences, listKnownDifferences, differencesText, isOfTraining, listUnlike} from './differences.js';

const LINES = ['differences', 'recorded', 'unlike'];

/** Clear the line until both runs have arrived. */
export function clearDifferences() {
  for (const id of LINES) setText(byId(id), id === 'differences' ? '…' : '');
}

/** @param {[Shot, Shot]} shots @param {Catalog} catalog */
export function drawDifferences(shots, catalog) {
  const [a, b] = shots.map(({run}) => run);
  const all =
    a.isRecorded || b.isRecorded
      ? listKnownDifferences(a.manifest, b.manifest)
      : listDifferences(configOf(a), configOf(b), catalog.default);
  const learned = all.filter(isOfTraining);
  const isOpenEnded = [a, b].some((run) => run.isOpenEnded);
  const recorded = isOpenEnded ? [] : all.filter((each) => !isOfTraining(each));
  const none = a.id === b.id ? 'none: this is the same run twice' : 'none in the training';
  setText(byId('differences'), differencesText(learned) || none);
  setText(byId('recorded'), recorded.length ? `Recorded: ${differencesText(recorded)}` : '');
  const apart = listUnlike(...shots);
  setText(byId('unlike'), apart.length ? `Shown differently: ${differencesText(apart)}` : '');
  byId('difference-line').title = LINES.map((id) => byId(id).textContent)
    .filter(Boolean)
    .join('\n');
  document.title = `${a.manifest.title} | ${b.manifest.title} · Loss Atlas`;
}

/**
 * Return the configuration of a run; for an open-ended one, the number of epochs is what it has so far.
 * @param {Run} run
 */
function configOf(run) {
  const config = /** @type {any} */ (run.manifest.config);
  if (!run.isOpenEnded) return config;
  return {...config, training: {...config.training, epochs: run.frames.at(-1) ?? 0}};
}
