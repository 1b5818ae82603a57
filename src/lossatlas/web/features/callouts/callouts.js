/**
 * This module draws the labels of a first visit: three labels with leader lines, which say what the two plots are. They
 * are placed by what the plots have drawn, follow it, and let every press through except that of their one button. They
 * disappear for good when a person begins to use the page, or dismisses them.
 */
/** @import {State} from '../../model/types.js' */
/** @import {Anchor, Box} from './placement.js' */
/** @import {StateStore} from '../../model/address.js' */
import {byId, make, makeSvg} from '../../lib/dom.js';
import {boxOf, isInside, leaderOf, overlap, placeLabel} from './placement.js';

/**
 * @typedef {object} LandscapePlaces the places of what is drawn, in pixels of #landscape-stage
 * @property {Anchor | null} network the network's ball
 * @property {(a: number, b: number) => Anchor | null} at returns the place of a point of the landscape, given in shares
 *   of the span; null if it is hidden
 * @property {(x: number, y: number) => boolean} isDrawn is the landscape at this pixel?
 *
 * @typedef {object} BoundaryPlaces the places of what is drawn, in pixels of the plot's body
 * @property {Box} frame
 * @property {Anchor[]} line along the boundary
 * @property {() => Anchor[]} points returns the places of the data points
 */

/** A point must be at least this many pixels away from the network to count as another one. */
const APART = 56;
/** If a leader line has become longer than this, its label is placed again. */
const LONGEST = 180;
/** The distance between a label and the edge of its plot. */
const EDGE = 8;
/** Up to this width the plot is on a phone, where no numbers appear under a finger. */
const NARROW = 430;
/** A label that covers this many marks is as bad as one that covers everything. */
const MANY = 6;
/** The number of places along a line that are tried. */
const TRIED = 24;
const SHARES = [-0.8, -0.55, -0.3, 0.3, 0.55, 0.8];

/**
 * @param {object} options
 * @param {() => LandscapePlaces | null} options.landscape null if nothing is drawn that a label could point at
 * @param {() => BoundaryPlaces | null} options.boundary
 * @param {StateStore} options.store
 * @param {() => void} options.onDismissed
 */
export function createCallouts({landscape, boundary, store, onDismissed}) {
  const [left, right] = [
    createLayer(byId('landscape-stage')),
    createLayer(byId('boundary-plot').parentElement ?? document.body),
  ];
  const close = make(
    'button',
    {type: 'button', class: 'quiet', 'aria-label': 'Dismiss the labels', title: 'Hide these three labels.'},
    '×',
  );
  const network = left.label('This network, now');
  const others = left.label('Every point is another network; lower is better', close);
  const border = right.label('The predicted class changes here');
  const ends = new AbortController();

  const dismiss = () => {
    if (ends.signal.aborted) return;
    ends.abort();
    if (close.matches(':focus'))
      /** @type {HTMLElement | null} */ (document.querySelector('#view input:checked'))?.focus();
    for (const {layer} of [left, right]) layer.remove();
    onDismissed();
  };

  const noteDrawn = () => {
    if (ends.signal.aborted) return;
    const ground = landscape();
    left.draw(ground && placesOfNetwork(ground, left.size()), [others, network]); // The longer label comes first.
    const plot = boundary();
    right.draw(plot && placesOfBorder(plot), [border]);
  };

  watchUse(store, dismiss, ends.signal);
  const sizes = new ResizeObserver((changes) => {
    for (const {target, contentRect} of changes) (target === left.layer ? left : right).resize(contentRect);
    noteDrawn();
  });
  // The observer reports both sizes at its start, so they are drawn then.
  for (const {layer} of [left, right]) sizes.observe(layer);
  ends.signal.addEventListener('abort', () => sizes.disconnect());
  return {noteDrawn};
}

/**
 * @typedef {{room: Box, taken: Box[], anchors: Anchor[][], coverageOf: (box: Box) => number}} Places `anchors`: the
 *   anchors of each label, as they are drawn
 */

/** @param {LandscapePlaces} places @param {{width: number, height: number}} size @returns {Places} */
function placesOfNetwork({network, at, isDrawn}, {width, height}) {
  const ground = SHARES.flatMap((b) => SHARES.map((a) => at(a, b))).filter((anchor) => anchor !== null);
  return {
    room: {left: EDGE, top: EDGE, right: width - EDGE, bottom: height - EDGE},
    taken: [
      ...(network ? [boxOf(network)] : []),
      {left: width - 190, top: 0, right: width, bottom: 52}, // These are the buttons that turn the view.
      // These are the numbers under the pointer.
      ...(width > NARROW ? [{left: width - 240, top: height - 48, right: width, bottom: height}] : []),
    ],
    anchors: [
      ground.filter((anchor) => !network || Math.hypot(anchor.x - network.x, anchor.y - network.y) > APART),
      network ? [network] : [],
    ],
    coverageOf: (box) => shareOf(box, isDrawn),
  };
}

/** @param {BoundaryPlaces} places @returns {Places} */
function placesOfBorder({frame: {left, top, right, bottom}, line, points}) {
  /** @type {Anchor[] | null} */
  let marks = null; // They are computed when a label is placed, which is rare.
  return {
    room: {left: left + EDGE, top: top + EDGE, right: right - EDGE, bottom: bottom - EDGE},
    taken: [],
    anchors: [line],
    coverageOf(box) {
      marks ??= [...points(), ...line];
      return Math.min(
        1,
        marks.filter(({x, y}) => x > box.left && x < box.right && y > box.top && y < box.bottom).length / MANY,
      );
    },
  };
}

