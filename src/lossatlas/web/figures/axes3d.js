/**
 * This module draws what surrounds the surface, as SVG: the walls and the grid behind it, and the labels, the network's
 * ball and the marks in front of it. It consists of pure functions.
 */
/** @import {Camera, Vector} from './camera.js' */
/** @import {LossRange} from './range.js' */
/** @import {Relief} from './landscape.js' */
/** @import {Theme} from '../lib/theme.js' */
import {BALL_COLOUR, PATH_COLOUR} from './colours.js';
import {chooseNamedTicks} from './range.js';
import {measureSides, interpolateHeight, computeHeight, findHit, findRestingHeight} from './relief.js';
import {pixelText, shortText, tickLabel} from '../lib/numbers.js';

/** The radius of the ball, as a share of half a side. */
const RADIUS = 0.035;
/**
 * Two labels of the loss must be this many pixels apart to be readable. Seen from above, the whole axis is hardly
 * longer.
 */
const APART = 12;
/** The approximate size of a letter, in pixels. */
const LETTER = {width: 7, height: 14};
/** The distance of the labels of a and b from the box, in pixels. */
const OUTSIDE = {ticks: 11, letter: 13};
const PLACES = [-1, -0.5, 0, 0.5, 1];

/** @param {{x: number, y: number}[]} points */
const writePoints = (points) => points.map(({x, y}) => `${pixelText(x)} ${pixelText(y)}`).join('L');

/**
 * Draw the floor and the two walls behind the surface, with their grid.
 * @param {Camera} camera @param {LossRange} range @param {Theme} theme
 */
export function drawWalls({project, eye}, range, theme) {
  const [backA, backB] = [-Math.sign(eye[0]) || 1, -Math.sign(eye[1]) || 1];
  const heights = chooseNamedTicks(range)
    .map((tick) => computeHeight(range, tick))
    .filter((height) => height <= 1);
  /** @param {Vector[]} points */
  const line = (...points) => `M${writePoints(points.map(project))}`;
  const faces = [
    [
      [-1, -1, 0],
      [1, -1, 0],
      [1, 1, 0],
      [-1, 1, 0],
    ],
    [
      [backA, -1, 0],
      [backA, 1, 0],
      [backA, 1, 1],
      [backA, -1, 1],
    ],
    [
      [-1, backB, 0],
      [1, backB, 0],
      [1, backB, 1],
      [-1, backB, 1],
    ],
  ].map((face) => `${line(.../** @type {Vector[]} */ (face))}Z`);
  const grid = [
    ...PLACES.flatMap((place) => [
      line([place, -1, 0], [place, 1, 0]),
      line([-1, place, 0], [1, place, 0]),
      line([backA, place, 0], [backA, place, 1]),
      line([place, backB, 0], [place, backB, 1]),
    ]),
    ...heights.flatMap((height) => [
      line([backA, -1, height], [backA, 1, height]),
      line([-1, backB, height], [1, backB, height]),
    ]),
  ];
  return (
    `<path d="${faces.join('')}" fill="${theme.ink}" fill-opacity="0.025"/>` +
    `<path d="${grid.join('')}" fill="none" stroke="${theme.grid}" stroke-width="0.75" stroke-opacity="0.7"/>`
  );
}

/**
 * Draw the labels of the axes: a and b along the near edges of the floor, the loss at the left.
 * @param {Camera} camera @param {LossRange} range @param {number} span @param {Theme} theme
 */
