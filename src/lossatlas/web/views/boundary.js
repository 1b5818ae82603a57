/**
 * This view draws the right plot: Plotly's axes and points, which do not change with the frame, above the canvas of the
 * regions.
 */
/** @import {Seen, Shot} from '../model/types.js' */
/** @import {NetworkAnswer} from '../compute/network.js' */
/** @import {BoundaryPlaces} from '../features/callouts/callouts.js' */
/** @import {LogitsAt} from '../figures/border.js' */
/** @import {Run} from '../model/run.js' */
/** @import {Box} from './regions.js' */
import {shortText} from '../lib/numbers.js';
import {byId, fitText, make, setText} from '../lib/dom.js';
import {createLazy} from '../lib/lazy.js';
import {createPlaneLayout} from '../figures/ticks.js';
import {
  describeBoundary,
  escapeHtml,
  createFeatureAxis,
  findMisclassified,
  computePlotSize,
  createPointTraces,
  describeProbabilities,
} from '../figures/boundary.js';
import {CONFIG} from '../lib/plotly.js';
import {readTheme} from '../lib/theme.js';
import {joinKey} from '../model/keys.js';
import {showPlot} from './controls.js';
import {drawLegend} from './legend.js';
import {createRegions} from './regions.js';

const MARGIN = {l: 48, r: 16, t: 8, b: 40};
const REST = 250;

/**
 * @param {import('../lib/plotly.js').Plotly} Plotly
 * @param {object} options
 * @param {(shot: Shot) => NetworkAnswer | null} options.networkOf returns the network at a picked point, or of a frame
 *   without stored predictions
 * @param {(shot: Shot, x: number, y: number) => number[] | null} options.oddsOf returns the probabilities at a place,
 *   if they are known
 * @param {(shot: Shot) => LogitsAt | null} options.logitsOf returns a function that evaluates the network, if its
 *   parameters are known
 * @param {(shot: Shot) => void} options.onAttend a person examines this picture, so its parameters are worth fetching
 * @param {(point: number | null) => void} options.onHover a data point is under the pointer; null: none is any more
 * @param {(frame: number) => void} options.onFrame a frame was chosen in the plot
 * @param {() => void} options.onArrived the rest of the plot of a recorded run has arrived
 */
export function createBoundary(Plotly, {networkOf, oddsOf, logitsOf, onAttend, onHover, onFrame, onArrived}) {
  const root = byId('boundary-plot');
  const regions = createRegions(/** @type {HTMLCanvasElement} */ (byId('boundary-canvas')));
  const axes = createAxes(Plotly, root, onHover);
  /** @type {{shot: Shot, seen: Seen} | null} */
  let shown = null;
  const attention = watchFirstUse(() => shown && onAttend(shown.shot));
  const probe = createProbe(root, axes, {
    textAt: (x, y) => (shown ? textAt(shown, x, y, oddsOf) : ''),
    onPoint: () => shown && onAttend(shown.shot),
    onPlace: (place, at) => shown && further.of(shown.shot.run)?.image.show(shown.shot.run, place, at),
  });
  const further = createFurtherPart({onFrame, onArrived, boxOf: axes.box, onPlace: probe.put});
  let key = '';
  let style = 0;
  let timer = 0;

  return {
    /** Request what the plot of a run needs besides this module. @param {Run} run */
    request: further.request,
    /** Has it arrived, or is it known that it will not? @param {Run} run */
    isKnown: further.isKnown,
    /** The size or the theme has changed: the next drawing uses the new one. */
    restyle() {
      style++;
    },
    /** Return the places of what is drawn, in pixels of the plot. @returns {BoundaryPlaces | null} */
    places: () => shown && placesOf(shown.shot.run, axes.box(), regions),
    /** @param {Shot} shot */
    draw(shot) {
      const {run, frame, pick} = shot;
      const extra = further.of(run);
      further.announce(run);
      if (run.hasSampleLosses && extra) {
        shown = null;
        key = '';
        setText(byId('boundary-whose'), extra.samples.note(run, frame)); // First, since it takes a line from the plot.
        byId('boundary-whose').hidden = false;
        extra.samples.draw(shot, String(style));
        clearTimeout(timer);
        timer = window.setTimeout(() => setText(byId('boundary-summary'), extra.samples.summary(run, frame)), REST);
      }
      if (!run.hasBoundary) return;
      const answer = networkOf(shot);
      const found = pick ? answer : null;
      const wanted = joinKey(run.id, style);
      if (wanted !== key) regions.prepare(run, axes.draw(run));
      else if (pick && !found?.current) return; // The earlier picture stays until the answer arrives.
      key = wanted;
      const seen = answer?.picked ?? (run.hasPredictions ? run.predictionsOf(frame) : null);
      if (!seen) return;
      const whose = describeOwner(shot, found);
      shown = {shot, seen};
      probe.draw();
      extra?.keys.redraw();
      const wrong = findMisclassified(run, seen);
      regions.paint(run, seen, wrong, logitsOf(shot), extra);
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        setText(byId('boundary-summary'), describeBoundary(run, seen, whose, wrong.length));
        if (attention.isPaid()) onAttend(shot);
      }, REST);
    },
  };
}

