/** This view writes the numbers of the frame that is shown. */
/** @import {Shot} from '../model/types.js' */
/** @import {Picked} from '../compute/network.js' */
import {byId, setText} from '../lib/dom.js';
import {writeCurvature} from '../figures/curvature.js';
import {lossText, percentText} from '../lib/numbers.js';

/** The meaning of the numbers in words; the number itself follows with all its digits. */
const WHAT = {
  train_loss: 'The mean cross-entropy on the training points',
  test_loss: 'The mean cross-entropy on the test points',
  train_accuracy: 'The share of the training points whose class is predicted correctly',
  test_accuracy: 'The share of the test points whose class is predicted correctly',
};

/** @param {{pickedOf: (shot: Shot) => {picked: Picked} | null}} options */
export function createReadouts({pickedOf}) {
  const table = byId('readouts');
  const curvature = byId('curvature');
  const cells = new Map(
    [...document.querySelectorAll('#readouts [data-readout], #curvature [data-readout]')].map((cell) => [
      /** @type {HTMLElement} */ (cell).dataset.readout,
      cell,
    ]),
  );
  let loss = '';
  const whatOf = (/** @type {string} */ name) =>
    WHAT[/** @type {keyof typeof WHAT} */ (name)].replace('cross-entropy', loss);
  /** @param {string} name @param {string} text @param {number} [exact] */
  const writeCell = (name, text, exact) => {
    const cell = /** @type {HTMLElement} */ (cells.get(name));
    setText(cell, text);
    if (exact === undefined) return;
    cell.title = Number.isNaN(exact) ? 'It is not known.' : `${whatOf(name)}: ${exact}.`;
    cell.dataset.value = String(exact);
  };
  return {
    /** @param {Shot} shot */
    draw(shot) {
      const {run, frame} = shot;
      loss = run.manifest.loss?.name ?? 'cross-entropy';
      const picked = pickedOf(shot)?.picked;
      const of = (/** @type {keyof Picked['metrics']} */ name) =>
        picked ? picked.metrics[name] : run.metrics[name][frame];
      table.classList.toggle('picked', picked !== undefined);
      table.title = picked ? 'Of the network at the picked point' : '';
      writeCell('epoch', String(run.frames[frame]));
      setText(byId('epoch-brief'), String(run.frames[frame]));
      for (const name of /** @type {const} */ (['train_loss', 'test_loss']))
        writeCell(name, lossText(of(name)), of(name));
      for (const name of /** @type {const} */ (['train_accuracy', 'test_accuracy']))
        writeCell(name, percentText(of(name)), of(name));
      const known = run.manifest.curvature;
      if (curvature.hidden !== !known) curvature.hidden = !known;
      if (!known) return;
      const {epoch, measured, ...numbers} = writeCurvature(run, known, frame);
      for (const [name, text] of Object.entries(numbers)) writeCell(`curvature_${name}`, text);
      const elsewhere = epoch !== run.frames[frame];
      writeCell('curvature_epoch', elsewhere ? `at epoch ${epoch}` : `${measured} epochs`);
      /** @type {HTMLElement} */ (cells.get('curvature_epoch')).title =
        `${elsewhere ? 'Curvature was not measured at this epoch; this is the nearest measurement. ' : ''}It ` +
        `was measured at ${measured} recorded epochs; between them it is unknown.`;
    },
  };
}
