/**
 * This module turns the decision boundary into Plotly traces (points and axes) and into the pixels and lines painted
 * beneath them.
 */
/** @import {Feature, Seen} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {Numbers} from '../loading/npy.js' */
import {chooseClassSymbol, writeCss, choosePointColour, chooseSymbolScale} from './colours.js';
import {constants} from '../model/constants.js';
import {styleAxis, chooseLinearTicks} from './ticks.js';
import {probabilityPercentText, tickLabel, valueText, wholePercentText} from '../lib/numbers.js';

const SPLITS = ['train', 'test'];
/** Data whose length is more than this many times their width form a strip; its axes have separate scales. */
const STRIP = 4;
/** The number of classes whose probability under the pointer is given; the others are summed. */
const MOST_NAMED = 3;
/** The number of places along an axis that a written coordinate distinguishes. */
const FINE = 2000;

/**
 * Create one trace for each class and split. They never change during a run, so Plotly draws them once.
 * @param {Run} run @param {{paper: string, dark: boolean, text: number}} theme
 */
export function createPointTraces(run, theme) {
  const points = run.numbers('points');
  const labels = run.numbers('labels');
  const split = run.numbers('split');
  const placeOf = writePlaces(run);
  return run.classes.flatMap((name, k) =>
    SPLITS.map((part, s) => {
      const members = [...labels.keys()].filter((i) => labels[i] === k && split[i] === s);
      return {
        type: 'scatter',
        mode: 'markers',
        name: `${name}, ${part}`,
        showlegend: false,
        customdata: members,
        x: members.map((i) => points[2 * i]),
        y: members.map((i) => points[2 * i + 1]),
        text: members.map(placeOf),
        hovertemplate: `${escapeHtml(name)} (${part})<br>%{text}<extra></extra>`,
        marker: createPointMarker(k, s === 1, points.length > 1600, theme),
      };
    }),
  );
}

/**
 * Style the points: training points are filled, test points are hollow.
 * @param {number} k @param {boolean} hollow @param {boolean} many
 * @param {{paper: string, dark: boolean, text: number}} theme
 */
function createPointMarker(k, hollow, many, theme) {
  const size = (many ? 5.5 : 7) * chooseSymbolScale(k) * Math.sqrt(theme.text); // Marks grow a little with the texts.
  const colour = writeCss(choosePointColour(k, theme.dark));
  return hollow
    ? {symbol: chooseClassSymbol(k), size, color: theme.paper, line: {color: colour, width: 1.6}, opacity: 1}
    : {symbol: chooseClassSymbol(k), size, color: colour, line: {color: theme.paper, width: 0.8}, opacity: 1};
}

/**
 * Write the place of a point: as it was given, or exactly enough to distinguish it from its neighbours in the plot.
 * @param {Run} run @returns {(i: number) => string}
 */
function writePlaces(run) {
  const {features} = run.manifest.dataset;
  const [points, given] = [run.numbers('points'), run.get('given')?.data];
  const units = chooseUnits(features);
  const steps = ['grid_x', 'grid_y'].map((name, axis) => (measureExtent(run.numbers(name)) * units[axis].scale) / FINE);
  return (i) =>
    features
      .map(({name}, axis) => {
        const {mean, scale} = units[axis];
        const isGiven = given && scale === features[axis].scale && mean === features[axis].mean;
        const at = 2 * i + axis;
        const value = isGiven ? valueText(given[at]) : valueText(points[at] * scale + mean, steps[axis]);
        return `${escapeHtml(name)} ${value}`;
      })
      .join('<br>');
}

/** @param {Numbers} grid */
const measureExtent = (grid) => grid[grid.length - 1] - grid[0];

/** Escape a text for Plotly, which reads some HTML: names may come from a user's file. @param {string} text */
export function escapeHtml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/**
 * Choose the units of the axes: original units if the features have a meaning; x₁ and x₂ of a synthetic dataset stay
 * standardised. Both axes of one plot have the same kind of units.
 * @param {Feature[]} features @returns {{mean: number, scale: number}[]}
 */
