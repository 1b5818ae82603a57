/**
 * This module holds what is drawn in the editor, as a value: points in a view, the effect of a brush and of an eraser,
 * and the history of changes.
 */
/** @import {Own} from '../../compute/datasets/own.js' */
import {defaultClassName, createOwn, roundTo} from '../../compute/datasets/own.js';
import {constants} from '../../model/constants.js';

/**
 * @typedef {{x: number, y: number, k: number}} Point in the dataset's units, and its class
 * @typedef {[number, number]} Extent
 * @typedef {[number, number]} Place a place in the view: the shares from the left and from below, each from 0 to 1
 * @typedef {{x: Extent, y: Extent}} View the part of the plane that is drawn on
 * @typedef {{name: string, points: Point[], classes: string[], features: string[], view: View}} Drawing
 * @typedef {{radius: number, density: number}} Brush `radius` as a share of the view; 0 puts single points
 */

/** The number of classes to draw with, if the data have fewer. */
const LEAST_CLASSES = 3;
/** The room left around the points, as a share of their extent. */
const MARGIN = 0.12;
/**
 * The number of digits of the view's extent to which a point is rounded: as fine as a hand can place, and short in a
 * link.
 */
const DIGITS = 5;
/** The number of steps that can be undone. */
const KEPT = 200;

/** Return an empty drawing. @returns {Drawing} */
export function blank() {
  const {features} = constants().own_data;
  return {name: '', points: [], classes: addClasses([]), features, view: {x: [-1, 1], y: [-1, 1]}};
}

/** @param {string[]} classes */
function addClasses(classes) {
  return [...classes, ...Array.from({length: LEAST_CLASSES}, (_, k) => defaultClassName(k)).slice(classes.length)];
}

/**
 * @param {{name?: string, points: ArrayLike<number>, labels: ArrayLike<number>, classes: string[], features: string[]}}
 *   own @returns {Drawing}
 */
export function createDrawing({name = '', points, labels, classes, features}) {
  const list = Array.from(labels, (k, i) => ({x: points[2 * i], y: points[2 * i + 1], k}));
  return {
    name,
    points: list,
    classes: addClasses(classes),
    features,
    view: {x: extentAround(list.map(({x}) => x)), y: extentAround(list.map(({y}) => y))},
  };
}

/** @param {Drawing} drawing @returns {Own} */
export function toOwn({name, points, classes, features}) {
  return createOwn({
    name,
    points: points.flatMap(({x, y}) => [x, y]),
    labels: points.map(({k}) => k),
    classes,
    features,
  });
}

/** @param {number[]} values @returns {Extent} */
function extentAround(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = high > low ? MARGIN * (high - low) : 1;
  return values.length > 0 ? [low - room, high + room] : [-1, 1];
}

/** @param {View} view @param {{x: number, y: number}} point @returns {Place} */
export const placeOf = ({x, y}, point) => [(point.x - x[0]) / (x[1] - x[0]), (point.y - y[0]) / (y[1] - y[0])];

/** @param {View} view @param {Place} place */
export const pointAt = ({x, y}, [u, v]) => ({x: at(x, u), y: at(y, v)});

/** @param {Extent} extent @param {number} share */
const at = ([low, high], share) => roundTo(low + share * (high - low), high - low, DIGITS);

/**
 * Add a dab of paint: points around a place. The brush and the remaining room limit their number.
 * @param {Drawing} drawing @param {Place} place @param {number} k class @param {Brush} brush @param {() => number}
 *   [random] @returns {Drawing}
 */
export function spray(drawing, [u, v], k, {radius, density}, random = Math.random) {
  const count = Math.min(radius > 0 ? density : 1, constants().own_data.points - drawing.points.length);
  const dab = Array.from({length: Math.max(0, count)}, () => {
    const [distance, angle] = [radius * Math.sqrt(random()), 2 * Math.PI * random()];
    return {
      ...pointAt(drawing.view, [
        clampShare(u + distance * Math.cos(angle)),
        clampShare(v + distance * Math.sin(angle)),
      ]),
      k,
    };
  });
  return dab.length > 0 ? {...drawing, points: [...drawing.points, ...dab]} : drawing;
}

/**
 * Remove the points near a place.
 * @param {Drawing} drawing @param {Place} place @param {number} radius @returns {Drawing}
 */
export function erase(drawing, place, radius) {
  const points = drawing.points.filter((point) => distanceOf(drawing.view, point, place) > radius);
  return points.length < drawing.points.length ? {...drawing, points} : drawing;
}

/**
 * Find the point nearest to a place, if one is within the radius.
 * @param {Drawing} drawing @param {Place} place @param {number} radius
 */
export function findNearest({view, points}, place, radius) {
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
export const clampShare = (share) => Math.min(1, Math.max(0, share));

/**
 * Create the history of a drawing: its past, its present, and what was undone.
 * @param {Drawing} first @param {() => void} onChange
 */
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
    /**
     * Add a step, unless nothing has changed; `same` makes it part of the step before.
     * @param {Drawing} next @param {{same?: boolean}} [options]
     */
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
