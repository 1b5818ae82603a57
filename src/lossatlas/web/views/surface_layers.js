/** This module draws the texts and marks behind and in front of the surface: SVG that follows the camera. */
/** @import {View} from './surface3d.js' */
import {makeSvg} from '../lib/dom.js';
import {placeBall, drawBall, drawCross, drawLabels, drawWalls, drawDescent} from '../figures/axes3d.js';
import {BALL_COLOUR} from '../figures/colours.js';
import {isInside, drawDescentLine} from '../figures/path.js';
import {computeHeight} from '../figures/relief.js';

/** The colour of the network's ball. */
const AMBER = '#ffb000';

/** Create the layers of text and marks behind and in front of the surface: they follow the camera without Plotly. */
export function createLayers() {
  const [walls, labels, marks] = ['walls', 'labels', 'marks'].map(createLayer);
  return {
    walls,
    labels,
    marks,
    /** @param {View} view @param {import('../lib/theme.js').Theme} theme */
    show(view, theme) {
      const {behind, around, before} = drawAnnotations(view, theme);
      const {size} = view.camera;
      walls.show(behind, size);
      labels.show(around, size);
      marks.show(before, size);
    },
  };
}

/**
 * Draw what is behind the surface, around it, and in front of it.
 * @param {View} view
 * @param {import('../lib/theme.js').Theme} theme
 */
export function drawAnnotations({shown, relief, camera}, theme) {
  const {shot, range, place, loss, mark, way, path} = shown;
  const {span} = shot;
  const front = [];
  if (place && (!path || isInside(path, shot.frame, span))) {
    const network = {
      place: /** @type {[number, number]} */ ([place[0] / span, place[1] / span]),
      loss,
      upon: shot.follow,
    };
    front.push(drawBall(placeBall(relief, camera, range, network), relief, camera, theme, AMBER));
  }
  if (mark) front.push(drawCross([mark[0] / span, mark[1] / span], relief, camera));
  const count = way?.losses.length ?? 0;
  if (way && count) {
    const {x, y, z} = drawDescentLine(way, span, range);
    front.push(
      drawDescent(
        x.map((at, t) => [at / span, y[t] / span, Math.min(1, computeHeight(range, z[t]))]),
        camera,
      ),
    );
    const [a, b] = way.points.slice(-2).map((value) => value / span);
    const released = {place: /** @type {[number, number]} */ ([a, b]), loss: way.losses[count - 1], upon: false};
    if (Math.max(Math.abs(a), Math.abs(b)) <= 1) {
      front.push(drawBall(placeBall(relief, camera, range, released), relief, camera, theme, BALL_COLOUR));
    }
  }
  return {
    behind: drawWalls(camera, range, theme),
    around: drawLabels(camera, range, span, theme),
    before: front.join(''),
  };
}

/** Create a layer of SVG over the whole root, which is written only when it changes. @param {string} name */
function createLayer(name) {
  const svg = makeSvg('svg', {class: name, 'aria-hidden': 'true'});
  let written = '';
  let box = '';
  return {
    svg,
    /** @param {string} content @param {{width: number, height: number}} size */
    show(content, {width, height}) {
      const wanted = `0 0 ${width} ${height}`;
      if (wanted !== box) svg.setAttribute('viewBox', wanted);
      if (content !== written) svg.innerHTML = content;
      [box, written] = [wanted, content];
    },
  };
}
