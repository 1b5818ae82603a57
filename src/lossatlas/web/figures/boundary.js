/** The decision boundary: data → Plotly traces (points, axes), and the pixels and lines painted beneath them. */
/** @import {Feature, Seen} from '../types.js' */
/** @import {Run} from '../run.js' */
/** @import {Numbers} from '../npy.js' */
import {classSymbol, css, pointColour, symbolScale} from './colours.js';
import {linearTicks, tickLabel} from './ticks.js';

const SPLITS = ['train', 'test'];
/** The confidence, as a byte, at which one of two classes is as likely as the other. */
const EVEN = 127.5;

/**
 * One trace a class and split. They never change during a run, so Plotly draws them once.
 * @param {Run} run @param {{paper: string, dark: boolean}} theme
 */
export function pointTraces(run, theme) {
  const points = run.numbers('points');
  const labels = run.numbers('labels');
  const split = run.numbers('split');
  return run.classes.flatMap((name, k) => SPLITS.map((part, s) => {
    const members = [...labels.keys()].filter((i) => labels[i] === k && split[i] === s);
    return {
      type: 'scatter', mode: 'markers', name: `${name}, ${part}`, showlegend: false, customdata: members,
      x: members.map((i) => points[2 * i]), y: members.map((i) => points[2 * i + 1]),
      text: members.map((i) => pointText(run.manifest.dataset.features, points, i)),
      hovertemplate: `${escape(name)} (${part})<br>%{text}<extra></extra>`,
      marker: pointMarker(k, s === 1, points.length > 1600, theme),
    };
  }));
}

/** Train filled, test hollow. @param {number} k @param {boolean} hollow @param {boolean} many @param {{paper: string, dark: boolean}} theme */
function pointMarker(k, hollow, many, theme) {
  const size = (many ? 5.5 : 7) * symbolScale(k);
  const colour = css(pointColour(k, theme.dark));
  return hollow
    ? {symbol: classSymbol(k), size, color: theme.paper, line: {color: colour, width: 1.6}, opacity: 1}
    : {symbol: classSymbol(k), size, color: colour, line: {color: theme.paper, width: 0.8}, opacity: 1};
}

/** @param {Feature[]} features @param {Numbers} points @param {number} i */
function pointText(features, points, i) {
  return features.map((feature, axis) => `${escape(feature.name)} ${tickLabel(Number((points[2 * i + axis] * unit(feature).scale + unit(feature).mean).toPrecision(3)))}`).join('<br>');
}

/** Names may come from a user's file; Plotly reads some HTML. @param {string} text */
function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/**
 * Original units where features have a meaning; x₁ and x₂ of an invented dataset stay standardised.
 * @param {Feature} feature
 */
export function unit({name, mean, scale}) {
  return /^x[₁₂_]?[12]?$/.test(name) ? {mean: 0, scale: 1} : {mean, scale};
}

/** @param {Feature} feature @param {Numbers} grid @param {{ink: string, muted: string, font: string}} theme */
export function featureAxis(feature, grid, theme) {
  const {mean, scale} = unit(feature);
  const [low, high] = [grid[0], grid[grid.length - 1]];
  const ticks = linearTicks(low * scale + mean, high * scale + mean, 7);
  return {
    range: [low, high], fixedrange: true, showgrid: false, zeroline: false, showline: false, ticks: 'outside', ticklen: 4,
    tickcolor: theme.muted, tickvals: ticks.map((tick) => (tick - mean) / scale), ticktext: ticks.map(tickLabel),
    tickfont: {family: theme.font, size: 11, color: theme.muted},
    title: {text: escape(feature.name), font: {family: theme.font, size: 12, color: theme.ink}, standoff: 6},
  };
}

/**
 * The pixels of a frame, top row first.
 * @param {Run} run @param {Seen} seen @param {Uint32Array} table from `regionTable` @param {Uint32Array} pixels
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
 * The line where the predicted class changes, as segments in grid units (x1, y1, x2, y2, …). On an edge of the grid
 * between two classes it is where their margins, interpolated, are equal (taking them for the only two, as they nearly are
 * wherever a border is sharp).
 * @param {Run} run @param {Seen} seen @returns {number[]}
 */