/**
 * Load what the right plot of a recorded run needs besides axes, points and regions, and give the plot its words.
 * @param {Parameters<typeof import('./recorded_plot.js').createRecordedPlot>[0] & {onArrived: () => void}} options
 */
function createFurtherPart({onArrived, ...options}) {
  const part = createLazy({
    load: () => import('./recorded_plot.js'),
    create: ({createRecordedPlot}) => createRecordedPlot(options),
    styles: ['styles/recorded.css'],
  });
  const [section, heading, meaning] = [byId('boundary'), byId('boundary-heading'), byId('boundary-meaning')];
  const tab = /** @type {HTMLInputElement} */ (document.querySelector('#plots [value="boundary"]'));
  const usual = {
    heading: heading.textContent ?? '',
    tab: tab.parentElement?.textContent ?? '',
    meaning: meaning.innerHTML,
  };
  let hasFailed = false;
  const isNeeded = (/** @type {Run} */ run) =>
    run.hasSampleLosses || ['projection', 'samples'].includes(run.manifest.boundary?.kind ?? '');
  const of = (/** @type {Run} */ run) => (isNeeded(run) ? part.known() : null);
  return {
    of,
    /** @param {Run} run */
    request(run) {
      if (!isNeeded(run) || part.isAsked() || hasFailed) return;
      part.request().then(onArrived, () => {
        hasFailed = true; // The plot then has only what all runs have.
        onArrived();
      });
    },
    /** @param {Run} run */
    isKnown: (run) => !isNeeded(run) || hasFailed || part.known() !== null,
    /** Show or hide the plot, and say what it is. @param {Run} run */
    announce(run) {
      const isThere = run.hasBoundary || (run.hasSampleLosses && part.known() !== null);
      if (section.hidden === isThere) section.hidden = !isThere;
      tab.disabled = !isThere;
      part.known()?.keys.allow(isNeeded(run) && run.hasBoundary);
      if (tab.checked && !isThere) showPlot('landscape');
      section.dataset.plot = run.hasSampleLosses ? 'samples' : 'boundary';
      const words = of(run)?.wordsOf(run) ?? usual;
      setText(heading, words.heading);
      setText(meaning, words.meaning);
      setText(/** @type {Element} */ (tab.nextElementSibling), words.tab.trim());
    },
  };
}

/**
 * @param {{shot: Shot, seen: Seen}} shown
 * @param {number} x
 * @param {number} y
 * @param {(shot: Shot, x: number, y: number) => number[] | null} oddsOf
 */
function textAt({shot, seen}, x, y, oddsOf) {
  return describeProbabilities(shot.run, seen, x, y, (...place) => oddsOf(shot, ...place));
}

/**
 * Say above the plot whose boundary it shows, if it is not the frame's.
 * @param {Shot} shot
 * @param {NetworkAnswer | null} found
 * @returns {string} the words for the summary
 */
function describeOwner({run, frame, pick}, found) {
  const note = byId('boundary-whose');
  if (note.hidden === Boolean(found)) note.hidden = !found;
  if (!found) return `Epoch ${run.frames[frame]}`;
  const ball = found.epochs === null ? '' : `, ${found.epochs} epochs on`;
  const [a, b] = pick ? pick.map(shortText) : ['', ''];
  setText(note, `of the network at a ${a}, b ${b}${ball}`);
  return `The network at a = ${a}, b = ${b}${ball}`;
}

/**
 * Report the first time that a person points at something. Someone who opens the page and leaves, or only watches, does
 * not need the parameters.
 * @param {() => void} onFirst
 */
function watchFirstUse(onFirst) {
  let isPaid = false;
  const notice = () => {
    if (!isPaid) onFirst();
    isPaid = true;
  };
  for (const type of ['pointermove', 'pointerdown'])
    document.addEventListener(type, notice, {once: true, passive: true});
  return {isPaid: () => isPaid};
}

/**
 * Create Plotly's axes and points, and report their place.
 * @param {import('../lib/plotly.js').Plotly} Plotly
 * @param {HTMLElement} root
 * @param {(point: number | null) => void} onHover
 */
