/** This module paints a sheet or a figure on a canvas, and writes it as a PNG file or as an SVG drawing. */
/** @import {Sheet} from './sheet.js' */
/** @import {Box} from './vector.js' */
import {roundForSvg, writeTag} from './vector.js';

/**
 * Draw a sheet on a canvas that has the same shape, in any size.
 * @param {HTMLCanvasElement | OffscreenCanvas} canvas @param {Sheet} sheet
 */
export async function paintSheet(canvas, {size, paper, behind, cells, svg, font}) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', {alpha: paper === null}));
  const {width, height} = size;
  const layer = (/** @type {string} */ content) => loadImage(writeDocument(content, {font, size, shown: canvas}));
  const [below, above] = await Promise.all([behind ? layer(behind) : null, layer(svg)]);
  context.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
  context.imageSmoothingQuality = 'high';
  context.clearRect(0, 0, width, height);
  context.fillStyle = paper ?? 'transparent';
  context.fillRect(0, 0, width, height);
  if (below) context.drawImage(below, 0, 0, width, height);
  for (const {canvas: picture, box, clip, sharp} of cells) {
    context.save();
    context.imageSmoothingEnabled = !sharp;
    context.beginPath();
    context.rect(clip.x, clip.y, clip.width, clip.height);
    context.clip();
    context.drawImage(picture, box.x, box.y, box.width, box.height);
    context.restore();
  }
  context.drawImage(above, 0, 0, width, height);
}

/**
 * @param {string} svg
 * @param {object} page
 * @param {string} page.font @param {{width: number, height: number}} page.size the size of what is drawn, in pixels
 * @param {{width: number | string, height: number | string}} page.shown the size at which it is shown
 */
function writeDocument(svg, {font, size, shown: {width, height}}) {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${writeTag(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${roundForSvg(size.width)} ${roundForSvg(size.height)}`,
      'font-family': font,
    },
    svg,
  )}`;
}

/** @param {string} text an SVG document @returns {Promise<HTMLImageElement>} */
async function loadImage(text) {
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
export function encodePng(canvas) {
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
 * @param {{width: number | string, height: number | string}} [shown] the size at which it is shown, perhaps with units
 */
export function writeDrawing({size, paper, behind, cells, svg, font}, shown = size) {
  const pictures = cells.map(({canvas, box, clip, sharp}) =>
    writeTag(
      'svg',
      {...clip, viewBox: writeViewBox(clip), overflow: 'hidden'},
      writeTag('image', {
        ...box,
        preserveAspectRatio: 'none',
        href: canvas.toDataURL('image/png'),
        ...(sharp ? {'image-rendering': 'pixelated'} : {}),
      }),
    ),
  );
  const sheet = paper === null ? '' : writeTag('rect', {...size, fill: paper});
  return writeDocument(sheet + behind + pictures.join('') + svg, {font, size, shown});
}

/** @param {Box} box */
function writeViewBox({x, y, width, height}) {
  return [x, y, width, height].map(roundForSvg).join(' ');
}