export function borderSegments(run, {predicted_class: classes, confidence}) {
  const width = run.numbers('grid_x').length;
  const height = run.numbers('grid_y').length;
  /** @param {number} i @param {number} j */
  const crossing = (i, j) => {
    const [here, there] = [Math.max(1, confidence[i] - EVEN), Math.max(1, confidence[j] - EVEN)];
    return here / (here + there);
  };
  /** @type {number[]} */
  const segments = [];
  for (let y = 0; y < height - 1; y++) {
    for (let x = 0; x < width - 1; x++) {
      const a = y * width + x;
      const [b, c, d] = [a + 1, a + width, a + width + 1];
      if (classes[a] === classes[b] && classes[a] === classes[c] && classes[a] === classes[d]) continue;
      const ends = [];
      if (classes[a] !== classes[b]) ends.push(x + crossing(a, b), y);
      if (classes[b] !== classes[d]) ends.push(x + 1, y + crossing(b, d));
      if (classes[c] !== classes[d]) ends.push(x + crossing(c, d), y + 1);
      if (classes[a] !== classes[c]) ends.push(x, y + crossing(a, c));
      joinEnds(ends, segments);
    }
  }
  return segments;
}

/** Two ends make a segment; three or four (where classes meet) run to their middle. @param {number[]} ends @param {number[]} segments */
function joinEnds(ends, segments) {
  if (ends.length === 4) {
    segments.push(...ends);
    return;
  }
  const n = ends.length / 2;
  let [mx, my] = [0, 0];
  for (let i = 0; i < n; i++) {
    mx += ends[2 * i] / n;
    my += ends[2 * i + 1] / n;
  }
  for (let i = 0; i < n; i++) segments.push(ends[2 * i], ends[2 * i + 1], mx, my);
}

/** The points that a model gets wrong. @param {Run} run @param {Seen} seen */
export function misclassified(run, {point_predicted_class: predicted}) {
  const labels = run.numbers('labels');
  const wrong = [];
  for (let i = 0; i < labels.length; i++) if (labels[i] !== predicted[i]) wrong.push(i);
  return wrong;
}

/** The picture in words. @param {Run} run @param {Seen} seen @param {string} whose @param {number} wrong how many points are misclassified */
export function boundarySummary(run, seen, whose, wrong) {
  const {features, classes} = run.manifest.dataset;
  const shares = classes.map(() => 0);
  const regions = seen.predicted_class;
  for (const k of regions) shares[k] += 1 / regions.length;
  const areas = classes.map((name, k) => `${name} ${Math.round(shares[k] * 100)} %`).join(', ');
  return `${whose}: of the plane of ${features[0].name} and ${features[1].name}, predicted ${areas}; ${wrong} of ${run.numbers('labels').length} points misclassified`;
}

/**
 * The class probabilities at a place. The meshgrid has the most probable class's, which is enough for two classes; of
 * more, the network is asked, and until it has answered the others are taken together.
 * @param {Run} run @param {Seen} seen @param {number} x @param {number} y shares of the plot, from the lower left
 * @param {(x: number, y: number) => number[] | null} oddsAt standardised inputs → a probability for each class
 */
export function probabilityText(run, seen, x, y, oddsAt) {
  const [across, up] = [run.numbers('grid_x'), run.numbers('grid_y')];
  const odds = run.classes.length > 2 ? oddsAt(between(across, x), between(up, y)) : null;
  if (odds) return run.classes.map((name, k) => `${name} ${percent(odds[k])}`).join(', ');
  const cell = Math.round(y * (up.length - 1)) * across.length + Math.round(x * (across.length - 1));
  const k = seen.predicted_class[cell];
  const share = seen.confidence[cell] / 255;
  const others = run.classes.length === 2 ? run.classes[1 - k] : 'the others';
  return `${run.classes[k]} ${percent(share)}, ${others} ${percent(1 - share)}`;
}

/** @param {Numbers} grid @param {number} share */
const between = (grid, share) => grid[0] + share * (grid[grid.length - 1] - grid[0]);

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(share > 0.99 || share < 0.01 ? 1 : 0)} %`;
