/**
 * This module makes keys: texts under which arrays, answers and pictures are found again, or are recognised as new. No
 * other module joins parts to a key, so two different requests never have the same one.
 */
/** @import {PlaneEntry, Shot, Slice} from './types.js' */
/** @import {Run} from './run.js' */

/** @typedef {string | number | boolean | null | undefined} KeyValue */

/**
 * Join parts to a key. Different parts give different keys, whatever characters a text contains: texts are quoted, and
 * values that JSON does not have are written as objects, which no part is.
 * @param {(KeyValue | readonly KeyValue[])[]} parts
 */
export function joinKey(...parts) {
  return JSON.stringify(parts, (_, part) =>
    part === undefined || (typeof part === 'number' && !Number.isFinite(part)) ? {value: String(part)} : part,
  );
}

// Arrays of a run, as run.json names them

/** Return the name of a plane's array. @param {PlaneEntry} plane @param {string} name within the plane */
export function planeArray(plane, name) {
  return `planes/${plane.name}/${name}`;
}

/** Does an array belong to a plane? @param {string} array @param {PlaneEntry} plane */
export function isOfPlane(array, plane) {
  return array.startsWith(planeArray(plane, ''));
}

/** Return the name of an array within its plane. @param {string} array */
export function nameInPlane(array) {
  return array.slice(array.lastIndexOf('/') + 1);
}

// Results that are computed or shown for a shot

/** Identify the centre of a shot's plane. @param {{run: Run, frame: number} & Pick<Slice, 'plane' | 'follow'>} shot */
export function centreKey({run, frame, plane, follow}) {
  return follow ? joinKey('moving', run.frames[frame]) : joinKey('fixed', plane.centre_frame);
}

/** Identify the network of an epoch. Frame numbers change when a long training is thinned out. @param {Shot} shot */
export function epochKey({run, frame}) {
  return joinKey(run.id, run.frames[frame]);
}

/** Identify the network at the picked point. @param {Shot} shot */
export function pickKey(shot) {
  return joinKey(shot.run.id, shot.plane.name, centreKey(shot), shot.pick);
}

/** Identify the loss of one data point over the plane. @param {Shot} shot @param {number} point */
export function pointKey(shot, point) {
  return joinKey(shot.run.id, shot.plane.name, shot.span, centreKey(shot), point);
}

/**
 * Identify the surfaces around all frames of a moving plane, or the one surface around a fixed centre.
 * @param {Shot} shot @param {string[]} sets whose losses are computed
 */
export function surfacesKey(shot, sets) {
  return joinKey(shot.run.id, shot.plane.name, shot.span, shot.follow || centreKey(shot), sets);
}

/** Identify the surface of a shot. @param {Shot} shot @param {string[]} sets whose losses are computed */
export function surfaceKey(shot, sets) {
  return joinKey(surfacesKey(shot, sets), centreKey(shot));
}
