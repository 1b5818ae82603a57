/** This module is the bar that controls both runs: view, loss, plane, zoom, scale and camera. */
/** @import {Shot, State} from '../../model/types.js' */
import {byId, make} from '../../lib/dom.js';
import {writePlaneTitle} from '../../figures/slice.js';
import {computeLimit, limits} from '../../model/slice.js';
import {limit, radioGroup} from '../../views/controls.js';
import {createZoom} from '../../views/zoom.js';

const STEP = Math.PI / 12;
const NO_PLANES = 'These two runs have no other plane in common.';

/** @param {{choose: (patch: Partial<State>) => void, onTurn: (turn: number, tilt: number) => void}} options */
export function createBar({choose, onTurn}) {
  const plane = /** @type {HTMLSelectElement} */ (byId('plane'));
  const follow = /** @type {HTMLInputElement} */ (byId('follow'));
  const path = /** @type {HTMLInputElement} */ (byId('path'));
  const back = byId('pick-back');
  const view = radioGroup(byId('view'), (value) => choose({view: /** @type {State['view']} */ (value)}));
  const set = radioGroup(byId('set'), (value) => choose({set: /** @type {State['set']} */ (value)}));
  const zoom = createZoom({
    onZoom: (span) => choose({zoom: span}),
    onLog: (log) => choose({scale: log ? 'log' : 'linear'}),
    onRange: (range) => choose({range}),
  });
  follow.addEventListener('change', () => choose({follow: follow.checked}));
  path.addEventListener('change', () => choose({path: path.checked}));
  plane.addEventListener('change', () => choose({plane: plane.value || null, seed: null, zoom: null}));
  back.addEventListener('click', () => choose({pick: null}));
  for (const button of document.querySelectorAll('.camera button')) {
    const {turn = '0', tilt = '0'} = /** @type {HTMLElement} */ (button).dataset;
    button.addEventListener('click', () => onTurn(Number(turn) * STEP, Number(tilt) * STEP));
  }
  let planes = '';

  /** Draw the menu of the planes that both runs have. @param {Shot[]} shots @param {State['plane']} wished */
  const drawPlanes = (shots, wished) => {
    const [first, ...others] = shots.map(({run}) => run.planes);
    const common = first.filter(({name}) => others.every((all) => all.some((other) => other.name === name)));
    // Do both runs have the same first plane?
    const own = shots.every(({run}) => run.planes[0].name === first[0].name);
    const options = [
      ...(own ? [] : [['', 'Each run’s first plane']]),
      ...common.map((each) => [own && each === first[0] ? '' : each.name, writePlaneTitle(each)]),
    ];
    const text = options.join('\n');
    if (text !== planes) plane.replaceChildren(...options.map(([value, title]) => make('option', {value}, title)));
    planes = text;
    plane.value = options.some(([value]) => value === wished) ? (wished ?? '') : '';
    plane.disabled = options.length < 2;
    plane.title = plane.disabled
      ? NO_PLANES
      : 'The two directions in parameter space along which the losses are shown.';
  };

  return {
    /**
     * @param {Shot[]} shots one or two, as far as they are known @param {Pick<State, 'plane' | 'scale' | 'view' | 'set'
     *   | 'pick' | 'follow' | 'path'>} wished
     */
    draw(shots, wished) {
      if (shots.length === 0) return;
      const why = shots.map((shot) => limits(shot.run, shot));
      view.check(wished.view);
      set.check(wished.set);
      set.limit(['test', 'gap'], why.find((each) => each.set)?.set ?? '');
      follow.checked = shots.some((shot) => shot.follow);
      limit(follow, why.every((each) => each.follow) ? why[0].follow : '');
      path.checked = shots.some((shot) => shot.path);
      limit(path, why.every((each) => each.path) ? why[0].path : '');
      drawPlanes(shots, wished.plane);
      // The zoom is drawn for the run of the two that can show less.
      zoom.draw(shots.find((shot) => computeLimit(shot.run, shot.plane) !== '') ?? shots[0]);
      const log = /** @type {HTMLInputElement} */ (byId('log'));
      // The box shows what was chosen: the pictures may take a moment.
      log.checked = wished.scale === 'log' && wished.set !== 'gap';
      limit(log, why[0].log);
      back.hidden = wished.pick === null;
      byId('camera').hidden = wished.view !== 'surface';
    },
  };
}
