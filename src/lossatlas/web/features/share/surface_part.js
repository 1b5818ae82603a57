/**
 * This module draws the surface without WebGL, as triangles and lines that stay sharp at any size. The mesh, the camera
 * and the lines are those of the page (figures/); only hiding and lighting are done here.
 */
/** @import {Eye} from '../../model/types.js' */
/** @import {Camera, Vector} from '../../figures/camera.js' */
/** @import {Relief} from '../../figures/landscape.js' */
/** @import {Line, Mesh} from '../../figures/relief.js' */
/** @import {Rgb} from '../../figures/colours.js' */
/** @import {Picture} from '../../views/picture.js' */
/** @import {Theme} from '../../lib/theme.js' */
import {createCamera} from '../../figures/camera.js';
import {isHidden} from '../../figures/axes3d.js';
import {BALL_COLOUR, computeMapColour, PATH_COLOUR} from '../../figures/colours.js';
import {createRelief, toBox} from '../../figures/landscape.js';
import {drawDescentLine, drawDropLine, drawDropLines, drawPathLine, thinPath} from '../../figures/path.js';
import {chooseLossTicks} from '../../figures/range.js';
import {measureSides, findEqualLines, GROUND, computeHeight, createMesh} from '../../figures/relief.js';
import {drawAnnotations} from '../../views/surface_layers.js';
import {roundForSvg, writeTag} from './vector.js';

/** A triangle is divided until its sides are about this many pixels long, unless there would be MOST triangles. */
const FINE = 4;
const MOST = 16_000;
/** The light that comes from everywhere, and the light of the lamp. */
const [AMBIENT, LAMP] = [0.62, 0.48];
/** The lamp stands over the left shoulder of the viewer: its direction, to the right, towards the eye and upwards. */
const TOWARDS = [-0.35, 0.45, 0.82];
/** The room for labels above and below what is drawn, in pixels. */
const LABELS = 24;
/** A line is tested for being hidden in steps of this length, in half-sides of the box. */
const STEP = 0.02;
/** The lines of equal loss on the surface. */
const THIN = {light: '#26413f', dark: '#d5e8dc'};

/**
 * @param {Picture} picture @param {Eye} eye @param {{width: number, height: number}} size @param {Theme} theme
 * @returns {string} SVG
 */
export function drawSurfacePart(picture, eye, size, theme) {
  const {values, grid, range, shot, path} = picture;
  const camera = createCamera(eye, size);
  const relief = createRelief(values, grid, range);
  const around = drawAnnotations({shown: picture, relief, camera}, theme);
  const mesh = createMesh(relief.heights, relief.size, relief.triangles);
  const colourAt = (/** @type {number} */ height) => computeMapColour(range.kind, (height - GROUND) / (1 - GROUND));
  const levels = chooseLossTicks(range)
    .map((tick) => computeHeight(range, tick))
    .filter((level) => level > GROUND && level < 1);
  const equal = findEqualLines(relief.heights, relief.size, relief.triangles, levels, measureSides(camera.box), 0);
  const upon = {...equal.floor, z: equal.levels};
  const box = {span: shot.span, range};
  const visible = (/** @type {Line} */ line) => projectVisibleLine(line, relief, camera);
  const line = (/** @type {string} */ name, /** @type {string} */ d, /** @type {string} */ stroke, width = 1) =>
    d && writeTag('path', {class: name, d, fill: 'none', stroke, 'stroke-width': width, 'stroke-linejoin': 'round'});
  const whole = path && shot.path ? thinPath(path) : null;
  return [
    around.behind,
    line('floor', projectLine(equal.floor, camera), theme.muted, 0.75),
    drawFaces(mesh, relief, camera, colourAt),
    line('equal', visible(upon), theme.dark ? THIN.dark : THIN.light, 0.75),
    path && line('drop', visible(toBox(drawDropLine(path, shot.frame, box.span, range), box)), theme.ink, 3),
    whole && line('drops', visible(toBox(drawDropLines(whole, box.span, range), box)), theme.ink, 0.75),
    whole && line('path', visible(toBox(drawPathLine(whole, box.span, range), box)), PATH_COLOUR, 2.5),
    picture.way && line('way', visible(toBox(drawDescentLine(picture.way, box.span, range), box)), BALL_COLOUR, 3),
    around.around,
    around.before,
  ]
    .filter(Boolean)
    .join('');
}

/**
 * Find the top and the bottom of what is drawn, with room for labels. A low camera needs little of a panel's height.
 * @param {Picture} picture @param {Eye} eye @param {{width: number, height: number}} size in pixels
 * @returns {{top: number, bottom: number}}
 */