export function chooseUnits(features) {
  return areSynthetic(features)
    ? features.map(() => ({mean: 0, scale: 1}))
    : features.map(({mean, scale}) => ({mean, scale}));
}

/** @param {Feature[]} features */
const areSynthetic = (features) => features.every(({name}, axis) => name === constants().own_data.features[axis]);

/**
 * Compute the size of the plot in the available room. Both axes have equal scales if both features have one unit,
 * unless the data form a strip, in which nothing could be seen.
 * @param {Run} run @param {number} width @param {number} height
 */
export function computePlotSize(run, width, height) {
  const {features} = run.manifest.dataset;
  const units = chooseUnits(features);
  const [across, up] = ['grid_x', 'grid_y'].map((name, axis) => measureExtent(run.numbers(name)) * units[axis].scale);
  const alike = run.manifest.boundary?.equal || haveOneUnit(features);
  if (!alike || Math.max(across / up, up / across) > STRIP) return {width, height};
  const scale = Math.min(width / across, height / up);
  return {width: scale * across, height: scale * up};
}

/**
 * Do both features have one unit? Those of synthetic datasets do, and measured ones whose names say so: “petal length
 * (cm)”.
 * @param {Feature[]} features
 */
function haveOneUnit(features) {
  const [first, second] = features.map(({name}) => /\(([^()]+)\)$/.exec(name)?.[1]);
  return areSynthetic(features) || (first !== undefined && first === second);
}

/**
 * @param {Feature[]} features @param {number} axis @param {Numbers} grid @param {{ink: string, muted: string, font:
 *   string, text: number}} theme
 */
export function createFeatureAxis(features, axis, grid, theme) {
  const feature = features[axis];
  const {mean, scale} = chooseUnits(features)[axis];
  const [low, high] = [grid[0], grid[grid.length - 1]];
  const ticks = chooseLinearTicks(low * scale + mean, high * scale + mean, 7);
  return {
    range: [low, high],
    ...styleAxis(theme),
    tickvals: ticks.map((tick) => (tick - mean) / scale),
    ticktext: ticks.map(tickLabel),
    title: {
      text: escapeHtml(feature.name),
      font: {family: theme.font, size: 12 * theme.text, color: theme.ink},
      standoff: 6,
    },
  };
}

/**
 * Paint the pixels of a frame, top row first.
 * @param {Run} run @param {Seen} seen @param {Uint32Array} table the result of `createRegionTable` @param {Uint32Array}
 *   pixels
 */
export function paintRegions(run, {predicted_class: classes, confidence}, table, pixels) {
  const width = run.numbers('grid_x').length;
  const height = run.numbers('grid_y').length;
  for (let y = 0, from = 0; y < height; y++) {
    for (let x = 0, to = (height - 1 - y) * width; x < width; x++, from++, to++) {
      pixels[to] = table[classes[from] * 256 + confidence[from]];
    }
  }
}

/**
 * Return the classes that the plot shows, and which of them have points: a class that neither has points nor is
 * predicted needs no mark.
 * @param {Run} run
 */
export function listClasses(run) {
  const pointed = new Set(run.get('labels')?.data ?? run.classes.keys());
  const occurring = new Set([...pointed, ...(run.manifest.boundary?.classes ?? [])]);
  return {occurring: [...run.classes.keys()].filter((k) => occurring.has(k)), pointed};
}

/** Find the points that a model misclassifies. @param {Run} run @param {Seen} seen */
export function findMisclassified(run, {point_predicted_class: predicted}) {
  const labels = run.numbers('labels');
  const wrong = [];
  for (let i = 0; i < labels.length; i++) if (labels[i] !== predicted[i]) wrong.push(i);
  return wrong;
}

/**
 * Describe the picture in words.
 * @param {Run} run @param {Seen} seen @param {string} whose @param {number} wrong the number of misclassified points
 */
