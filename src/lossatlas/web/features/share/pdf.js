/**
 * This module writes a figure as a PDF of lines and text: svg2pdf draws the figure's own SVG with jsPDF. The font is
 * embedded, as journals want it. It has the letters of most European languages; a text with other letters becomes a
 * picture.
 */
/** @import {Sheet} from './sheet.js' */
import * as inter from '../../vendor/inter-0.4.2.min.js';
import * as library from '../../vendor/jspdf-4.2.1.min.js';
import {textWidth} from '../../lib/dom.js';
import {MILLIMETRES, PIXELS} from './figures.js';
import {writeDrawing} from './paint.js';

const {jsPDF, svg2pdf} = /** @type {any} */ (library);

const FONT = 'Inter';
/** The texts that the font can write: scripts/vendor.py has the same letters. */
const WRITABLE =
  /^[\u0020-\u007e\u00a0-\u017f\u0386-\u03ce\u0400-\u045f\u2070-\u2079\u2080-\u2089–—‘’“”†•…′″⁻−≤≥≈∞√∂→←\n]*$/;
/** The pixels of a picture for each pixel of the layout: readers of PDF enlarge small ones without smoothing. */
const SHARP = 300 / PIXELS;

/** @param {Sheet} figure @returns {Promise<Blob>} */
export async function writePdf(figure) {
  const [width, height] = [figure.size.width, figure.size.height].map((pixels) => (pixels / PIXELS) * MILLIMETRES);
  const file = new jsPDF({
    unit: 'mm',
    format: [width, height],
    orientation: width > height ? 'landscape' : 'portrait',
    compress: true,
    putOnlyUsedFonts: true,
  });
  for (const [style, bytes] of Object.entries(inter)) {
    file.addFileToVFS(`${FONT}-${style}.ttf`, bytes);
    file.addFont(`${FONT}-${style}.ttf`, FONT, style);
  }
  const drawing = writeDrawing({...figure, cells: figure.cells.map(enlarge)});
  const svg = new DOMParser().parseFromString(drawing, 'image/svg+xml').documentElement;
  for (const text of svg.querySelectorAll('text')) if (!WRITABLE.test(text.textContent ?? '')) replaceByPicture(text);
  for (const part of [svg, ...svg.querySelectorAll('[font-family]')]) part.setAttribute('font-family', FONT);
  await svg2pdf(svg, file, {x: 0, y: 0, width, height});
  return file.output('blob');
}

/** Enlarge the cells of a plot as the browser does, or as sharp squares. @param {Sheet['cells'][0]} cells */
function enlarge(cells) {
  const {canvas, box, sharp} = cells;
  const [width, height] = [box.width, box.height].map((pixels) => Math.round(pixels * SHARP));
  if (sharp || canvas.width >= width) return cells;
  const large = document.createElement('canvas');
  Object.assign(large, {width, height});
  const context = /** @type {CanvasRenderingContext2D} */ (large.getContext('2d'));
  context.imageSmoothingQuality = 'high';
  context.drawImage(canvas, 0, 0, width, height);
  return {...cells, canvas: large};
}

/** Draw a text with the fonts of this computer, and put the picture in its place. @param {SVGTextElement} text */
function replaceByPicture(text) {
  const inherited = (/** @type {string} */ name) => text.closest(`[${name}]`)?.getAttribute(name) ?? '';
  const content = text.textContent ?? '';
  const size = Number(inherited('font-size'));
  const font = (/** @type {number} */ scale) => `${size * scale}px ${inherited('font-family')}`;
  const width = textWidth(content, font(1)) + 2;
  const height = 1.5 * size;
  const canvas = document.createElement('canvas');
  Object.assign(canvas, {width: Math.ceil(width * 2 * SHARP), height: Math.ceil(height * 2 * SHARP)});
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.font = font(2 * SHARP);
  context.fillStyle = inherited('fill');
  context.fillText(content, 2 * SHARP, 1.1 * size * 2 * SHARP);
  const before = {middle: width / 2, end: width}[inherited('text-anchor')] ?? 0;
  const picture = document.createElementNS('http://www.w3.org/2000/svg', 'image');
  const attributes = {
    x: Number(text.getAttribute('x')) - before,
    y: Number(text.getAttribute('y')) - 1.1 * size,
    width,
    height,
    transform: text.getAttribute('transform') ?? '',
    href: canvas.toDataURL('image/png'),
  };
  for (const [name, value] of Object.entries(attributes)) picture.setAttribute(name, String(value));
  text.replaceWith(picture);
}