export function findExtent({values, grid, range}, eye, size) {
  const camera = createCamera(eye, size);
  const {heights} = createRelief(values, grid, range);
  const placeOf = (/** @type {number} */ i) => (2 * i) / (grid - 1) - 1;
  const surface = Array.from(heights, (height, at) => [
    placeOf(at % grid),
    placeOf(Math.floor(at / grid)),
    Math.min(1, height), // The box cuts the surface off.
  ]);
  const [backA, backB] = [-Math.sign(camera.eye[0]) || 1, -Math.sign(camera.eye[1]) || 1];
  const floor = [-1, 1].flatMap((a) => [-1, 1].map((b) => [a, b, 0]));
  const walls = [-1, 1].flatMap((end) => [
    [backA, end, 1],
    [end, backB, 1],
  ]);
  const levels = [...surface, ...floor, ...walls]
    .filter(([, , height]) => !Number.isNaN(height))
    .map((point) => camera.project(/** @type {Vector} */ (point)).y);
  return {
    top: Math.max(0, Math.min(...levels) - LABELS),
    bottom: Math.min(size.height, Math.max(...levels) + LABELS),
  };
}

/** Project a line, whether or not it is hidden. @param {Line} line @param {Camera} camera */
function projectLine({x, y, z}, {project}) {
  let down = 'M';
  let d = '';
  for (let i = 0; i < x.length; i++) {
    if (Number.isNaN(x[i] + y[i] + z[i])) down = 'M';
    else {
      const at = project([x[i], y[i], z[i]]);
      d += `${down}${roundForSvg(at.x)} ${roundForSvg(at.y)}`;
      down = 'L';
    }
  }
  return d;
}

/**
 * Project the parts of a line that the surface does not hide.
 * @param {Line} line in coordinates of the box; NaN interrupts it @param {Relief} relief @param {Camera} camera
 */
function projectVisibleLine({x, y, z}, relief, camera) {
  /** @type {Line} */
  const seen = {x: [], y: [], z: []};
  const push = (/** @type {number[]} */ [a, b, c]) => {
    seen.x.push(a);
    seen.y.push(b);
    seen.z.push(c);
  };
  for (let i = 0; i + 1 < x.length; i++) {
    const [from, to] = [i, i + 1].map((at) => /** @type {Vector} */ ([x[at], y[at], z[at]]));
    if ([...from, ...to].some(Number.isNaN)) continue;
    const steps = Math.max(1, Math.ceil(Math.hypot(...from.map((value, axis) => to[axis] - value)) / STEP));
    const at = (/** @type {number} */ share) =>
      /** @type {Vector} */ (from.map((value, axis) => value + share * (to[axis] - value)));
    let open = false;
    for (let step = 0; step < steps; step++) {
      if (isHidden(at((step + 0.5) / steps), relief, camera)) {
        open = false;
        continue;
      }
      if (!open) {
        push([NaN, NaN, NaN]);
        push(at(step / steps));
      }
      // A straight run of visible steps is one line.
      if (open) for (const axis of /** @type {const} */ (['x', 'y', 'z'])) seen[axis].pop();
      push(at((step + 1) / steps));
      open = true;
    }
  }
  return projectLine(seen, camera);
}

/**
 * Draw the triangles from the farthest to the nearest. Over a square grid this order is exact: what hides a cell lies
 * in its row nearer to the eye, or in a row nearer to the eye.
 * @param {Mesh} mesh @param {Relief} relief @param {Camera} camera @param {(intensity: number) => Rgb} colourOf
 */
