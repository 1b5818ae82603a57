/**
 * This module writes the HTML of a frame that shows the view in another page, with the choices of what the frame shows.
 */
/** @import {Task} from './task.js' */
import {make} from '../../lib/dom.js';
import {copyText} from './clipboard.js';
import {createButton} from './row.js';

/** The parts that can be chosen; docs/embedding.md lists all of them. @type {Record<string, string>} */
const PARTS = {surface: 'Loss landscape', boundary: 'Decision boundary', play: 'Playback', curves: 'Curves'};
const SIZES = [
  [320, 240],
  [600, 400],
  [960, 540],
];
const [, USUAL] = SIZES;

/**
 * Write the HTML of a frame.
 * @param {string} link the link to the view
 * @param {{show: string[], autoplay: boolean, width: string, height: number, title: string}} choice
 */
export function writeFrame(link, {show, autoplay, width, height, title}) {
  const [page, query = ''] = link.split('?');
  const [open, own] = query.split('#');
  // A playback that starts by itself starts at the beginning.
  const pairs = open.split('&').filter((pair) => pair && !(autoplay && pair.startsWith('epoch=')));
  const wanted = ['embed=1', `show=${show.join(',')}`, ...(autoplay ? ['autoplay=1'] : []), ...pairs].join('&');
  const source = `${page}?${wanted}${own === undefined ? '' : `#${own}`}`;
  return (
    `<iframe src="${escapeAttribute(source)}" title="${escapeAttribute(title)}" width="${width}" height="${height}" ` +
    'style="border: 0" loading="lazy" allow="fullscreen"></iframe>'
  );
}

/** @param {string} text */
const escapeAttribute = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** @param {Task} task */
export function createEmbedRow(task) {
  const boxes = Object.entries(PARTS).map(([name, text]) => ({
    name,
    ...createCheck(text, name !== 'curves', `Shows this part in the frame: ${text.toLowerCase()}.`),
  }));
  const autoplay = createCheck(
    'Plays by itself',
    false,
    'Plays from the first epoch as soon as the frame is in sight.',
  );
  const size = make(
    'select',
    {'aria-label': 'Size of the frame', title: 'The size of the frame in pixels.'},
    ...SIZES.map(([width, height]) => make('option', {value: `${width} ${height}`}, `${width}\u00a0×\u00a0${height}`)),
    make('option', {value: '100% 480'}, 'Full width'),
  );
  size.value = USUAL.join(' ');
  const code = make('code');
  const copy = createButton('Copy', {'aria-label': 'Copy the frame', title: 'Copies this HTML to the clipboard.'}, () =>
    copyText(code.textContent ?? '', 'HTML copied', code, task.showMessage),
  );
  let link = '';
  let title = '';
  const write = () => {
    const chosen = boxes.filter(({input}) => input.checked).map(({name}) => name);
    const [width, height] = size.value.split(' ');
    const choice = {show: chosen, autoplay: autoplay.input.checked, width, height: Number(height), title};
    code.textContent = chosen.length ? writeFrame(link, choice) : 'Choose at least one part to show.';
    copy.disabled = chosen.length === 0;
  };
  const choices = make('div', {class: 'choices'}, ...boxes.map(({label}) => label), autoplay.label, size);
  choices.addEventListener('change', write);

  return {
    element: make(
      'div',
      {class: 'embed'},
      make('div', {class: 'python-head'}, make('h3', {}, 'Embed'), make('p', {class: 'note'}, NOTE), copy),
      choices,
      make('pre', {tabindex: 0, 'aria-label': 'HTML of the frame'}, code),
    ),
    /** @param {string} to the link to the view @param {string} name the title of the run */
    show(to, name) {
      link = to;
      title = `Loss Atlas: ${name}`;
      write();
    },
  };
}

const NOTE = 'Shows this view in a page of your own. Whoever opens that page needs to reach this address.';

/** @param {string} text @param {boolean} checked @param {string} title */
function createCheck(text, checked, title) {
  const input = make('input', {type: 'checkbox', checked, 'aria-label': text});
  return {input, label: make('label', {class: 'check', title}, input, text)};
}