function createAxes(Plotly, root, onHover) {
  /** @type {Box} */
  let box = {margin: MARGIN, width: 0, height: 0};
  let isWatched = false;
  const watch = () => {
    if (isWatched) return;
    isWatched = true;
    const plot = /** @type {any} */ (root); // Plotly turns the element into an event emitter with its first drawing.
    plot.on('plotly_hover', (/** @type {any} */ {points: [point]}) => onHover(point?.customdata ?? null));
    plot.on('plotly_unhover', () => onHover(null));
  };

  return {
    box: () => box,
    /** @param {Run} run @returns {Box} */
    draw(run) {
      const theme = readTheme();
      const {features} = run.manifest.dataset;
      drawLegend(byId('legend'), run, theme.dark); // The legend comes first: it may take a line from the plot.
      const [across, up] = ['grid_x', 'grid_y'].map((name, axis) =>
        createFeatureAxis(features, axis, run.numbers(name), theme),
      );
      const {clientWidth: width, clientHeight: height} = root;
      const margin = computeMargins(run, up.ticktext, {width, height, text: theme.text});
      box = {margin, width: width - margin.l - margin.r, height: height - margin.t - margin.b};
      // A name may be longer than its axis. The sentence under the pointer and the table show all of it.
      [across, up].forEach(({title}, axis) => {
        const room = axis === 0 ? box.width + margin.r : box.height + margin.t;
        title.text = escapeHtml(fitText(features[axis].name, room, `${12 * theme.text}px ${theme.font}`));
      });
      const layout = {
        width,
        height,
        margin,
        ...createPlaneLayout(theme),
        xaxis: across,
        yaxis: up,
      };
      Plotly.react(root, createPointTraces(run, theme), layout, CONFIG);
      watch();
      return box;
    },
  };
}

/** @param {Run} run @param {Box} box @param {ReturnType<typeof createRegions>} regions @returns {BoundaryPlaces} */
function placesOf(run, {margin: {l, t}, width, height}, regions) {
  const toPlot = (/** @type {{x: number, y: number}[]} */ places) => places.map(({x, y}) => ({x: l + x, y: t + y}));
  return {
    frame: {left: l, top: t, right: l + width, bottom: t + height},
    line: toPlot(regions.line()),
    points: () => toPlot(regions.points(run)),
  };
}

/**
 * Compute the margins: the room that a plot of equal scales leaves free is split between both sides.
 * @param {Run} run
 * @param {string[]} labels the labels of the vertical axis, beside which its title is placed
 * @param {{width: number, height: number, text: number}} style `text`: the size of texts, relative to the usual one
 */
function computeMargins(run, labels, {width, height, text}) {
  const [least, right, top, bottom] = [MARGIN.l, MARGIN.r, MARGIN.t, MARGIN.b].map((side) => side * text);
  const left = Math.max(least, (26 + 6.5 * Math.max(...labels.map(({length}) => length))) * text);
  const room = {width: width - left - right, height: height - top - bottom};
  const size = computePlotSize(run, room.width, room.height);
  const [x, y] = [(room.width - size.width) / 2, (room.height - size.height) / 2].map(Math.floor);
  return {l: left + x, r: right + x, t: top + y, b: bottom + y};
}

/**
 * Create the sentence about the place under the pointer.
 * @param {HTMLElement} root @param {ReturnType<typeof createAxes>} axes
 * @param {object} options the places are shares of the plot, from its lower left corner
 * @param {(x: number, y: number) => string} options.textAt
 * @param {() => void} options.onPoint
 * @param {(place: {x: number, y: number} | null, at?: {x: number, y: number}) => void} options.onPlace also where that
 *   is in pixels of the plot; null: nowhere
 */
function createProbe(root, axes, {textAt, onPoint, onPlace}) {
  const probe = make('p', {class: 'probe', 'aria-hidden': 'true'});
  root.after(probe);
  /** @type {[number, number] | null} */
  let place = null;
  const draw = () => setText(probe, place ? textAt(...place) : '');
  root.addEventListener('pointerleave', () => {
    place = null;
    onPlace(null);
    draw();
  });
  const point = (/** @type {PointerEvent} */ event) => {
    const box = root.getBoundingClientRect();
    const {l, r, t, b} = axes.box().margin;
    const x = (event.clientX - box.left - l) / (box.width - l - r);
    const y = 1 - (event.clientY - box.top - t) / (box.height - t - b);
    place = x >= 0 && x <= 1 && y >= 0 && y <= 1 ? [x, y] : null;
    if (place) onPoint();
    onPlace(place && {x: place[0], y: place[1]}, {x: event.clientX - box.left, y: event.clientY - box.top});
    draw();
  };
  root.addEventListener('pointermove', point);
  root.addEventListener('pointerdown', point); // A touch may end before it moves.
  return {
    draw,
    /**
     * Show a place that the keyboard chose, and return the sentence about it.
     * @param {{x: number, y: number} | null} at shares of the plot @param {{x: number, y: number}} [pixels]
     */
    put(at, pixels) {
      place = at && [at.x, at.y];
      if (at) onPoint();
      onPlace(at, pixels);
      draw();
      return probe.textContent ?? '';
    },
  };
}