function drawFaces(mesh, {size}, camera, colourOf) {
  const light = computeLight(mesh, camera);
  const cells = size - 1;
  const [eyeA, eyeB] = camera.eye.slice(0, 2).map((at, axis) => (2 * at) / [camera.box.x, camera.box.y][axis]);
  const cell = (/** @type {number} */ at) => Math.min(cells - 1, Math.floor(((at + 1) / 2) * cells));
  const away = (/** @type {number} */ index, /** @type {number} */ eye) =>
    Math.round(Math.abs(index + 0.5 - ((eye + 1) / 2) * cells) * 1e6);
  const faces = Array.from(mesh.i, (_, t) => {
    const corners = [mesh.i[t], mesh.j[t], mesh.k[t]];
    const [a, b] = [mesh.x, mesh.y].map((of) => corners.reduce((sum, at) => sum + of[at], 0) / 3);
    return {corners, row: away(cell(b), eyeB), column: away(cell(a), eyeA), near: Math.hypot(a - eyeA, b - eyeB)};
  }).sort((one, other) => other.row - one.row || other.column - one.column || other.near - one.near);
  const places = mesh.x.map((a, at) => camera.project([a, mesh.y[at], mesh.z[at]]));
  const pixels = (2 / cells) * (camera.box.x / 2) * camera.project([0, 0, 0.5]).scale;
  const parts = Math.max(1, Math.min(Math.ceil(pixels / FINE), Math.floor(Math.sqrt(MOST / faces.length))));
  // A stroke of the same colour closes the seams that smoothed edges would leave.
  return writeTag(
    'g',
    {class: 'faces', 'stroke-width': 0.4, 'stroke-linejoin': 'round'},
    ...faces.flatMap(({corners}) =>
      divide(parts).map((triangle) => {
        const mix = (/** @type {ArrayLike<number>} */ of, /** @type {number[]} */ weights) =>
          corners.reduce((sum, at, i) => sum + of[at] * weights[i], 0);
        const centre = [0, 1, 2].map((i) => triangle.reduce((sum, weights) => sum + weights[i], 0) / 3);
        const points = triangle.map((weights) => {
          const at = (/** @type {'x' | 'y'} */ axis) =>
            corners.reduce((sum, c, i) => sum + places[c][axis] * weights[i], 0);
          return `${roundForSvg(at('x'))} ${roundForSvg(at('y'))}`;
        });
        const colour = writeHex(colourOf(mix(mesh.intensity, centre)).map((value) => value * mix(light, centre)));
        return `<path d="M${points.join('L')}Z" fill="${colour}" stroke="${colour}"/>`;
      }),
    ),
  );
}

/**
 * Divide a triangle into parts² triangles of one shape, whose corners are given by their weights.
 * @param {number} parts @returns {number[][][]}
 */
function divide(parts) {
  const at = (/** @type {number} */ i, /** @type {number} */ j) => [1 - (i + j) / parts, i / parts, j / parts];
  const triangles = [];
  for (let i = 0; i < parts; i++) {
    for (let j = 0; i + j < parts; j++) {
      triangles.push([at(i, j), at(i + 1, j), at(i, j + 1)]);
      if (i + j < parts - 1) triangles.push([at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)]);
    }
  }
  return triangles;
}

/**
 * Compute the light at each vertex, from the side that is seen.
 * @param {Mesh} mesh @param {Camera} camera @returns {Float64Array}
 */
function computeLight({x, y, z, i, j, k}, {box, eye}) {
  const scene = (/** @type {number} */ at) => [(x[at] * box.x) / 2, (y[at] * box.y) / 2, (z[at] - 0.5) * box.z];
  const normals = new Float64Array(3 * x.length);
  for (let t = 0; t < i.length; t++) {
    const [p, q, r] = [scene(i[t]), scene(j[t]), scene(k[t])];
    const [e, f] = [q, r].map((corner) => corner.map((value, axis) => value - p[axis]));
    const normal = [e[1] * f[2] - e[2] * f[1], e[2] * f[0] - e[0] * f[2], e[0] * f[1] - e[1] * f[0]];
    const up = normal[2] < 0 ? -1 : 1;
    for (const at of [i[t], j[t], k[t]]) for (const axis of [0, 1, 2]) normals[3 * at + axis] += up * normal[axis];
  }
  const across = Math.hypot(eye[0], eye[1]) || 1;
  const [front, right] = [
    [eye[0] / across, eye[1] / across, 0],
    [-eye[1] / across, eye[0] / across, 0],
  ];
  const lamp = [0, 1, 2].map(
    (axis) => TOWARDS[0] * right[axis] + TOWARDS[1] * front[axis] + (axis === 2 ? TOWARDS[2] : 0),
  );
  const strength = Math.hypot(...lamp);
  return Float64Array.from(x, (_, at) => {
    const normal = normals.subarray(3 * at, 3 * at + 3);
    const place = scene(at);
    const seen = normal.reduce((sum, value, axis) => sum + value * (eye[axis] - place[axis]), 0) < 0 ? -1 : 1;
    const size = Math.hypot(...normal) || 1;
    const lit = (seen * normal.reduce((sum, value, axis) => sum + value * lamp[axis], 0)) / size / strength;
    return Math.min(1, AMBIENT + LAMP * Math.max(0, lit));
  });
}

/** @param {number[]} colour */
const writeHex = (colour) =>
  `#${colour.map((value) => Math.round(Math.min(255, value)).toString(16).padStart(2, '0')).join('')}`;
