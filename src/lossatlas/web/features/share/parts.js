/**
 * This module draws the two-dimensional plots of a sheet without Plotly: each is a picture of cells, with SVG above it.
 */
/** @import {Seen, Shot} from '../../model/types.js' */
/** @import {Picture} from '../../views/picture.js' */
/** @import {Theme} from '../../lib/theme.js' */
/** @import {Box} from './vector.js' */
import {fitText} from '../../lib/dom.js';
import {findBorder} from '../../figures/border.js';
import {createFeatureAxis, findMisclassified, paintRegions, computePlotSize} from '../../figures/boundary.js';
import {
  BALL_COLOUR,
  writeCss,
  createMapTable,
  PATH_COLOUR,
  choosePointColour,
  createRegionTable,
} from '../../figures/colours.js';
import {glyph} from '../../figures/glyphs.js';
import {placePicture, drawSamples} from '../../figures/input_image.js';
import {createAnchorTraces, findContours, paintSurface, createSliceAxis} from '../../figures/map.js';
import {thinPath, isInside, drawPathLine} from '../../figures/path.js';
import {limitTo} from '../../figures/range.js';
import {createSectionAxes, cutSections} from '../../figures/section.js';
import {drawAxes, escapeXml, drawPath, roundForSvg, drawStrokes, writeTag, placeTicks, writeWords} from './vector.js';

/**
 * @typedef {{canvas: HTMLCanvasElement, box: Box, clip: Box, sharp?: boolean}} Cells a picture, its place, and the
 *   visible part of it; `sharp`: its pixels are enlarged as squares
 */
/** @typedef {{cells: Cells[], svg: string}} Part */

/** The longer side of a sample's picture. */
const PICTURE = 40;
const ITALIC = {'font-style': 'italic'};
const writeLetter = (/** @type {string} */ name) => writeTag('tspan', ITALIC, name);

/**
 * Compute the box inside a part's own axes.
 * @param {Box} box @param {{l: number, r: number, t: number, b: number}} margin @returns {Box}
 */
function computeInnerBox({x, y, width, height}, {l, r, t, b}) {
  return {x: x + l, y: y + t, width: width - l - r, height: height - t - b};
}

/**
 * Place cells whose centres are samples: they reach half a cell beyond the frame, and are clipped there.
 * @param {HTMLCanvasElement} canvas @param {Box} clip @returns {Cells}
 */
function placeCells(canvas, clip) {
  const [dx, dy] = [clip.width / (canvas.width - 1), clip.height / (canvas.height - 1)];
  return {
    canvas,
    clip,
    box: {x: clip.x - dx / 2, y: clip.y - dy / 2, width: clip.width + dx, height: clip.height + dy},
  };
}

/** @param {number} width @param {number} height @param {(pixels: Uint32Array) => void} paint */
export function createCanvas(width, height, paint) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, {width, height});
  const image = new ImageData(width, height);
  paint(new Uint32Array(image.data.buffer));
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  return canvas;
}

/**
 * @param {Shot} shot @param {Seen} seen @param {import('../../figures/border.js').LogitsAt | null} logitsAt
 * @param {Box} box @param {Theme} theme @returns {Part}
 */
