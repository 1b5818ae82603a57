/** This module shows what is saved: the sheet with both plots, or the figure that is being chosen. */
/** @import {Shot} from '../../model/types.js' */
/** @import {Exports, Figure} from './exports.js' */
/** @import {Task} from './task.js' */
import {make} from '../../lib/dom.js';

/** The largest size of the preview, in pixels. */
const SIZE = {width: 880, height: 495};

/** @typedef {ReturnType<typeof createPreview>} Preview */

/** @param {Exports} exports @param {Task} task */
export function createPreview(exports, task) {
  const element = make('canvas', {...SIZE, role: 'img'});
  /** What the preview shows, or will show. */
  let shown = '';
  /**
   * Paint something else. What is asked for last stays, whichever is ready first.
   * @param {string} name @param {string} label @param {string} paper
   * @param {(shot: Shot, canvas: HTMLCanvasElement) => Promise<void>} paint
   */
  const show = async (name, label, paper, paint) => {
    if (name === shown) return;
    shown = name;
    await task.runWork(async (shot) => {
      const canvas = make('canvas', SIZE);
      await paint(shot, canvas);
      if (name !== shown) return;
      Object.assign(element, {width: canvas.width, height: canvas.height});
      element.dataset.paper = paper;
      element.setAttribute('aria-label', label);
      element.getContext('2d')?.drawImage(canvas, 0, 0);
    });
  };
  return {
    element,
    clear() {
      shown = '';
      element.getContext('2d')?.clearRect(0, 0, element.width, element.height);
    },
    showSheet: () => show('sheet', 'The sheet that is saved', 'filled', exports.paint),
    /** @param {Figure} figure */
    showFigure(figure) {
      const paper = figure.isTransparent ? (figure.dark ? 'dark' : 'light') : 'filled';
      return show(JSON.stringify(figure), 'The figure that is saved', paper, (shot, canvas) =>
        exports.paintFigure(shot, figure, canvas, SIZE),
      );
    },
  };
}
