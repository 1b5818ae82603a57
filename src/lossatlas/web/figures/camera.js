/**
 * This module is the camera of the 3-D view: its position, its projection to pixels, and the ray of a pixel. It
 * consists of pure functions.
 */
/** @import {Eye} from '../model/types.js' */
import {joinKey} from '../model/keys.js';
import {HOME} from '../model/state.js';

/**
 * The vertical field of view of a Plotly scene, in radians. Plotly does not document it; tests compare `project` with
 * the vertices that Plotly itself reports under the pointer.
 */
const FIELD = Math.PI / 4;
const HOME_DISTANCE = Math.hypot(HOME.x, HOME.y, HOME.z);
/** The nearest and the farthest distance of the camera, as shares of the distance at which the box fits. */
const NEAREST = 0.4;
const FARTHEST = 2.5;
/**
 * The smallest and the largest angle above the horizon: the camera stays above the floor and never passes over the top.
 */
const LOWEST = 0.09;
const HIGHEST = 1.5;
/** The room for the labels of the axes around the box, in pixels, for text of the usual size. */
const ROOM = {left: 25, right: 21, top: 4, bottom: 20};

/** @typedef {[number, number, number]} Vector */
/** @typedef {{width: number, height: number}} Size in CSS pixels */

/**
 * @typedef {object} Camera
 * @property {{eye: Eye, center: Eye, up: Eye}} plotly the camera in Plotly's form
 * @property {{x: number, y: number, z: number}} box the sides of the box in Plotly's form (`aspectratio`)
 * @property {Size} size
 * @property {Vector} eye
 * @property {(point: Vector) => {x: number, y: number, depth: number, scale: number}} project maps a point of the box
 *   to pixels; its coordinates run from −1 to 1 in a and b and from 0 to 1 upwards; `scale`: the pixels of one unit of
 *   the box at that point
 * @property {(x: number, y: number) => {from: Vector, along: Vector}} ray returns the ray of a pixel, in coordinates of
 *   the box
 */

/** @param {Eye} eye @returns {{turn: number, tilt: number, distance: number}} angles in radians */
function toPolar({x, y, z}) {
  const distance = Math.hypot(x, y, z);
  return {turn: Math.atan2(y, x), tilt: Math.asin(z / distance), distance};
}

/** @param {number} value @param {number} least @param {number} most */
const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

/**
 * Move a camera to the nearest allowed position: above the floor, neither too near nor too far.
 * @param {Eye} eye @returns {Eye}
 */
export function limitEye(eye) {
  const {turn, tilt, distance} = toPolar(eye);
  const kept = {
    tilt: clamp(tilt, LOWEST, HIGHEST),
    distance: clamp(distance, NEAREST * HOME_DISTANCE, FARTHEST * HOME_DISTANCE),
  };
  return kept.tilt === tilt && kept.distance === distance ? eye : placeEye(turn, kept.tilt, kept.distance);
}

/** @param {number} turn @param {number} tilt @param {number} distance @returns {Eye} */
function placeEye(turn, tilt, distance) {
  const across = distance * Math.cos(tilt);
  return {x: across * Math.cos(turn), y: across * Math.sin(turn), z: distance * Math.sin(tilt)};
}

/**
 * Turn a camera about the vertical, tilt it, and move it nearer (`zoom` above 1) or farther, as far as is allowed.
 * @param {Eye} eye @param {number} turn @param {number} tilt in radians @param {number} [zoom] @returns {Eye}
 */
export function orbit(eye, turn, tilt, zoom = 1) {
  const from = toPolar(eye);
  return limitEye(placeEye(from.turn + turn, clamp(from.tilt + tilt, LOWEST, HIGHEST), from.distance / zoom));
}

/**
 * Choose the sides of the box: it is as high as the panel permits, so that the relief is visible in a tall panel too.
 * @param {Size} size
 */
export function chooseBox({width, height}) {
  return {x: 1, y: 1, z: clamp((0.42 * height) / width, 0.3, 0.6)};
}

/**
 * Create the camera for an eye in a panel. The distance and the point it looks at make the box fit the panel, seen from
 * any side at this height; so turning changes neither.
 * @param {Eye} eye @param {Size} size @param {number} [text] the size of the labels, relative to the usual one
 * @returns {Camera}
 */
export function createCamera(eye, size, text = 1) {
  const box = chooseBox(size);
  const {turn, tilt, distance} = toPolar(limitEye(eye));
  const fit = fitBox(box, size, text);
  const {eye: stand, center} = placeCamera(turn, tilt, (fit.distance * distance) / HOME_DISTANCE, fit);
  return {
    ...createProjection(stand, center, box, size),
    box,
    size,
    plotly: {eye: stand, center, up: {x: 0, y: 0, z: 1}},
  };
}