export function drawBoundaryPart({run}, seen, logitsAt, box, theme) {
  const [gx, gy] = [run.numbers('grid_x'), run.numbers('grid_y')];
  const {features} = run.manifest.dataset;
  const room = computeInnerBox(box, {l: 52, r: 0, t: 4, b: 40});
  const size = computePlotSize(run, room.width, room.height);
  const plot = {x: room.x + (room.width - size.width) / 2, y: room.y + (room.height - size.height) / 2, ...size};
  const table = createRegionTable(run.classes.length, theme.neutral, theme.depth);
  const canvas = createCanvas(gx.length, gy.length, (pixels) => paintRegions(run, seen, table, pixels));
  const x = (/** @type {number} */ i) => plot.x + (i / (gx.length - 1)) * plot.width;
  const y = (/** @type {number} */ j) => plot.y + plot.height - (j / (gy.length - 1)) * plot.height;
  const ofX = (/** @type {number} */ value) => plot.x + ((value - gx[0]) / (gx[gx.length - 1] - gx[0])) * plot.width;
  const ofY = (/** @type {number} */ value) =>
    plot.y + plot.height - ((value - gy[0]) / (gy[gy.length - 1] - gy[0])) * plot.height;
  const points = run.numbers('points');
  const at = (/** @type {number} */ i) => /** @type {const} */ ([ofX(points[2 * i]), ofY(points[2 * i + 1])]);
  const rings = findMisclassified(run, seen)
    .map((i) => {
      const [cx, cy] = at(i);
      return `M${roundForSvg(cx + 7)} ${roundForSvg(cy)}a7 7 0 1 1 -14 0a7 7 0 1 1 14 0Z`;
    })
    .join('');
  const [across, up] = [createFeatureAxis(features, 0, gx, theme), createFeatureAxis(features, 1, gy, theme)];
  const nameWithin = (/** @type {number} */ axis, /** @type {number} */ room) =>
    escapeXml(fitText(features[axis].name, room, `12px ${theme.font}`));
  return {
    cells: [
      placeCells(canvas, plot),
      ...drawSamples(run).map((picture, i) => {
        const [x, y] = at(i);
        const own = placePicture({x, y}, picture, PICTURE, plot.y);
        return {canvas: picture, box: own, clip: plot, sharp: true};
      }),
    ],
    svg: [
      writeTag('path', {
        d: drawStrokes(findBorder(run, seen, logitsAt), x, y),
        fill: 'none',
        stroke: theme.ink,
        'stroke-width': 1.5,
        'stroke-linecap': 'round',
      }),
      writeTag('path', {d: rings, fill: 'none', stroke: theme.ink, 'stroke-width': 1.5}),
      ...run.classes.flatMap((_, k) => [0, 1].map((split) => drawPoints(run, k, split, at, theme))),
      drawAxes(
        plot,
        {ticks: placeTicks(across, plot.width), title: nameWithin(0, plot.width)},
        {ticks: placeTicks(up, plot.height), title: nameWithin(1, plot.height)},
        theme,
      ),
    ].join(''),
  };
}

/**
 * Draw one class's points of one split: training points are filled, test points are hollow.
 * @param {Shot['run']} run @param {number} k @param {number} split @param {(i: number) => readonly [number, number]} at
 * @param {Theme} theme
 */
function drawPoints(run, k, split, at, theme) {
  const [labels, splits] = [run.numbers('labels'), run.numbers('split')];
  const radius = labels.length > 800 ? 2.75 : 3.5;
  const colour = writeCss(choosePointColour(k, theme.dark));
  const d = [...labels.keys()]
    .filter((i) => labels[i] === k && splits[i] === split)
    .map((i) => glyph(k, radius, ...at(i)))
    .join('');
  return split === 1
    ? writeTag('path', {d, fill: theme.paper, stroke: colour, 'stroke-width': 1.6})
    : writeTag('path', {d, fill: colour, stroke: theme.paper, 'stroke-width': 0.8});
}

