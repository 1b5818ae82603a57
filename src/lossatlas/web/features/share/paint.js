/** This module paints a sheet on a canvas, and writes it as a PNG file or as an SVG drawing. */
/** @import {Sheet} from './sheet.js' */
/** @import {Box} from './vector.js' */
import {SIZE} from './sheet.js';
import {short, tag} from './vector.js';

/**
 * Draw a sheet on a canvas that has the same shape, in any size.
 * @param {HTMLCanvasElement | OffscreenCanvas} canvas @param {Sheet} sheet
 */
export async function paintSheet(canvas, {behind, cells, svg, theme}) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', {alpha: false}));
  const layer = (/** @type {string} */ content) =>
    imageOf(documentOf(content, theme.font, canvas.width, canvas.height));
  const [below, above] = await Promise.all([behind ? layer(behind) : null, layer(svg)]);
  const scale = canvas.width / SIZE.width;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.imageSmoothingQuality = 'high';
  context.fillStyle = theme.paper;
  context.fillRect(0, 0, SIZE.width, SIZE.height);
  if (below) context.drawImage(below, 0, 0, SIZE.width, SIZE.height);
  for (const {canvas: picture, box, clip, sharp} of cells) {
    context.save();
    context.imageSmoothingEnabled = !sharp;
    context.beginPath();
    context.rect(clip.x, clip.y, clip.width, clip.height);
    context.clip();
    context.drawImage(picture, box.x, box.y, box.width, box.height);
    context.restore();
  }
  context.drawImage(above, 0, 0, SIZE.width, SIZE.height);
}

/** @param {string} svg @param {string} font @param {number} width @param {number} height */
function documentOf(svg, font, width, height) {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${tag(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${SIZE.width} ${SIZE.height}`,
      'font-family': font,
    },
    svg,
  )}`;
}

/** @param {string} text an SVG document @returns {Promise<HTMLImageElement>} */
async function imageOf(text) {
  const url = URL.createObjectURL(new Blob([text], {type: 'image/svg+xml'}));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** @param {HTMLCanvasElement} canvas @returns {Promise<Blob>} */
export function pngOf(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error('this browser could not write the picture'))),
      'image/png',
    );
  });
}

/**
 * Write a sheet as a drawing: the pictures of cells stay pictures; everything else becomes lines and words.
 * @param {Sheet} sheet
 */
export function drawingOf({behind, cells, svg, theme}) {
  const pictures = cells.map(({canvas, box, clip}) =>
    tag(
      'svg',
      {...clip, viewBox: viewBox(clip), overflow: 'hidden'},
      tag('image', {...box, preserveAspectRatio: 'none', href: canvas.toDataURL('image/png')}),
    ),
  );
  return documentOf(
    tag('rect', {...SIZE, fill: theme.paper}) + behind + pictures.join('') + svg,
    theme.font,
    SIZE.width,
    SIZE.height,
  );
}

/** @param {Box} box */
function viewBox({x, y, width, height}) {
  return [x, y, width, height].map(short).join(' ');
}
