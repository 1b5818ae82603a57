/**
 * This module describes a released ball, which is a training that starts at the picked point: its loss by epoch as a
 * path, and in words how far it goes. It consists of pure functions.
 */
/** @import {Way} from '../compute/descent.js' */
import {drawLine} from './curves.js';
import {roughPercentText, shortText} from '../lib/numbers.js';

/** The room for the dot at the curve's end, in pixels. */
const EDGE = 4;

/**
 * @param {number[]} losses one for each epoch @param {number} epochs the number of epochs that will be trained
 * @param {'linear' | 'log'} scale @param {{width: number, height: number}} size
 */
export function drawBallCurve(losses, epochs, scale, {width, height}) {
  const finite = losses.filter((loss) => Number.isFinite(loss) && (scale === 'linear' || loss > 0));
  const on = scale === 'log' ? Math.log : (/** @type {number} */ loss) => loss;
  const [low, high] = [Math.min(...finite), Math.max(...finite)].map(on);
  const x = (/** @type {number} */ epoch) => EDGE + (epoch / epochs) * (width - 2 * EDGE);
  const y = (/** @type {number} */ loss) =>
    height - EDGE - (high > low ? (on(Math.max(loss, 0)) - low) / (high - low) : 0.5) * (height - 2 * EDGE);
  const last = losses.length - 1;
  return {
    path: drawLine(losses, x, (loss) => Math.min(height - EDGE, y(loss))),
    end: {x: x(last), y: Math.min(height - EDGE, y(losses[last]))},
  };
}

/**
 * Say in words how far a ball goes. The plane has only two of many directions: a training hardly ever stays in it, and
 * outside it the surface that is drawn does not show the ball's loss.
 * @param {Way} way @param {number} span the span of the square that is shown
 */
export function describeBall({points, inside}, span) {
  const [a, b] = points.slice(-2);
  const share = inside[inside.length - 1];
  const beyond =
    Math.max(Math.abs(a), Math.abs(b)) > span
      ? ` It is beyond this zoom, at a ${shortText(a)}, b ${shortText(b)}.`
      : '';
  if (inside.length === 1) return `The ball is a network that continues training from the picked point.${beyond}`;
  const held = roughPercentText(share);
  const where =
    share < 0.5
      ? `The ball has left this plane: only ${held} of its path lies in it, so its own loss is above or below ` +
        'the surface.'
      : `The ball is a network that continues training: ${held} of its path lies in this plane.`;
  return where + beyond;
}