/** @param {Picture} picture @param {Box} box @param {Theme} theme @returns {Part} */
export function drawMapPart({shot, grid: size, range, values, path, place, mark, way}, box, theme) {
  const side = Math.min(box.width - 60, box.height - 44);
  const plot = {x: box.x + Math.max(52, (box.width - side) / 2), y: box.y + 4, width: side, height: side};
  const {span} = shot;
  const canvas = createCanvas(size, size, (pixels) =>
    paintSurface(values, size, range, createMapTable(range.kind), pixels),
  );
  const step = side / (size - 1);
  const x = (/** @type {number} */ a) => plot.x + ((a / span + 1) / 2) * side;
  const y = (/** @type {number} */ b) => plot.y + side - ((b / span + 1) / 2) * side;
  const lines = findContours(values, size, range).map(({segments, light, strong}) =>
    writeTag('path', {
      d: drawStrokes(
        segments,
        (i) => plot.x + i * step,
        (j) => plot.y + side - j * step,
      ),
      fill: 'none',
      stroke: light ? '#000' : '#fff',
      'stroke-opacity': light ? 0.45 : 0.55,
      'stroke-width': strong ? 2 : 1,
    }),
  );
  const ticks = placeTicks(createSliceAxis('a', span, theme), side);
  const there = place && (!path || isInside(path, shot.frame, span));
  return {
    cells: [placeCells(canvas, plot)],
    svg: [
      ...lines,
      path && shot.path ? drawTrajectory(thinPath(path), span, range, x, y) : '',
      ...(shot.follow
        ? []
        : createAnchorTraces(shot.plane.anchors ?? [], span, theme).map((anchor) => drawAnchor(anchor, x, y))),
      there
        ? writeTag('circle', {
            cx: x(place[0]),
            cy: y(place[1]),
            r: 7,
            fill: theme.accent,
            stroke: '#fff',
            'stroke-width': 3,
          }) +
          writeTag('circle', {
            cx: x(place[0]),
            cy: y(place[1]),
            r: 8.5,
            fill: 'none',
            stroke: '#111',
            'stroke-width': 1.5,
          })
        : '',
      mark ? drawCross(x(mark[0]), y(mark[1]), 8, 4) : '',
      way
        ? writeTag(
            'svg',
            {...plot, viewBox: `${plot.x} ${plot.y} ${side} ${side}`},
            drawWay(
              way.losses.map((_, t) => x(way.points[2 * t])),
              way.losses.map((_, t) => y(way.points[2 * t + 1])),
            ),
          )
        : '',
      drawAxes(plot, {ticks, title: writeLetter('a')}, {ticks, title: writeLetter('b')}, theme),
    ].join(''),
  };
}

/**
 * Draw a ball's path, and the ball at its end.
 * @param {number[]} x @param {number[]} y @param {Record<string, string>} [looks]
 */
function drawWay(x, y, looks = {}) {
  return (
    writeTag('path', {
      d: drawPath(x, y),
      fill: 'none',
      stroke: BALL_COLOUR,
      'stroke-width': 2.5,
      'stroke-linejoin': 'round',
      ...looks,
    }) +
    writeTag('circle', {
      class: 'ball',
      cx: x.at(-1) ?? 0,
      cy: y.at(-1) ?? 0,
      r: 6,
      fill: BALL_COLOUR,
      stroke: '#111',
      'stroke-width': 1.5,
    })
  );
}

/**
 * @param {import('../../figures/path.js').Trajectory} path @param {number} span @param {Picture['range']} range
 * @param {(a: number) => number} x @param {(b: number) => number} y
 */
function drawTrajectory(path, span, range, x, y) {
  const line = drawPathLine(path, span, range);
  const d = drawPath(line.x.map(x), line.y.map(y));
  const dots = path.epochs.flatMap((_, t) =>
    isInside(path, t, span)
      ? [writeTag('circle', {cx: x(path.points[2 * t]), cy: y(path.points[2 * t + 1]), r: 2.5})]
      : [],
  );
  return (
    writeTag(
      'g',
      {fill: 'none', 'stroke-linejoin': 'round'},
      writeTag('path', {d, stroke: '#fff', 'stroke-opacity': 0.9, 'stroke-width': 5}),
      writeTag('path', {d, stroke: PATH_COLOUR, 'stroke-width': 2}),
    ) + writeTag('g', {fill: PATH_COLOUR, stroke: '#fff', 'stroke-width': 0.8}, ...dots)
  );
}

/**
 * @param {ReturnType<typeof createAnchorTraces>[number]} anchor @param {(a: number) => number} x
 * @param {(b: number) => number} y
 */
function drawAnchor({x: [a], y: [b], text: [name], textposition}, x, y) {
  const anchor = textposition.endsWith('left') ? 'end' : textposition.endsWith('right') ? 'start' : 'middle';
  const low = textposition.startsWith('bottom') ? 18 : -9;
  return (
    drawCross(x(a), y(b), 5, 2) +
    writeWords(x(a), y(b) + low, escapeXml(name), {
      'text-anchor': anchor,
      'font-size': 11,
      fill: '#fff',
      stroke: '#000',
      'stroke-width': 2.5,
      'paint-order': 'stroke',
    })
  );
}

