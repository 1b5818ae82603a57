/** This view draws two sections of the landscape: the axes once, and curves that change with the frame. */
/** @import {Picture} from './picture.js' */
import {make} from '../lib/dom.js';
import {writeGradient} from '../figures/colours.js';
import {placeRange, createSectionAxes, cutSections, createSectionTraces} from '../figures/section.js';
import {CONFIG} from '../lib/plotly.js';
import {readTheme} from '../lib/theme.js';

/** The room around the plot in pixels, for text of the usual size. */
const MARGIN = {l: 60, r: 20, t: 32, b: 40};

/** @param {import('../lib/plotly.js').Plotly} Plotly @param {HTMLElement} root */
export function createSection(Plotly, root) {
  const plot = /** @type {any} */ (make('div', {class: 'canvas'}));
  const strip = make('div', {class: 'strip', 'aria-hidden': 'true'});
  root.append(plot, strip);
  let drawn = '';

  /** @param {Picture} picture */
  const traces = ({axis, values, place, loss, title, way, range}) =>
    createSectionTraces(axis, cutSections(values, axis.length), place, loss, title, readTheme(), way, range);

  /** @param {Picture} picture */
  const redraw = (picture) => {
    const theme = readTheme();
    const size = {width: root.clientWidth, height: root.clientHeight};
    const [l, r, t, b] = [MARGIN.l, MARGIN.r, MARGIN.t, MARGIN.b].map((side) => side * theme.text);
    const room = size.height - t - b;
    Plotly.react(
      plot,
      traces(picture),
      {
        ...size,
        margin: {l, r, t, b},
        dragmode: false,
        hovermode: 'closest',
        paper_bgcolor: 'rgba(0,0,0,0)',
        plot_bgcolor: 'rgba(0,0,0,0)',
        hoverlabel: {font: {family: theme.font, size: 12 * theme.text}},
        showlegend: true,
        legend: {
          orientation: 'h',
          x: 0,
          y: 1,
          yanchor: 'bottom',
          traceorder: 'reversed',
          font: {family: theme.font, size: 12 * theme.text, color: theme.ink},
          itemclick: false,
          itemdoubleclick: false,
          bgcolor: 'rgba(0,0,0,0)',
        },
        ...createSectionAxes(picture.shot.span, picture.range, theme, room),
      },
      CONFIG,
    );
    const [low, high] = placeRange(picture.range);
    strip.style.background = writeGradient(picture.range.kind, 'to top');
    Object.assign(strip.style, {
      left: `${l - 10}px`,
      top: `${t + room * (1 - high)}px`,
      height: `${room * (high - low)}px`,
    });
  };

  return {
    /** @param {Picture} picture */
    draw(picture) {
      if (picture.key === drawn)
        Plotly.animate(
          plot,
          {
            data: traces(picture).map(({x, y, ...rest}) => ({x, y, ...('text' in rest ? {text: rest.text} : {})})),
            traces: [...traces(picture).keys()],
          },
          AT_ONCE,
        ).catch(() => {}); // The next frame has replaced this one.
      else redraw(picture);
      drawn = picture.key;
    },
  };
}

/** These options let Plotly move lines without drawing the axes again. */
const AT_ONCE = {mode: 'immediate', transition: {duration: 0}, frame: {duration: 0, redraw: false}};