export function drawLabels({project, eye, size}, range, span, theme) {
  const scale = theme.text;
  const [nearA, nearB] = [Math.sign(eye[0]) || 1, Math.sign(eye[1]) || 1];
  /** @param {Vector} at @param {string} text */
  const label = (at, text) => {
    const {x, y} = keepInside(project(at), text, 1, {...size, scale});
    return `<text x="${pixelText(x)}" y="${pixelText(y + 4 * scale)}">${text}</text>`;
  };
  const serif = 'font-family="STIX Two Text, Cambria Math, Georgia, serif"';
  const italic = ` font-style="italic" font-size="${15 * scale}" fill="${theme.ink}" ${serif}`;
  const small = size.width < 420 * scale;
  const places = small ? [-1, 1] : [-1, 0, 1];
  /**
   * Place a label beside an edge of the box, at the end (floor or top) that is farther out.
   * @param {number} a @param {number} b @param {number} away @param {string} text @param {string} [more]
   */
  const labelBeside = (a, b, away, text, more = '') => {
    const middle = project([0, 0, 0.5]);
    const [low, high] = [project([a, b, 0]), project([a, b, 1])];
    const inward = project([a * (Math.abs(a) > Math.abs(b) ? 0.9 : 1), b * (Math.abs(b) > Math.abs(a) ? 0.9 : 1), 0]);
    const across = {x: low.x - inward.x, y: low.y - inward.y};
    const length = Math.hypot(across.x, across.y);
    const extentAt = (/** @type {{x: number, y: number}} */ {x, y}) =>
      (x - middle.x) * across.x + (y - middle.y) * across.y;
    const from = extentAt(high) > extentAt(low) ? high : low;
    const {x, y} = keepInside(
      {x: from.x + (scale * away * across.x) / length, y: from.y + (scale * away * across.y) / length},
      text,
      0.5,
      {...size, scale},
    );
    return `<text x="${pixelText(x)}" y="${pixelText(y + 4 * scale)}"${more}>${text}</text>`;
  };
  const side = findLeftEdge(project, nearA, nearB);
  const labelY = (/** @type {number} */ height) => project([side[0] * 1.02, side[1] * 1.02, height]).y;
  let lowest = Infinity;
  const heights = chooseNamedTicks(range)
    .map((tick) => ({tick, at: computeHeight(range, tick)}))
    .filter(({at}) => {
      if (at > 1 || lowest - labelY(at) < APART * scale) return false;
      lowest = labelY(at);
      return true;
    });
  const losses = heights.map(({tick, at}) => label([side[0] * 1.02, side[1] * 1.02, at], tickLabel(tick)));
  return `<g font-size="${11 * scale}" fill="${theme.muted}" text-anchor="middle">${[
    ...places.map((place) => labelBeside(place * 0.97, nearB, OUTSIDE.ticks, shortText(place * span))),
    ...places.map((place) => labelBeside(nearA, place * 0.97, OUTSIDE.ticks, shortText(place * span))),
    labelBeside(0.5, nearB, OUTSIDE.letter, 'a', italic),
    labelBeside(nearA, 0.5, OUTSIDE.letter, 'b', italic),
    `<g text-anchor="end">${losses.join('')}</g>`,
  ].join('')}</g>`;
}

/**
 * Move a label that would be cut off at the edge of the panel inside. A label that lies entirely outside stays there.
 * @param {{x: number, y: number}} at @param {string} text @param {number} before the share of the label that is before
 *   its place @param {{width: number, height: number, scale: number}} size
 */
function keepInside({x, y}, text, before, {width, height, scale}) {
  const wide = LETTER.width * scale * text.length;
  const high = LETTER.height * scale;
  const inside = (
    /** @type {number} */ value,
    /** @type {number} */ low,
    /** @type {number} */ high,
    /** @type {number} */ most,
  ) => {
    const moved = Math.max(low, Math.min(high, value));
    return Math.abs(moved - value) < most ? moved : value;
  };
  return {
    x: inside(x, before * wide, width - (1 - before) * wide, wide),
    y: inside(y, high / 2, height - high / 2, high),
  };
}

/**
 * Find the upright edge of the box that is farthest to the left.
 * @param {Camera['project']} project @param {number} nearA @param {number} nearB
 */
function findLeftEdge(project, nearA, nearB) {
  const edges = [
    [nearA, -nearB],
    [-nearA, nearB],
  ];
  return edges.sort((one, other) => project([one[0], one[1], 0]).x - project([other[0], other[1], 0]).x)[0];
}

