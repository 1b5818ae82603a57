/**
 * This view draws the landscape as a map: cells and contours on a canvas, and above it Plotly's axes and path, which do
 * not change with the frame.
 */
/** @import {LandscapePlaces} from '../features/callouts/callouts.js' */
/** @import {Picture} from './picture.js' */
import {make, makeSvg, setText} from '../lib/dom.js';
import {createMapTable} from '../figures/colours.js';
import {
  createAnchorTraces,
  findContours,
  paintSurface,
  createPathTraces,
  createSliceAxis,
  computeSquareMargins,
} from '../figures/map.js';
import {thinPath, isInside} from '../figures/path.js';
import {createPlaneLayout} from '../figures/ticks.js';
import {CONFIG} from '../lib/plotly.js';
import {readTheme} from '../lib/theme.js';
import {lossText, pixelText, roundToDigits, shortText} from '../lib/numbers.js';
import {hasMoved} from './turning.js';

/** The smallest size, in pixels, in which Plotly can draw axes with titles. In a smaller one a part is cut off. */
const LEAST = 120;

/** @typedef {ReturnType<typeof computeSquareMargins>} Square the place of the map in its panel */

/**
 * @param {import('../lib/plotly.js').Plotly} Plotly @param {HTMLElement} root
 * @param {{onPick: (a: number, b: number) => void}} options
 */
export function createFlat(Plotly, root, {onPick}) {
  const cells = createCells();
  const plot = make('div', {class: 'canvas'});
  const marks = createMarks();
  const probe = make('p', {class: 'probe', 'aria-hidden': 'true'});
  root.append(cells.canvas, plot, ...marks.elements, probe);
  let drawn = '';
  let wasTinted = false;
  let square = computeSquareMargins({width: 1, height: 1}, 1);
  /** @type {Picture | null} */
  let shown = null;
  watchPointer(root, probe, () => shown && {picture: shown, square}, onPick);

  return {
    /** Return the places of what can be pointed at, in pixels of the root. @returns {LandscapePlaces | null} */
    places: () => (shown && root.clientWidth ? placesOf(shown, square) : null),
    /** @param {Picture} picture */
    draw(picture) {
      const {shot, key, pointLoss} = picture;
      shown = picture;
      const isFresh = key !== drawn;
      drawn = key;
      if (isFresh) {
        const size = {width: root.clientWidth, height: Math.max(root.clientHeight, LEAST)};
        const theme = readTheme();
        square = computeSquareMargins(size, theme.text);
        drawAxes(Plotly, plot, picture, {size, square, theme});
        cells.prepare(picture, square, theme.text);
      }
      if (isFresh || shot.follow || shot.computed || pointLoss || wasTinted) cells.paint(picture);
      wasTinted = pointLoss !== null;
      marks.draw(picture, square);
    },
  };
}

/**
 * Convert a point of the plane to pixels from the canvas's corner.
 * @param {number} side
 * @param {number} a
 * @param {number} b both in units of the span
 */
const pixelsOf = (side, a, b) => [((a + 1) / 2) * side, side - ((b + 1) / 2) * side];

/** @param {Picture} picture @param {Square} square @returns {LandscapePlaces} */
function placesOf({place, shot: {span}}, {side, margin: {l, t}}) {
  const at = (/** @type {number} */ a, /** @type {number} */ b) => {
    const [x, y] = pixelsOf(side, a, b);
    return {x: l + x, y: t + y};
  };
  return {
    network: place && {...at(place[0] / span, place[1] / span), radius: 10},
    at,
    isDrawn: (x, y) => x >= l && y >= t && x <= l + side && y <= t + side,
  };
}

/**
 * Draw the axes, the path and the anchors.
 * @param {import('../lib/plotly.js').Plotly} Plotly @param {HTMLElement} plot @param {Picture} picture
 * @param {{size: {width: number, height: number}, square: Square, theme: import('../lib/theme.js').Theme}} style
 */
function drawAxes(Plotly, plot, {shot, range, path, title}, {size, square: {side, margin}, theme}) {
  const layout = {
    ...size,
    margin,
    ...createPlaneLayout(theme),
    xaxis: createSliceAxis('a', shot.span, theme, side),
    yaxis: createSliceAxis('b', shot.span, theme, side),
  };
  const traces = [
    {type: 'scatter', x: [], y: []}, // Plotly draws axes only if there is a trace.
    ...(path && shot.path ? createPathTraces(thinPath(path), shot.span, range, title, theme.text) : []),
    ...(shot.follow ? [] : createAnchorTraces(shot.plane.anchors ?? [], shot.span, theme)),
  ];
  Plotly.react(plot, traces, layout, CONFIG);
}

/** Create the marks on the map: the network, the picked point, and a ball with its path. */
function createMarks() {
  const now = make('div', {class: 'here'});
  const there = make('div', {class: 'there', hidden: true});
  const track = makeSvg('polyline');
  const way = makeSvg('svg', {class: 'way', 'aria-hidden': 'true'}, track);

  /** @param {HTMLElement} mark @param {number} span @param {[number, number]} place @param {Square} square */
  const placeMark = (mark, span, [a, b], {side, margin: {l, t}}) => {
    const [x, y] = pixelsOf(side, a / span, b / span);
    mark.style.transform = `translate(${l + x}px, ${t + y}px)`;
  };

  /** @param {Picture} picture @param {Square} square */
  const drawWay = ({shot: {span, pick}, way: ball}, square) => {
    const points = ball?.points ?? [];
    const {side, margin} = square;
    const ends = Array.from({length: points.length / 2}, (_, t) =>
      pixelsOf(side, points[2 * t] / span, points[2 * t + 1] / span),
    );
    track.setAttribute('points', ends.map(([x, y]) => `${pixelText(x)},${pixelText(y)}`).join(' '));
    Object.assign(way.style, {left: `${margin.l}px`, top: `${margin.t}px`, width: `${side}px`, height: `${side}px`});
    const at = points.length ? /** @type {[number, number]} */ (points.slice(-2)) : pick;
    there.classList.toggle('ball', points.length > 0);
    there.hidden = !at || Math.max(...at.map(Math.abs)) > span;
    if (at) placeMark(there, span, at, square);
  };

  return {
    elements: [way, now, there],
    /** @param {Picture} picture @param {Square} square */
    draw(picture, square) {
      const {shot, path, place} = picture;
      now.hidden = !place || (path !== null && !isInside(path, shot.frame, shot.span));
      if (place) placeMark(now, shot.span, place, square);
      drawWay(picture, square);
    },
  };
}

