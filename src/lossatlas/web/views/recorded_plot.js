/**
 * This view adds to the right plot what only recorded runs have: the losses of samples, the pictures of inputs, and
 * texts about planes of inputs. It is loaded when the first such run is shown.
 */
/** @import {Run} from '../model/run.js' */
import {byId} from '../lib/dom.js';
import {percentText, shortText} from '../lib/numbers.js';
import {placePicture, drawSamples} from '../figures/input_image.js';
import {readSampleLosses} from '../figures/sample_losses.js';
import {createInputImage} from './input_image.js';
import {createPlaceKeys} from './place_keys.js';
import {createSamples} from './samples.js';

/** The longer side of a sample's picture in CSS pixels. */
const PICTURE = 40;

/** @typedef {ReturnType<typeof createRecordedPlot>} RecordedPlot */

/**
 * @param {{onFrame: (frame: number) => void} & Parameters<typeof createPlaceKeys>[1]} options
 */
export function createRecordedPlot(options) {
  return {
    samples: createSamples(options),
    image: createInputImage(byId('boundary-plot')),
    keys: createPlaceKeys(byId('boundary-plot'), options),
    wordsOf,
    drawPictures,
  };
}

/**
 * Return the heading of the plot, the label of its tab, and a text about what it shows.
 * @param {Run} run @returns {{heading: string, tab: string, meaning: string} | null} null: as for every run
 */
function wordsOf(run) {
  if (run.hasSampleLosses) {
    const {threshold} = readSampleLosses(run);
    return {
      heading: 'Loss of each sample',
      tab: 'Samples',
      meaning:
        'Each row is a sample and each column an epoch; the colour is its loss. The line marks when a sample is ' +
        `learnt: from then on its loss is below ${shortText(threshold)}, half-way between the means ` +
        'at the start and the end.',
    };
  }
  const {boundary} = run.manifest;
  const heading = {heading: 'Decision boundary', tab: 'Decision boundary'};
  if (boundary?.kind === 'projection')
    return {
      ...heading,
      meaning:
        'Every place is an input on the plane of two principal components; its colour is the network’s answer there. ' +
        `Points are projections onto the plane, which holds ${percentText(boundary.explained_variance ?? NaN)} of ` +
        'their variance: the network’s answer for a point may differ from the colour around it.',
    };
  if (boundary?.kind === 'samples')
    return {
      ...heading,
      meaning:
        'Every place is an input: a weighted sum of the three samples that are marked. Its colour is the network’s ' +
        'answer.' +
        (run.get('anchor_images') ? ' Point at a place, or move one with the arrow keys, to see its picture.' : ''),
    };
  return null;
}

/**
 * Draw the pictures of the three samples above their marks.
 * @param {CanvasRenderingContext2D} context @param {Run} run
 * @param {(x: number, y: number) => {x: number, y: number}} placeOf in pixels of the canvas @param {string} ink
 */
function drawPictures(context, run, placeOf, ink) {
  const points = run.numbers('points');
  const scale = devicePixelRatio;
  context.imageSmoothingEnabled = false;
  drawSamples(run).forEach((picture, i) => {
    const {x, y} = placeOf(points[2 * i], points[2 * i + 1]);
    const box = placePicture({x: x / scale, y: y / scale}, picture, PICTURE, 0);
    const rectangle = /** @type {const} */ ([box.x * scale, box.y * scale, box.width * scale, box.height * scale]);
    context.drawImage(picture, ...rectangle);
    context.lineWidth = scale;
    context.strokeStyle = ink;
    context.strokeRect(...rectangle);
  });
  context.imageSmoothingEnabled = true;
}
