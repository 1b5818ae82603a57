/** The line that says in what two runs differ: in training, in what was recorded, and in what is on show. */
/** @import {Catalog, Shot} from '../../model/types.js' */
/** @import {Run} from '../../model/run.js' */
import {byId, say} from '../../lib/dom.js';
import {differences, differencesText, isOfTraining, unlike} from './differences.js';

const LINES = ['differences', 'recorded', 'unlike'];

/** Until both runs are there. */
export function clearDifferences() {
  for (const id of LINES) say(byId(id), id === 'differences' ? '…' : '');
}

/** @param {[Shot, Shot]} shots @param {Catalog} catalog */
export function drawDifferences(shots, catalog) {
  const [a, b] = shots.map(({run}) => run);
  const all = differences(configOf(a), configOf(b), catalog.default);
  const learned = all.filter(isOfTraining);
  const isOpenEnded = [a, b].some((run) => run.isOpenEnded);
  const recorded = isOpenEnded ? [] : all.filter((each) => !isOfTraining(each));
  const none = a.id === b.id ? 'none: this is the same run twice' : 'none in what was trained';
  say(byId('differences'), differencesText(learned) || none);
  say(byId('recorded'), recorded.length ? `Recorded: ${differencesText(recorded)}` : '');
  const apart = unlike(...shots);
  say(byId('unlike'), apart.length ? `Not shown alike: ${differencesText(apart)}` : '');
  byId('difference-line').title = LINES.map((id) => byId(id).textContent)
    .filter(Boolean)
    .join('\n');
  document.title = `${a.manifest.title} | ${b.manifest.title} · Loss Atlas`;
}

/** The configuration of a run; one that is open-ended was trained for as many epochs as it has. @param {Run} run */
function configOf(run) {
  const config = /** @type {any} */ (run.manifest.config);
  if (!run.isOpenEnded) return config;
  return {...config, training: {...config.training, epochs: run.frames.at(-1) ?? 0}};
}