/** Create the canvas of cells and contours, which lies exactly under the axes. */
function createCells() {
  const canvas = make('canvas', {'aria-hidden': 'true'});
  const cells = document.createElement('canvas');
  let table = new Uint32Array(0);
  let image = new ImageData(1, 1);
  /** The pixels of the canvas for a pixel of a line, which grows with the texts. */
  let unit = 1;

  return {
    canvas,
    /** @param {Picture} picture @param {Square} square @param {number} text the size of texts */
    prepare({grid, range}, {side, margin: {l, t}}, text) {
      unit = devicePixelRatio * text;
      table = createMapTable(range.kind);
      Object.assign(canvas.style, {left: `${l}px`, top: `${t}px`, width: `${side}px`, height: `${side}px`});
      canvas.width = canvas.height = Math.max(1, Math.round(side * devicePixelRatio));
      cells.width = cells.height = grid;
      image = new ImageData(grid, grid);
    },
    /** @param {Picture} picture */
    paint({range, values, pointLoss}) {
      const context = canvas.getContext('2d');
      if (!context) return;
      const size = cells.width;
      const side = canvas.width;
      paintSurface(
        pointLoss?.values ?? values,
        size,
        pointLoss?.range ?? range,
        table,
        new Uint32Array(image.data.buffer),
      );
      cells.getContext('2d')?.putImageData(image, 0, 0);
      context.clearRect(0, 0, side, side);
      // The grid's outer values lie on the frame, so each cell's centre is a sample: half a cell is drawn beyond the
      // frame.
      const step = side / (size - 1);
      context.drawImage(cells, -step / 2, -step / 2, side + step, side + step);
      strokeContours(context, findContours(values, size, range), step, unit);
    },
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {ReturnType<typeof findContours>} lines
 * @param {number} step the size of a cell in pixels @param {number} unit the width of a thin line in pixels
 */
function strokeContours(context, lines, step, unit) {
  const side = context.canvas.width;
  for (const {segments, light, strong} of lines) {
    context.beginPath();
    for (let k = 0; k < segments.length; k += 4) {
      context.moveTo(segments[k] * step, side - segments[k + 1] * step);
      context.lineTo(segments[k + 2] * step, side - segments[k + 3] * step);
    }
    context.lineWidth = (strong ? 2 : 1) * unit;
    context.strokeStyle = light ? 'rgb(0 0 0 / 45%)' : 'rgb(255 255 255 / 55%)';
    context.stroke();
  }
}

/**
 * Show the value under the pointer; a click or a drag picks the point. A finger picks it with a tap, as its drag
 * scrolls the page.
 * @param {HTMLElement} root @param {HTMLElement} probe @param {() => {picture: Picture, square: Square} | null} of
 * @param {(a: number, b: number) => void} onPick
 */
function watchPointer(root, probe, of, onPick) {
  let held = false;
  /** Where a finger has touched the map, as long as this may be a tap. @type {PointerEvent | null} */
  let touched = null;
  /** @param {PointerEvent} event */
  const placeOf = (event) => {
    const found = of();
    if (!found) return null;
    const {
      picture,
      square: {side, margin},
    } = found;
    const box = root.getBoundingClientRect();
    const place = [(event.clientX - box.left - margin.l) / side, 1 - (event.clientY - box.top - margin.t) / side];
    return Math.min(...place) < 0 || Math.max(...place) > 1 ? null : {picture, place};
  };
  /** @param {PointerEvent} event */
  const pick = (event) => {
    const found = placeOf(event);
    if (!found) return;
    const {span} = found.picture.shot;
    const [a, b] = found.place.map((share) => roundToDigits((2 * share - 1) * span, 3));
    onPick(a, b);
  };
  root.addEventListener('pointerleave', () => setText(probe, ''));
  root.addEventListener('pointerdown', (event) => {
    touched = null; // A second finger is no tap.
    if (event.button !== 0 || !event.isPrimary) return;
    if (event.pointerType === 'touch') {
      touched = event;
      return;
    }
    held = true;
    pick(event);
  });
  root.addEventListener('pointerup', (event) => {
    if (touched) pick(event);
  });
  for (const type of ['pointerup', 'pointercancel'])
    window.addEventListener(type, () => {
      held = false;
      touched = null;
    });
  root.addEventListener('pointermove', (event) => {
    if (touched && hasMoved(event, touched, event)) touched = null;
    if (held) pick(event);
    const found = placeOf(event);
    if (!found) return setText(probe, '');
    const {
      picture: {shot, grid: size, values, title},
      place,
    } = found;
    const [i, j] = place.map((share) => Math.round(share * (size - 1)));
    const [a, b] = [i, j].map((k) => shortText(((2 * k) / (size - 1) - 1) * shot.span));
    setText(probe, `a ${a}, b ${b}: ${title} ${lossText(values[j * size + i])}`);
  });
}
