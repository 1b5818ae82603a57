/** The camera of the 3-D view: where it stands, what it sees where, and which ray a pixel is. Pure. */
/** @import {Eye} from '../model/types.js' */
import {HOME} from '../model/state.js';

/**
 * The angle from the bottom to the top of a Plotly scene, in radians. Plotly does not document it; tests hold `project`
 * against the vertices that Plotly itself names under the pointer.
 */
const FIELD = Math.PI / 4;
const HOME_DISTANCE = Math.hypot(HOME.x, HOME.y, HOME.z);
/** How near and how far the eye may go, in shares of that distance. */
const NEAREST = 0.4;
const FARTHEST = 2.5;
/** The least and the greatest angle above the horizon: always above the floor, never over the top. */
const LOWEST = 0.09;
const HIGHEST = 1.5;
/** Room for the labels of the axes around the box, in pixels. */
const ROOM = {left: 25, right: 21, top: 4, bottom: 20};

/** @typedef {[number, number, number]} Vector */
/** @typedef {{width: number, height: number}} Size in CSS pixels */

/**
 * @typedef {object} Camera
 * @property {{eye: Eye, center: Eye, up: Eye}} plotly as Plotly takes it
 * @property {{x: number, y: number, z: number}} box the sides of the box, as Plotly takes them (`aspectratio`)
 * @property {Size} size
 * @property {Vector} eye
 * @property {(point: Vector) => {x: number, y: number, depth: number, scale: number}} project a point of the box, whose
 * coordinates run from −1 to 1 in a and b and from 0 to 1 upwards, to pixels; `scale`: pixels to one unit of the box there
 * @property {(x: number, y: number) => {from: Vector, along: Vector}} ray of a pixel, in coordinates of the box
 */

/** @param {Eye} eye @returns {{turn: number, tilt: number, distance: number}} angles in radians */
function polar({x, y, z}) {
  const distance = Math.hypot(x, y, z);
  return {turn: Math.atan2(y, x), tilt: Math.asin(z / distance), distance};
}

/** @param {number} value @param {number} least @param {number} most */
const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

/** An eye that is allowed: above the floor, neither too near nor too far. @param {Eye} eye @returns {Eye} */
export function allowedEye(eye) {
  const {turn, tilt, distance} = polar(eye);
  const kept = {
    tilt: clamp(tilt, LOWEST, HIGHEST),
    distance: clamp(distance, NEAREST * HOME_DISTANCE, FARTHEST * HOME_DISTANCE),
  };
  return kept.tilt === tilt && kept.distance === distance ? eye : eyeAt(turn, kept.tilt, kept.distance);
}

/** @param {number} turn @param {number} tilt @param {number} distance @returns {Eye} */
function eyeAt(turn, tilt, distance) {
  const across = distance * Math.cos(tilt);
  return {x: across * Math.cos(turn), y: across * Math.sin(turn), z: distance * Math.sin(tilt)};
}

/**
 * Turn an eye about the vertical, tilt it, and move it nearer (`zoom` above 1) or farther, as far as is allowed.
 * @param {Eye} eye @param {number} turn @param {number} tilt in radians @param {number} [zoom] @returns {Eye}
 */
export function orbit(eye, turn, tilt, zoom = 1) {
  const from = polar(eye);
  return allowedEye(eyeAt(from.turn + turn, clamp(from.tilt + tilt, LOWEST, HIGHEST), from.distance / zoom));
}

/**
 * The sides of the box: as high as the panel leaves room for, so that relief shows in a tall panel too.
 * @param {Size} size
 */
export function boxFor({width, height}) {
  return {x: 1, y: 1, z: clamp((0.42 * height) / width, 0.3, 0.6)};
}

/**
 * The camera for an eye in a panel. The distance and the point it looks at are such that the box, seen from an eye as
 * high as this one and from any side, fits the panel; so turning changes neither.
 * @param {Eye} eye @param {Size} size @returns {Camera}
 */
export function cameraFor(eye, size) {
  const box = boxFor(size);
  const {turn, tilt, distance} = polar(allowedEye(eye));
  const fit = fitted(box, size);
  const {eye: stand, center} = standing(turn, tilt, (fit.distance * distance) / HOME_DISTANCE, fit);
  return {...lens(stand, center, box, size), box, size, plotly: {eye: stand, center, up: {x: 0, y: 0, z: 1}}};
}

/**
 * Plotly looks from `eye` to `center`. Both are moved upwards and sideways, so that the direction stays that of the eye.
 * @param {number} turn @param {number} tilt @param {number} distance @param {{z: number, aside: number}} moved
 */
function standing(turn, tilt, distance, {z, aside}) {
  const at = eyeAt(turn, tilt, distance);
  const center = {x: -aside * Math.sin(turn), y: aside * Math.cos(turn), z};
  return {eye: {x: at.x + center.x, y: at.y + center.y, z: at.z + z}, center};
}

/** @typedef {{distance: number, z: number, aside: number}} Fit */
/** @type {Map<string, Fit>} */
const known = new Map();

/**
 * The distance, and the height that is looked at, at which the box fills the panel as seen from HOME: found by bisection,
 * as the labels around it take a fixed number of pixels.
 * @param {ReturnType<typeof boxFor>} box @param {Size} size @returns {Fit}
 */
function fitted(box, size) {
  const key = `${size.width} ${size.height}`;
  const found = known.get(key);
  if (found) return found;
  const {turn, tilt} = polar(HOME);
  let [z, aside] = [0, 0];
  let [near, far] = [0.6, 20];
  for (let round = 0; round < 40; round++) {
    const distance = Math.sqrt(near * far);
    const {eye, center} = standing(turn, tilt, distance, {z, aside});
    const corners = CORNERS.map(lens(eye, center, box, size).project);
    const [left, right] = endsOf(corners.map(({x}) => x));
    const [top, bottom] = endsOf(corners.map(({y}) => y));
    z -= ((top - ROOM.top + bottom + ROOM.bottom - size.height) / 2 / corners[0].scale) * Math.cos(tilt);
    aside += (left - ROOM.left + right + ROOM.right - size.width) / 2 / corners[0].scale;
    const fits =
      right - left <= size.width - ROOM.left - ROOM.right && bottom - top <= size.height - ROOM.top - ROOM.bottom;
    if (fits) far = distance;
    else near = distance;
  }
  const result = {distance: far, z, aside};
  if (known.size > 20) known.clear();
  known.set(key, result);
  return result;
}

/** @param {number[]} values @returns {[number, number]} */
const endsOf = (values) => [Math.min(...values), Math.max(...values)];
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
 * The projection and its inverse (as in gl-matrix `lookAt` and `perspective`, which Plotly uses).
 * @param {Eye} stand @param {Eye} center @param {ReturnType<typeof boxFor>} box @param {Size} size
 */
function lens(stand, center, box, {width, height}) {
  const eye = /** @type {Vector} */ ([stand.x, stand.y, stand.z]);
  const back = unit([eye[0] - center.x, eye[1] - center.y, eye[2] - center.z]);
  const right = unit([-back[1], back[0], 0]);
  const up = cross(back, right);
  const focal = height / 2 / Math.tan(FIELD / 2);
  /** @param {Vector} point of the box */
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
function unit(a) {
  const length = Math.hypot(...a);
  return [a[0] / length, a[1] / length, a[2] / length];
}
