/** What is drawn in the editor, as a value: points in a view, what a brush and an eraser make of them, and the way back. */
/** @import {Own} from '../../compute/datasets/own.js' */
import {className, ownData, rounded} from '../../compute/datasets/own.js';
import {constants} from '../../model/constants.js';

/**
 * @typedef {{x: number, y: number, k: number}} Point in the dataset's units, and its class
 * @typedef {[number, number]} Extent
 * @typedef {[number, number]} Place in the view, each from 0 to 1: from the left, and from below
 * @typedef {{x: Extent, y: Extent}} View the part of the plane that is drawn on
 * @typedef {{name: string, points: Point[], classes: string[], features: string[], view: View}} Drawing
 * @typedef {{radius: number, density: number}} Brush `radius` as a share of the view; 0 puts single points
 */

/** Classes to draw with, where the data have no more. */
const LEAST_CLASSES = 3;
/** Room left around what is there, as a share of its extent. */
const MARGIN = 0.12;
/** Digits of the view's extent in which a point is put: what a hand can place, and short in a link. */
const DIGITS = 5;
/** Steps that can be undone. */
const KEPT = 200;

/** An empty plane. @returns {Drawing} */
export function blank() {
  const {features} = constants().own_data;
  return {name: '', points: [], classes: withMore([]), features, view: {x: [-1, 1], y: [-1, 1]}};
}

/** @param {string[]} classes */
function withMore(classes) {
  return [...classes, ...Array.from({length: LEAST_CLASSES}, (_, k) => className(k)).slice(classes.length)];
}

/** @param {{name?: string, points: ArrayLike<number>, labels: ArrayLike<number>, classes: string[], features: string[]}} own @returns {Drawing} */
export function drawingOf({name = '', points, labels, classes, features}) {
  const list = Array.from(labels, (k, i) => ({x: points[2 * i], y: points[2 * i + 1], k}));
  return {
    name,
    points: list,
    classes: withMore(classes),
    features,
    view: {x: around(list.map(({x}) => x)), y: around(list.map(({y}) => y))},
  };
}

/** @param {Drawing} drawing @returns {Own} */
export function ownOf({name, points, classes, features}) {
  return ownData({name, points: points.flatMap(({x, y}) => [x, y]), labels: points.map(({k}) => k), classes, features});
}

/** @param {number[]} values @returns {Extent} */
function around(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = high > low ? MARGIN * (high - low) : 1;
  return values.length > 0 ? [low - room, high + room] : [-1, 1];
}

/** @param {View} view @param {{x: number, y: number}} point @returns {Place} */
export const placeOf = ({x, y}, point) => [(point.x - x[0]) / (x[1] - x[0]), (point.y - y[0]) / (y[1] - y[0])];

/** @param {View} view @param {Place} place */
export const pointAt = ({x, y}, [u, v]) => ({x: at(x, u), y: at(y, v)});

/** @param {Extent} extent @param {number} share */
const at = ([low, high], share) => rounded(low + share * (high - low), high - low, DIGITS);

/**
 * With a dab of paint: so many points about a place, as many as there is room for.
 * @param {Drawing} drawing @param {Place} place @param {number} k class @param {Brush} brush @param {() => number} [random] @returns {Drawing}
 */
export function sprayed(drawing, [u, v], k, {radius, density}, random = Math.random) {
  const count = Math.min(radius > 0 ? density : 1, constants().own_data.points - drawing.points.length);
  const dab = Array.from({length: Math.max(0, count)}, () => {
    const [distance, angle] = [radius * Math.sqrt(random()), 2 * Math.PI * random()];
    return {
      ...pointAt(drawing.view, [within(u + distance * Math.cos(angle)), within(v + distance * Math.sin(angle))]),
      k,
    };
  });
  return dab.length > 0 ? {...drawing, points: [...drawing.points, ...dab]} : drawing;
}

/** Without the points near a place. @param {Drawing} drawing @param {Place} place @param {number} radius @returns {Drawing} */
export function erased(drawing, place, radius) {
  const points = drawing.points.filter((point) => distanceOf(drawing.view, point, place) > radius);
  return points.length < drawing.points.length ? {...drawing, points} : drawing;
}

/** The point nearest to a place, if one is as near as that. @param {Drawing} drawing @param {Place} place @param {number} radius */
export function nearest({view, points}, place, radius) {
  /** @type {Point | null} */
  let found = null;
  let least = radius;
  for (const point of points) {
    const distance = distanceOf(view, point, place);
    if (distance <= least) [found, least] = [point, distance];
  }
  return found;
}

/** @param {View} view @param {Point} point @param {Place} place */
function distanceOf(view, point, [u, v]) {
  const [a, b] = placeOf(view, point);
  return Math.hypot(a - u, b - v);
}

/** @param {number} share */
export const within = (share) => Math.min(1, Math.max(0, share));

/** What was, is, and was undone. @param {Drawing} first @param {() => void} onChange */
export function createHistory(first, onChange) {
  /** @type {Drawing[]} */
  const past = [];
  /** @type {Drawing[]} */
  const future = [];
  let now = first;
  /** @param {Drawing[]} from @param {Drawing[]} to */
  const step = (from, to) => {
    const next = from.pop();
    if (!next) return false;
    to.push(now);
    now = next;
    onChange();
    return true;
  };
  return {
    get now() {
      return now;
    },
    get canUndo() {
      return past.length > 0;
    },
    get canRedo() {
      return future.length > 0;
    },
    /** A step, unless nothing has changed; `same` makes it part of the step before. @param {Drawing} next @param {{same?: boolean}} [options] */
    set(next, {same = false} = {}) {
      if (next === now) return false;
      if (!same) past.push(now);
      if (past.length > KEPT) past.shift();
      future.length = 0;
      now = next;
      onChange();
      return true;
    },
    undo: () => step(past, future),
    redo: () => step(future, past),
  };
}
