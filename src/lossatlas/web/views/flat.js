/** The landscape without WebGL: the same surface as a map, seen from above. */
/** @import {Shot} from '../types.js' */
/** @import {LossRange} from '../figures/landscape.js' */
import {lossTable} from '../figures/colours.js';
import {lossTicks, shareOf} from '../figures/landscape.js';
import {isolines} from '../figures/isolines.js';
import {make} from '../dom.js';

/** @param {HTMLElement} root */
export function createFlat(root) {
  const table = lossTable();
  const canvas = make('canvas', {class: 'flat-map'});
  const cells = document.createElement('canvas');
  root.append(make('div', {class: 'flat'},
    make('p', {class: 'flat-note'}, 'This browser has no WebGL, so the surface is drawn as a map: a runs to the right, b upwards, the network is in the centre.'),
    canvas));

  /** @param {Shot} shot @param {LossRange} range */
  const paintCells = (shot, range) => {
    const size = shot.run.grid;
    const surface = shot.run.surface(shot.frame, shot.spanIndex);
    const image = new ImageData(size, size);
    const pixels = new Uint32Array(image.data.buffer);
    for (let j = 0; j < size; j++) {
      for (let i = 0; i < size; i++) {
        const share = Math.min(1, Math.max(0, shareOf(range, surface[j * size + i])));
        pixels[(size - 1 - j) * size + i] = table[Math.round(255 * share)];
      }
    }
    cells.width = cells.height = size;
    cells.getContext('2d')?.putImageData(image, 0, 0);
  };

  /** @param {Shot} shot @param {LossRange} range @returns {void} */
  const draw = (shot, range) => {
    paintCells(shot, range);
    const side = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
    canvas.width = canvas.height = side;
    const context = canvas.getContext('2d');
    if (!context) return;
    context.drawImage(cells, 0, 0, side, side);
    const size = shot.run.grid;
    const scale = side / size;
    context.strokeStyle = 'rgb(255 255 255 / 60%)';
    context.beginPath();
    for (const level of lossTicks(range)) {
      const lines = isolines(shot.run.surface(shot.frame, shot.spanIndex), size, level);
      for (let k = 0; k < lines.length; k += 4) {
        context.moveTo((lines[k] + 0.5) * scale, side - (lines[k + 1] + 0.5) * scale);
        context.lineTo((lines[k + 2] + 0.5) * scale, side - (lines[k + 3] + 0.5) * scale);
      }
    }
    context.stroke();
    marker(context, side);
  };

  return {draw, look() {}};
}

/** @param {CanvasRenderingContext2D} context @param {number} side */
function marker(context, side) {
  context.beginPath();
  context.arc(side / 2, side / 2, 5 * devicePixelRatio, 0, 2 * Math.PI);
  context.fillStyle = '#fff';
  context.strokeStyle = '#111';
  context.lineWidth = 2 * devicePixelRatio;
  context.fill();
  context.stroke();
}
