/** The numbers of the frame on show, as text. */
/** @import {Shot} from '../types.js' */
import {byId, say} from '../dom.js';
import {curvatureNumbers} from '../figures/curvature.js';
import {lossText, percentText} from '../figures/ticks.js';

export function createReadouts() {
  const curvature = byId('curvature');
  const cells = new Map([...document.querySelectorAll('#readouts [data-readout], #curvature [data-readout]')]
    .map((cell) => [/** @type {HTMLElement} */ (cell).dataset.readout, cell]));
  /** @param {string} name @param {string} text @param {number} [exact] */
  const put = (name, text, exact) => {
    const cell = /** @type {HTMLElement} */ (cells.get(name));
    say(cell, text);
    if (exact === undefined) return;
    cell.title = String(exact);
    cell.dataset.value = String(exact);
  };
  return {
    /** @param {Shot} shot */
    draw({run, frame}) {
      const {train_loss, test_loss, train_accuracy, test_accuracy} = run.metrics;
      put('epoch', String(run.frames[frame]));
      put('train_loss', lossText(train_loss[frame]), train_loss[frame]);
      put('test_loss', lossText(test_loss[frame]), test_loss[frame]);
      put('train_accuracy', percentText(train_accuracy[frame]), train_accuracy[frame]);
      put('test_accuracy', percentText(test_accuracy[frame]), test_accuracy[frame]);
      const known = run.manifest.curvature;
      if (curvature.hidden !== !known) curvature.hidden = !known;
      if (!known) return;
      const {epoch, ...numbers} = curvatureNumbers(run, known, frame);
      for (const [name, text] of Object.entries(numbers)) put(`curvature_${name}`, text);
      put('curvature_epoch', epoch === run.frames[frame] ? '' : `at epoch ${epoch}`);
    },
  };
}