/**
 * Find the place of a network's ball: at the network's own loss, or resting on the surface if that is the surface's
 * loss.
 * @param {Relief} relief @param {Camera} camera @param {LossRange} range
 * @param {{place: [number, number], loss: number, upon: boolean}} network `upon`: its loss is that of the surface there
 * @returns {Vector} the ball's centre
 */
export function placeBall({heights, size}, {box}, range, {place, loss, upon}) {
  const sides = measureSides(box);
  const own = Math.min(1, computeHeight(range, loss)) + (RADIUS * sides.a) / sides.up;
  return [...place, upon ? Math.max(own, Math.min(1.05, findRestingHeight(heights, size, place, RADIUS, sides))) : own];
}

/**
 * Draw a shaded ball, or a ring where the surface hides it, so that nobody has to search for it.
 * @param {Vector} at @param {Relief} relief @param {Camera} camera @param {Theme} theme @param {string} [tone]
 */
export function drawBall(at, relief, camera, theme, tone = theme.paper) {
  const {x, y, scale} = camera.project(at);
  const radius = Math.max(5, RADIUS * measureSides(camera.box).a * scale);
  const circle = `cx="${pixelText(x)}" cy="${pixelText(y)}" r="${pixelText(radius)}"`;
  if (isHidden(at, relief, camera)) {
    return (
      `<circle ${circle} fill="${tone}" fill-opacity="0.25" stroke="#fff" stroke-width="4" stroke-opacity="0.6"/>` +
      `<circle class="hidden-ball" ${circle} fill="none" stroke="#111" stroke-width="1.75" stroke-dasharray="3 2.5"/>`
    );
  }
  const id = tone === BALL_COLOUR ? 'released' : 'network';
  return (
    `<radialGradient id="lit-${id}" cx="0.36" cy="0.3" r="0.75"><stop offset="0" stop-color="#fff"/>` +
    `<stop offset="0.35" stop-color="${tone}"/><stop offset="1" stop-color="#3b2a12"/></radialGradient>` +
    `<ellipse cx="${pixelText(x + radius * 0.5)}" cy="${pixelText(y + radius * 0.85)}" ` +
    `rx="${pixelText(radius * 1.1)}" ry="${pixelText(radius * 0.5)}" fill="#000" fill-opacity="0.28"/>` +
    `<circle class="ball" ${circle} fill="url(#lit-${id})" stroke="#111" stroke-width="1"/>`
  );
}

/** Does the surface hide a point? @param {Vector} at @param {Relief} relief @param {Camera} camera */
export function isHidden(at, {heights, size}, camera) {
  const {x, y, depth} = camera.project(at);
  const met = findHit(heights, size, camera.ray(x, y));
  return met !== null && camera.project(met).depth < depth - 0.02;
}

/**
 * Draw the path of a released ball, also where it is below the surface: otherwise the ball would seem to come from
 * nowhere.
 * @param {Vector[]} points NaN interrupts the path @param {Camera} camera
 */
export function drawDescent(points, {project}) {
  const at = points.map((point) => (point.some(Number.isNaN) ? null : project(point)));
  const d = at
    .map((place, i) => (place ? `${at[i - 1] ? 'L' : 'M'}${pixelText(place.x)} ${pixelText(place.y)}` : ''))
    .join('');
  return (
    d &&
    `<path class="way-through" d="${d}" fill="none" stroke="${BALL_COLOUR}" stroke-width="1.75" ` +
      `stroke-dasharray="4 3"/>`
  );
}

/** Draw a cross at the picked point. @param {[number, number]} place @param {Relief} relief @param {Camera} camera */
export function drawCross(place, {heights, size}, camera) {
  const {x, y} = camera.project([...place, Math.min(1, interpolateHeight(heights, size, ...place))]);
  const arms = `M${pixelText(x - 7)} ${pixelText(y)}h14M${pixelText(x)} ${pixelText(y - 7)}v14`;
  const casing = `<path d="${arms}" stroke="#fff" stroke-width="5"/>`;
  const core = `<path d="${arms}" stroke="${PATH_COLOUR}" stroke-width="2.5"/>`;
  return `<g class="picked" fill="none">${casing}${core}</g>`;
}