/** @param {number} x @param {number} y @param {number} r @param {number} width */
function drawCross(x, y, r, width) {
  const d = `M${roundForSvg(x - r)} ${roundForSvg(y)}h${2 * r}M${roundForSvg(x)} ${roundForSvg(y - r)}v${2 * r}`;
  return (
    writeTag('path', {d, stroke: '#000', 'stroke-width': width + 2}) +
    writeTag('path', {d, stroke: '#fff', 'stroke-width': width})
  );
}

/** @param {Picture} picture @param {Box} box @param {Theme} theme @returns {Part} */
export function drawSectionPart({shot, range, values, axis, place, loss, way}, box, theme) {
  const plot = computeInnerBox(box, {l: 60, r: 12, t: 36, b: 40});
  const {xaxis, yaxis} = createSectionAxes(shot.span, range, theme);
  const scale = range.scale === 'log' ? Math.log10 : (/** @type {number} */ value) => value;
  const [low, high] = yaxis.range;
  const x = (/** @type {number} */ a) => plot.x + ((a / shot.span + 1) / 2) * plot.width;
  const y = (/** @type {number} */ value) => plot.y + plot.height - ((scale(value) - low) / (high - low)) * plot.height;
  const cuts = cutSections(values, axis.length);
  const across = axis.map(x);
  const curve = (/** @type {number[]} */ curved, /** @type {Record<string, string>} */ looks) =>
    writeTag('path', {
      d: drawPath(across, curved.map(y)),
      fill: 'none',
      'stroke-width': 2,
      'stroke-linejoin': 'round',
      ...looks,
    });
  const up = placeTicks({...yaxis, ticktext: /** @type {string[]} */ (yaxis.ticktext)}, plot.height, scale);
  const along = {stroke: theme.ink};
  const other = {stroke: theme.accent, 'stroke-dasharray': '7 4'};
  const clip = `section-${roundForSvg(plot.x)}`;
  return {
    cells: [],
    svg: [
      writeTag('clipPath', {id: clip}, writeTag('rect', {...plot})),
      ...up.map(({at}) =>
        writeTag('path', {
          d: `M${roundForSvg(plot.x)} ${roundForSvg(plot.y + plot.height - at)}h${roundForSvg(plot.width)}`,
          stroke: theme.line,
        }),
      ),
      writeTag('g', {'clip-path': `url(#${clip})`}, curve(cuts.b, other), curve(cuts.a, along)),
      place
        ? writeTag('path', {
            d: `M${roundForSvg(x(place[1]))} ${roundForSvg(y(loss) - 7)}l7 7l-7 7l-7 -7Z`,
            fill: theme.paper,
            stroke: theme.accent,
            'stroke-width': 2,
          })
        : '',
      place
        ? writeTag('circle', {
            cx: x(place[0]),
            cy: y(loss),
            r: 5.5,
            fill: theme.paper,
            stroke: theme.ink,
            'stroke-width': 2,
          })
        : '',
      writeTag(
        'g',
        {'clip-path': `url(#${clip})`},
        ...(way
          ? [1, 0].map((side) =>
              drawWay(
                way.losses.map((_, t) => x(way.points[2 * t + side])),
                way.losses.map((own) => y(limitTo(range, own))),
                side ? {'stroke-dasharray': '7 4'} : {},
              ),
            )
          : []),
      ),
      drawKeyEntry(plot.x, plot.y - 14, along, `along\u00a0${writeLetter('a')}, ${writeLetter('b')} = 0`, theme),
      drawKeyEntry(plot.x + 136, plot.y - 14, other, `along\u00a0${writeLetter('b')}, ${writeLetter('a')} = 0`, theme),
      drawAxes(
        plot,
        {ticks: placeTicks(xaxis, plot.width), title: `${writeLetter('a')}, ${writeLetter('b')}`},
        {ticks: up, title: '', stand: 10},
        theme,
      ),
    ].join(''),
  };
}

/**
 * @param {number} x @param {number} y @param {Record<string, string>} looks @param {string} content SVG
 * @param {Theme} theme
 */
function drawKeyEntry(x, y, looks, content, theme) {
  return (
    writeTag('path', {d: `M${x} ${y - 4}h24`, 'stroke-width': 2, ...looks}) +
    writeWords(x + 32, y, content, {'font-size': 12, fill: theme.ink})
  );
}