export function describeBoundary(run, seen, whose, wrong) {
  const {features, classes} = run.manifest.dataset;
  const shares = classes.map(() => 0);
  const regions = seen.predicted_class;
  for (const k of regions) shares[k] += 1 / regions.length;
  const areas = classes.map((name, k) => `${nameClass(name)} ${wholePercentText(shares[k])}`).join(', ');
  return (
    `${whose}: of the plane of ${features[0].name} and ${features[1].name}, predicted ${areas}; ${wrong} ` +
    `of ${run.numbers('labels').length} points misclassified`
  );
}

/**
 * Write the class probabilities at a place, as the network itself predicts them. Until they are known, or if they
 * cannot be computed, interpolate between the nearest places of the meshgrid, which has the probability of the most
 * probable class only.
 * @param {Run} run @param {Seen} seen @param {number} x @param {number} y shares of the plot, from the lower left
 *   corner
 * @param {(x: number, y: number) => number[] | null} oddsAt maps standardised inputs to a probability for each class
 */
export function describeProbabilities(run, seen, x, y, oddsAt) {
  const [across, up] = [run.numbers('grid_x'), run.numbers('grid_y')];
  const odds = oddsAt(interpolate(across, x), interpolate(up, y));
  if (odds) return writeOdds(run.classes, odds);
  const cell = Math.round(y * (up.length - 1)) * across.length + Math.round(x * (across.length - 1));
  const k = seen.predicted_class[cell];
  const share = interpolateProbability(
    seen,
    k,
    x * (across.length - 1),
    y * (up.length - 1),
    across.length,
    up.length,
    run.classes.length,
  );
  const others = run.classes.length === 2 ? nameClass(run.classes[1 - k]) : 'the others';
  const likeliest = `≈ ${nameClass(run.classes[k])} ${probabilityPercentText(share)}`;
  return `${likeliest}, ${others} ${probabilityPercentText(1 - share)}`;
}

/**
 * Write the probabilities. Of many classes, name only the most probable ones, so that the sentence is not wider than
 * the plot.
 * @param {string[]} classes @param {number[]} odds
 */
function writeOdds(classes, odds) {
  const textOf = (/** @type {number} */ k) => `${nameClass(classes[k])} ${probabilityPercentText(odds[k])}`;
  if (classes.length <= MOST_NAMED + 1) return classes.map((_, k) => textOf(k)).join(', ');
  const likeliest = [...odds.keys()].sort((i, j) => odds[j] - odds[i]).slice(0, MOST_NAMED);
  const others = 1 - likeliest.reduce((sum, k) => sum + odds[k], 0);
  return `${likeliest.map(textOf).join(', ')}, the others ${probabilityPercentText(Math.max(0, others))}`;
}

/**
 * Interpolate the probability of a class between four places.
 * @param {Seen} seen @param {number} k @param {number} x @param {number} y @param {number} width @param {number} height
 * @param {number} classes
 */
function interpolateProbability({predicted_class: predicted, confidence}, k, x, y, width, height, classes) {
  const [i, j] = [Math.min(width - 2, Math.floor(x)), Math.min(height - 2, Math.floor(y))];
  const at = (/** @type {number} */ cell) =>
    predicted[cell] === k ? confidence[cell] / 255 : (1 - confidence[cell] / 255) / (classes - 1);
  const interpolateRow = (/** @type {number} */ from) => at(from) + (x - i) * (at(from + 1) - at(from));
  return (
    interpolateRow(j * width + i) + (y - j) * (interpolateRow((j + 1) * width + i) - interpolateRow(j * width + i))
  );
}

/** @param {Numbers} grid @param {number} share */
const interpolate = (grid, share) => grid[0] + share * (grid[grid.length - 1] - grid[0]);

/** Name a class in a sentence, where a bare number would be read as a quantity. @param {string} name */
const nameClass = (name) => (/^\d+$/.test(name) ? `class ${name}` : name);
