/** This module chooses round numbers for axes, and has the layout and the axes that all plane plots share. */
import {roundToDigits} from '../lib/numbers.js';

/**
 * Choose round values inside [low, high], about `count` of them.
 * @param {number} low @param {number} high @param {number} count
 */
export function chooseLinearTicks(low, high, count) {
  const rough = (high - low) / count;
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({length: last - first + 1}, (_, i) => roundToDigits((first + i) * step, 14));
}

/**
 * Choose two or three round values, or none if their labels would touch.
 * @param {number} low @param {number} high @param {number} room in pixels, for text of the usual size
 */
export function chooseFewTicks(low, high, room) {
  for (let count = 2; ; count++) {
    const ticks = chooseLinearTicks(low, high, count);
    const apart = (room * (ticks[1] - ticks[0])) / (high - low);
    if (ticks.length > 1 || count > 5)
      return apart < 14 ? ticks.filter((_, i) => i % 2 === Math.max(0, ticks.indexOf(0)) % 2) : ticks;
  }
}

/**
 * Choose round values of each decade in [low, high]; fewer if there are many decades.
 * @param {number} low @param {number} high
 */
export function chooseLogTicks(low, high) {
  const decades = Math.log10(high / low);
  if (decades < 0.7) return chooseLinearTicks(low, high, 6);
  const heads = decades > 3 ? [1, 3] : decades > 1.5 ? [1, 2, 5] : [1, 1.5, 2, 3, 5, 7];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const head of heads) ticks.push(roundToDigits(head * 10 ** power, 6));
  }
  return ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
}

/** Return the layout that all plane plots share. @param {{font: string, text: number}} theme */
export function createPlaneLayout({font, text}) {
  return {
    showlegend: false,
    dragmode: false,
    hovermode: 'closest',
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    hoverlabel: {font: {family: font, size: 12 * text}},
  };
}

/** Return the style of the axes of all plane plots. @param {{muted: string, font: string, text: number}} theme */
export function styleAxis({muted, font, text}) {
  return {
    fixedrange: true,
    showgrid: false,
    zeroline: false,
    showline: false,
    ticks: 'outside',
    ticklen: 4,
    tickcolor: muted,
    tickfont: {family: font, size: 11 * text, color: muted},
  };
}
