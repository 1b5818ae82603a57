/** The landscape as a map: cells and contours on a canvas, and above it Plotly's axes and path, which do not change with the frame. */
/** @import {Picture} from './picture.js' */
import {make, makeSvg, say} from '../lib/dom.js';
import {mapTable} from '../figures/colours.js';
import {anchorTraces, contours, paintSurface, pathTraces, sliceAxis, squareIn} from '../figures/map.js';
import {drawnPart, isInside} from '../figures/path.js';
import {lossText, spanText} from '../figures/ticks.js';
import {CONFIG} from '../lib/plotly.js';
import {currentTheme} from '../lib/theme.js';

/** Pixels that Plotly needs for axes with titles; of less room a part is cut off. */
const LEAST = 120;

/** @param {import('../lib/plotly.js').Plotly} Plotly @param {HTMLElement} root @param {{onPick: (a: number, b: number) => void}} options */
export function createFlat(Plotly, root, {onPick}) {
  const canvas = make('canvas', {'aria-hidden': 'true'});
  const cells = document.createElement('canvas');
  const plot = make('div', {class: 'canvas'});
  const now = make('div', {class: 'here'});
  const there = make('div', {class: 'there', hidden: true});
  const track = makeSvg('polyline');
  const way = makeSvg('svg', {class: 'way', 'aria-hidden': 'true'}, track);
  const probe = make('p', {class: 'probe', 'aria-hidden': 'true'});
  root.append(canvas, plot, way, now, there, probe);
  let drawn = '';
  let tinted = false;
  let square = squareIn({width: 1, height: 1});
  let table = new Uint32Array(0);
  let image = new ImageData(1, 1);
  /** @type {Picture | null} */
  let shown = null;
  watchPointer(root, probe, () => shown && {picture: shown, square}, onPick);

  /** Put a mark at a point of the plane. @param {HTMLElement} mark @param {number} span @param {[number, number]} place */
  const put = (mark, span, place) => {
    const [x, y] = place.map((p) => ((p / span + 1) / 2) * square.side);
    mark.style.transform = `translate(${square.margin.l + x}px, ${square.margin.t + square.side - y}px)`;
  };

  /** Where a point of the plane is, in pixels from the canvas's corner. @param {number} span @param {number} a @param {number} b */
  const pixels = (span, a, b) => [((a / span + 1) / 2) * square.side, square.side - ((b / span + 1) / 2) * square.side];

  /** A ball's way, and the mark at its end. @param {Picture} picture */
  const putWay = ({shot: {span, pick}, way: ball}) => {
    const points = ball?.points ?? [];
    const ends = Array.from({length: points.length / 2}, (_, t) => pixels(span, points[2 * t], points[2 * t + 1]));
    track.setAttribute('points', ends.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' '));
    const {side, margin} = square;
    Object.assign(way.style, {left: `${margin.l}px`, top: `${margin.t}px`, width: `${side}px`, height: `${side}px`});
    const at = points.length ? /** @type {[number, number]} */ (points.slice(-2)) : pick;
    there.classList.toggle('ball', points.length > 0);
    there.hidden = !at || Math.max(...at.map(Math.abs)) > span;
    if (at) put(there, span, at);
  };

  /** Axes, path and colours, and the canvas exactly under them. @param {Picture} picture */
  const prepare = ({shot, grid, range, path, title}) => {
    const theme = currentTheme();
    const size = {width: root.clientWidth, height: Math.max(root.clientHeight, LEAST)};
    square = squareIn(size);
    const layout = {
      ...size,
      margin: square.margin,
      showlegend: false,
      dragmode: false,
      hovermode: 'closest',
      paper_bgcolor: 'rgba(0,0,0,0)',
      plot_bgcolor: 'rgba(0,0,0,0)',
      hoverlabel: {font: {family: theme.font, size: 12}},
      xaxis: sliceAxis('a', shot.span, theme),
      yaxis: sliceAxis('b', shot.span, theme),
    };
    const traces = [
      {type: 'scatter', x: [], y: []}, // for axes there must be a trace
      ...(path && shot.path ? pathTraces(drawnPart(path), shot.span, range, title) : []),
      ...(shot.follow ? [] : anchorTraces(shot.plane.anchors ?? [], shot.span, theme)),
    ];
    Plotly.react(plot, traces, layout, CONFIG);
    table = mapTable(range.kind);
    const {side, margin} = square;
    Object.assign(canvas.style, {left: `${margin.l}px`, top: `${margin.t}px`, width: `${side}px`, height: `${side}px`});
    canvas.width = canvas.height = Math.max(1, Math.round(side * devicePixelRatio));
    cells.width = cells.height = grid;
    image = new ImageData(grid, grid);
  };

  /** @param {Picture} picture */
  const paint = ({range, values, tint}) => {
    const context = canvas.getContext('2d');
    if (!context) return;
    const size = cells.width;
    const side = canvas.width;
    paintSurface(tint?.values ?? values, size, tint?.range ?? range, table, new Uint32Array(image.data.buffer));
    cells.getContext('2d')?.putImageData(image, 0, 0);
    context.clearRect(0, 0, side, side);
    // The grid's outer values lie on the frame, so each cell's centre is a sample: draw half a cell beyond.
    const step = side / (size - 1);
    context.drawImage(cells, -step / 2, -step / 2, side + step, side + step);
    for (const {segments, light, strong} of contours(values, size, range)) {
      context.beginPath();
      for (let k = 0; k < segments.length; k += 4) {
        context.moveTo(segments[k] * step, side - segments[k + 1] * step);
        context.lineTo(segments[k + 2] * step, side - segments[k + 3] * step);
      }
      context.lineWidth = (strong ? 2 : 1) * devicePixelRatio;
      context.strokeStyle = light ? 'rgb(0 0 0 / 45%)' : 'rgb(255 255 255 / 55%)';
      context.stroke();
    }
  };

  return {
    /** What can be pointed at, in pixels of the root. @returns {import('../features/callouts/callouts.js').LandscapePlaces | null} */
    places() {
      if (!shown || !root.clientWidth) return null;
      const {
        side,
        margin: {l, t},
      } = square;
      const {
        place,
        shot: {span},
      } = shown;
      const at = (/** @type {number} */ a, /** @type {number} */ b) => {
        const [x, y] = pixels(1, a, b);
        return {x: l + x, y: t + y};
      };
      return {
        network: place && {...at(place[0] / span, place[1] / span), radius: 10},
        at,
        isDrawn: (x, y) => x >= l && y >= t && x <= l + side && y <= t + side,
      };
    },
    /** @param {Picture} picture */
    draw(picture) {
      const {shot, path, place, key} = picture;
      shown = picture;
      const fresh = key !== drawn;
      drawn = key;
      if (fresh) prepare(picture);
      if (fresh || shot.follow || shot.computed || picture.tint || tinted) paint(picture);
      tinted = picture.tint !== null;
      now.hidden = !place || (path !== null && !isInside(path, shot.frame, shot.span));
      if (place) put(now, shot.span, place);
      putWay(picture);
    },
  };
}

/**
 * The value under the pointer; a click or a drag picks the point.
 * @param {HTMLElement} root @param {HTMLElement} probe @param {() => {picture: Picture, square: ReturnType<typeof squareIn>} | null} of
 * @param {(a: number, b: number) => void} onPick
 */
function watchPointer(root, probe, of, onPick) {
  let held = false;
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
    const [a, b] = found.place.map((share) => Number(((2 * share - 1) * span).toPrecision(3)));
    onPick(a, b);
  };
  root.addEventListener('pointerleave', () => say(probe, ''));
  root.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    held = true;
    pick(event);
  });
  for (const type of ['pointerup', 'pointercancel'])
    window.addEventListener(type, () => {
      held = false;
    });
  root.addEventListener('pointermove', (event) => {
    if (held) pick(event);
    const found = placeOf(event);
    if (!found) return say(probe, '');
    const {
      picture: {shot, grid: size, values, title},
      place,
    } = found;
    const [i, j] = place.map((share) => Math.round(share * (size - 1)));
    const [a, b] = [i, j].map((k) => spanText(((2 * k) / (size - 1) - 1) * shot.span));
    say(probe, `a ${a}, b ${b}: ${title} ${lossText(values[j * size + i])}`);
  });
}