/**
 * Return the share of a box in which something is drawn.
 * @param {Box} box @param {(x: number, y: number) => boolean} is
 */
function shareOf({left, top, right, bottom}, is) {
  const places = [0, 0.5, 1].flatMap((u) =>
    [0, 1].map((v) => /** @type {const} */ ([left + u * (right - left), top + v * (bottom - top)])),
  );
  return places.filter(([x, y]) => is(x, y)).length / places.length;
}

/** Create the labels over one plot, and their lines. @param {HTMLElement} root */
function createLayer(root) {
  const lines = makeSvg('svg', {'aria-hidden': 'true'});
  const layer = make('div', {class: 'callouts'}, lines);
  root.append(layer);
  /** The place of each label, which it keeps as long as it can. @type {Map<HTMLElement, {box: Box, anchor: Anchor}>} */
  const standing = new Map();
  /** The size as it was last reported: measuring it for each frame would make the browser lay out the page. */
  let size = {width: 0, height: 0};

  return {
    layer,
    size: () => size,
    /** @param {{width: number, height: number}} now */
    resize({width, height}) {
      size = {width, height};
      standing.clear();
    },
    /** @param {string} text @param {Node[]} more */
    label(text, ...more) {
      const label = make('p', {}, text, ...more);
      layer.append(label);
      return label;
    },
    /** @param {Places | null} places @param {HTMLElement[]} labels */
    draw(places, labels) {
      if (!size.width) return;
      /** @type {Box[]} */
      const taken = [...(places?.taken ?? [])];
      lines.replaceChildren();
      labels.forEach((label, i) => {
        const found = places && placeOf(label, places, places.anchors[i], taken, standing.get(label) ?? null);
        label.hidden = !found && !label.querySelector('button');
        label.classList.toggle('astray', !found); // The label's button stays visible.
        if (!found) return void standing.delete(label);
        standing.set(label, found);
        taken.push(found.box);
        label.style.transform = `translate(${found.box.left}px, ${found.box.top}px)`;
        const [x1, y1, x2, y2] = leaderOf(found.anchor, found.box);
        lines.append(...['halo', 'leader'].map((name) => makeSvg('line', {class: name, x1, y1, x2, y2})));
        if (!found.anchor.radius) lines.append(makeSvg('circle', {cx: x2, cy: y2, r: 3.5}));
      });
    },
  };
}

/**
 * Place a label. It keeps its place if it can, and its line follows what it points at; otherwise the label is placed
 * again.
 * @param {HTMLElement} label @param {Places} places @param {Anchor[]} anchors @param {Box[]} taken
 * @param {{box: Box, anchor: Anchor} | null} before
 */
function placeOf(label, {room, coverageOf}, anchors, taken, before) {
  if (before && isInside(before.box, room) && !taken.some((other) => overlap(before.box, other))) {
    const near = anchors.toSorted(
      (one, other) => distanceBetween(one, before.anchor) - distanceBetween(other, before.anchor),
    )[0];
    if (near) {
      const [x1, y1, x2, y2] = leaderOf(near, before.box);
      const length = Math.hypot(x2 - x1, y2 - y1);
      if (length > EDGE && length < LONGEST) return {box: before.box, anchor: near};
    }
  }
  label.hidden = false; // The class is removed as well, since it would change the size.
  label.classList.remove('astray');
  const {offsetWidth: width, offsetHeight: height} = label;
  const some = anchors.filter((_, i) => i % Math.ceil(anchors.length / TRIED) === 0);
  return placeLabel(some, {width, height}, room, {taken, coverageOf});
}

/** @param {Anchor} one @param {Anchor} other */
const distanceBetween = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

/**
 * Report the first use of the page: any click, drag, input or key that does something. Looking, scrolling, and moving
 * on with Tab do not count; nor does the playback that starts by itself.
 * @param {StateStore} store @param {() => void} onUse @param {AbortSignal} signal
 */
function watchUse(store, onUse, signal) {
  const keys = ['Escape', 'Enter', ' ', 'ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End'];
  for (const type of ['click', 'input', 'change', 'submit']) {
    document.addEventListener(
      type,
      (event) => {
        if (!isPlotChoice(event)) onUse();
      },
      {signal, capture: true},
    );
  }
  document.addEventListener(
    'keydown',
    (event) => {
      if (
        event.key === 'Escape'
          ? !event.defaultPrevented
          : keys.includes(event.key) && isForPage(event) && !isPlotChoice(event)
      )
        onUse();
    },
    {signal, capture: true},
  );
  document.addEventListener(
    'pointermove',
    (event) => {
      if (event.pointerType === 'mouse' && event.buttons && /** @type {Element} */ (event.target).closest?.('.plot'))
        onUse();
    },
    {signal, capture: true},
  );
  store.subscribe((state, before) => {
    if (
      Object.keys(state).some(
        (name) =>
          name !== 'epoch' &&
          !Object.is(state[/** @type {keyof State} */ (name)], before[/** @type {keyof State} */ (name)]),
      )
    )
      onUse();
  });
}

/** Does the event choose which plot a small window shows? @param {Event} event */
const isPlotChoice = ({target}) => target instanceof Element && target.closest('#plots') !== null;

/** Is the key meant for the page? Keys of the browser are not. @param {KeyboardEvent} event */
const isForPage = ({altKey, ctrlKey, metaKey}) => !altKey && !ctrlKey && !metaKey;
