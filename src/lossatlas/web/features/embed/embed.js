/**
 * This module adapts the page to a frame in another page (`embed=1`): it shows the parts that the frame's address asks
 * for, and leaves the wheel, the keys, the focus and the history to the page around it.
 */
/** @import {State} from '../../model/types.js' */
/** @import {StateStore} from '../../model/address.js' */
import {byId, make} from '../../lib/dom.js';
import {toQuery} from '../../model/state.js';
import {PARTS, readWanted} from './parts.js';

/** The share of the frame that must be in sight for playback to start by itself. */
const SEEN = 0.5;
/** The buttons at the top of the page. Without one of them there is no bar. */
const BAR = ['title', 'compare', 'train', 'share', 'theme'];
/** The controls above the left plot. */
const TOOLS = ['view', 'set', 'zoom', 'log', 'fit', 'follow', 'path'];
/** What is in the row below the plots. */
const ROW = ['play', 'curves', 'epoch', 'numbers', 'curvature', 'timeline', 'step', 'speed', 'reset', 'tour'];
/** What is in the row above each plot. */
const HEADS = ['titles', 'legend', 'tables', 'plane', 'directions'];

/** @param {{store: StateStore, base: State}} page `base`: the state that an address without a query means */
export function createEmbed({store, base}) {
  const {shown, autoplay, theme, remark} = readWanted(new URLSearchParams(location.search));
  const boxes = [
    [BAR, 'bar'],
    [TOOLS, 'tools'],
    [ROW, 'row'],
    [HEADS, 'heads'],
  ].flatMap(([names, box]) => (shown.some((name) => names.includes(name)) ? [box] : []));
  byId('small').remove(); // A frame has its own layouts for small sizes.
  if (theme) document.documentElement.dataset.theme = theme;
  document.body.dataset.embed = [...shown, ...boxes].join(' ');
  const main = document.querySelector('main');
  main?.before(byId('tour')); // So the tour takes room from the plots at any size.
  main?.append(createLink(store, base));
  hide(Object.keys(PARTS).filter((name) => !shown.includes(name)));
  return {autoplay, remark, callWhenSeen};
}

/** Hide parts, also those that are created later. @param {string[]} names */
function hide(names) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`${names.map((name) => PARTS[name]).join(', ')} { display: none !important; }`);
  document.adoptedStyleSheets.push(sheet);
}

/** Create the link that opens what is shown in the whole page. @param {StateStore} store @param {State} base */
function createLink(store, base) {
  const link = make(
    'a',
    {class: 'in-full', href: location.pathname, target: '_blank', title: 'Opens this in the whole page.'},
    make('span', {}, 'Loss Atlas '),
    '↗',
  );
  for (const type of ['click', 'auxclick', 'contextmenu'])
    link.addEventListener(type, () => {
      link.href = location.pathname + toQuery(/** @type {State} */ (store.get()), base);
    });
  return link;
}

/** Call a function as soon as most of the frame is in sight. @param {() => void} act */
function callWhenSeen(act) {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({isIntersecting}) => isIntersecting)) return;
      observer.disconnect();
      act();
    },
    {threshold: SEEN},
  );
  observer.observe(document.body);
}
