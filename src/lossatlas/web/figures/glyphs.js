/** The shapes of the classes as SVG paths, for the legend and the thumbnails; as Plotly's symbols, about the origin. */
import {classSymbol} from './colours.js';

/** @type {Record<string, (r: number) => string>} */
const SHAPES = {
  'circle': (r) => `M${r} 0A${r} ${r} 0 1 1 ${-r} 0A${r} ${r} 0 1 1 ${r} 0Z`,
  'diamond': (r) => polygon(4, r * 1.3, 0),
  'triangle-up': (r) => polygon(3, r * 1.3, -90),
  'square': (r) => polygon(4, r * 1.3, 45),
  'pentagon': (r) => polygon(5, r * 1.15, -90),
  'cross': (r) => [[-r, 0, r, 0], [0, -r, 0, r]].map(([a, b, c, d]) => `M${a} ${b}L${c} ${d}`).join(''),
};

/** @param {number} k class @param {number} radius */
export function glyph(k, radius) {
  return SHAPES[classSymbol(k)](radius);
}

/** @param {number} corners @param {number} radius @param {number} start degrees */
function polygon(corners, radius, start) {
  const points = Array.from({length: corners}, (_, i) => {
    const angle = ((start + (360 * i) / corners) * Math.PI) / 180;
    return `${(radius * Math.cos(angle)).toFixed(2)} ${(radius * Math.sin(angle)).toFixed(2)}`;
  });
  return `M${points.join('L')}Z`;
}