/**
 * Place Plotly's camera, which looks from `eye` to `center`. Both are moved upwards and sideways by the same amount, so
 * the direction does not change.
 * @param {number} turn @param {number} tilt @param {number} distance @param {{z: number, aside: number}} moved
 */
function placeCamera(turn, tilt, distance, {z, aside}) {
  const at = placeEye(turn, tilt, distance);
  const center = {x: -aside * Math.sin(turn), y: aside * Math.cos(turn), z};
  return {eye: {x: at.x + center.x, y: at.y + center.y, z: at.z + z}, center};
}

/** @typedef {{distance: number, z: number, aside: number}} Fit */
/** @type {Map<string, Fit>} */
const known = new Map();

/**
 * Find the distance and the height of the centre at which the box fills the panel, seen from HOME. They are found by
 * bisection, since the labels around the box have a fixed size in pixels.
 * @param {ReturnType<typeof chooseBox>} box @param {Size} size @param {number} text @returns {Fit}
 */
function fitBox(box, size, text) {
  const key = joinKey(size.width, size.height, text);
  const found = known.get(key);
  if (found) return found;
  const {turn, tilt} = toPolar(HOME);
  const [before, after, over, under] = [ROOM.left, ROOM.right, ROOM.top, ROOM.bottom].map((side) => side * text);
  let [z, aside] = [0, 0];
  let [near, far] = [0.6, 20];
  for (let round = 0; round < 40; round++) {
    const distance = Math.sqrt(near * far);
    const {eye, center} = placeCamera(turn, tilt, distance, {z, aside});
    const corners = CORNERS.map(createProjection(eye, center, box, size).project);
    const [left, right] = findEnds(corners.map(({x}) => x));
    const [top, bottom] = findEnds(corners.map(({y}) => y));
    z -= ((top - over + bottom + under - size.height) / 2 / corners[0].scale) * Math.cos(tilt);
    aside += (left - before + right + after - size.width) / 2 / corners[0].scale;
    const fits = right - left <= size.width - before - after && bottom - top <= size.height - over - under;
    if (fits) far = distance;
    else near = distance;
  }
  const result = {distance: far, z, aside};
  if (known.size > 20) known.clear();
  known.set(key, result);
  return result;
}

/** @param {number[]} values @returns {[number, number]} */
const findEnds = (values) => [Math.min(...values), Math.max(...values)];
/** @type {Vector[]} */
const CORNERS = [0, 1].flatMap((z) =>
  [
    [-1, -1, z],
    [1, -1, z],
    [1, 1, z],
    [-1, 1, z],
  ].map((corner) => /** @type {Vector} */ (corner)),
);

/**
 * Create the projection and its inverse (as in gl-matrix `lookAt` and `perspective`, which Plotly uses).
 * @param {Eye} stand @param {Eye} center @param {ReturnType<typeof chooseBox>} box @param {Size} size
 */
function createProjection(stand, center, box, {width, height}) {
  const eye = /** @type {Vector} */ ([stand.x, stand.y, stand.z]);
  const back = normalize([eye[0] - center.x, eye[1] - center.y, eye[2] - center.z]);
  const right = normalize([-back[1], back[0], 0]);
  const up = cross(back, right);
  const focal = height / 2 / Math.tan(FIELD / 2);
  /** @param {Vector} point a point of the box */
  const project = ([a, b, c]) => {
    const away = /** @type {Vector} */ ([
      (a * box.x) / 2 - eye[0],
      (b * box.y) / 2 - eye[1],
      (c - 0.5) * box.z - eye[2],
    ]);
    const depth = -dot(away, back);
    const scale = focal / depth;
    return {x: width / 2 + dot(away, right) * scale, y: height / 2 - dot(away, up) * scale, depth, scale};
  };
  /** @param {number} x @param {number} y */
  const ray = (x, y) => {
    const [u, v] = [(x - width / 2) / focal, (height / 2 - y) / focal];
    const along = [0, 1, 2].map((i) => u * right[i] + v * up[i] - back[i]);
    return {
      from: /** @type {Vector} */ ([(2 * eye[0]) / box.x, (2 * eye[1]) / box.y, eye[2] / box.z + 0.5]),
      along: /** @type {Vector} */ ([(2 * along[0]) / box.x, (2 * along[1]) / box.y, along[2] / box.z]),
    };
  };
  return {eye, project, ray};
}

/** @param {Vector} a @param {Vector} b */
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
/** @param {Vector} a @param {Vector} b @returns {Vector} */
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
/** @param {Vector} a @returns {Vector} */
function normalize(a) {
  const length = Math.hypot(...a);
  return [a[0] / length, a[1] / length, a[2] / length];
}
