/**
 * This view chooses the slice of the landscape: it draws the controls above the left plot and the facts about the plane
 * below it.
 */
/** @import {Shot, State} from '../model/types.js' */
import {byId, make, setText} from '../lib/dom.js';
import {describeMode, listPlaneFacts, writePlaneTitle, describeResidual, describeShare} from '../figures/slice.js';
import {joinKey} from '../model/keys.js';
import {computeLimit, limits} from '../model/slice.js';
import {limit, radioGroup} from './controls.js';

const NEW =
  'Draw two new random directions: what stays the same belongs to the landscape, and what changes belongs to ' +
  'the slice.';
const SHARE =
  'Training moved the network along many directions. This is the share of that movement that lies in the two ' +
  'directions shown: of the variance of its path.';
const WHAT = 'The two directions in parameter space along which the loss is shown.';
/** From this window height on there is room for all the facts. */
const TALL = 960;

/** @param {{choose: (patch: Partial<State>) => void}} options */
export function createSlice({choose}) {
  const planes = createPlanes(choose);
  const controls = createControls(choose);
  const about = /** @type {HTMLDetailsElement} */ (byId('slice-about'));
  about.open = innerHeight >= TALL && !matchMedia('(max-width: 67.5em)').matches;
  let drawn = '';

  return {
    /** @param {Shot} shot */
    draw(shot) {
      const key = keyOf(shot);
      if (key !== drawn) {
        planes.draw(shot);
        controls.draw(shot);
        drawAbout(shot);
      }
      drawn = key;
      const residual = describeResidual(shot);
      setText(byId('slice-residual'), residual?.text ?? '');
      if (residual) byId('slice-residual').title = residual.why;
    },
  };
}

/** Name everything that the controls and the facts depend on. @param {Shot} shot */
function keyOf({run, plane, computed, view, set, follow, path, scale}) {
  return joinKey(
    run.id,
    run.isWhole,
    run.frames.length,
    run.planes.length,
    run.isGrowing,
    plane.centre_frame,
    plane.name,
    computed,
    view,
    set,
    follow,
    path,
    scale,
  );
}

/**
 * Create the menu of planes and the button that draws new directions.
 * @param {(patch: Partial<State>) => void} choose
 */
function createPlanes(choose) {
  const menu = /** @type {HTMLSelectElement} */ (byId('plane'));
  const draw = /** @type {HTMLButtonElement} */ (byId('new-directions'));
  /** The seed of the directions that are shown, if the page drew them. @type {number | null} */
  let seed = null;
  let offered = '';
  menu.addEventListener('change', () =>
    choose({plane: menu.selectedIndex === 0 ? null : menu.value, seed: null, zoom: null}),
  );
  draw.addEventListener('click', () => choose({seed: (seed ?? 0) + 1}));

  /** @param {Shot} shot */
  const drawMenu = ({run, plane: shown}) => {
    const all = shown.drawn === undefined ? run.planes : [...run.planes, shown];
    const titles = all.map((each) => `${each.name} ${writePlaneTitle(each)}`).join('\n');
    if (titles === offered) return;
    offered = titles;
    menu.replaceChildren(...all.map((each) => make('option', {value: each.name}, writePlaneTitle(each))));
    menu.disabled = all.length < 2;
    const lacking = (run.manifest.left_out ?? []).map(({name, why}) => `${writePlaneTitle({name})} is missing: ${why}`);
    menu.title = [WHAT, ...lacking].join('\n');
  };

  return {
    /** @param {Shot} shot */
    draw(shot) {
      drawMenu(shot);
      menu.value = shot.plane.name;
      seed = shot.plane.drawn ?? null;
      const lack = computeLimit(shot.run, shot.plane);
      draw.disabled = lack !== '';
      draw.title = lack || NEW;
    },
  };
}

/** Create the switches beside that menu. @param {(patch: Partial<State>) => void} choose */
function createControls(choose) {
  const follow = /** @type {HTMLInputElement} */ (byId('follow'));
  const path = /** @type {HTMLInputElement} */ (byId('path'));
  const view = radioGroup(byId('view'), (value) => choose({view: /** @type {State['view']} */ (value)}));
  const set = radioGroup(byId('set'), (value) => choose({set: /** @type {State['set']} */ (value)}));
  follow.addEventListener('change', () => choose({follow: follow.checked}));
  path.addEventListener('change', () => choose({path: path.checked}));
  return {
    /** @param {Shot} shot */
    draw(shot) {
      const why = limits(shot.run, shot);
      view.check(shot.view);
      set.check(shot.set);
      set.limit(['test', 'gap'], why.set);
      follow.checked = shot.follow;
      limit(follow, why.follow);
      path.checked = shot.path;
      limit(path, why.path);
      limit(/** @type {HTMLInputElement} */ (byId('log')), why.log);
    },
  };
}

/** Write the facts about the plane. @param {Shot} shot */
function drawAbout(shot) {
  setText(byId('slice-share'), describeShare(shot.plane));
  byId('slice-share').title = SHARE;
  setText(byId('slice-mode'), describeMode(shot));
  setText(byId('slice-what'), shot.plane.what);
  setText(byId('slice-hides'), shot.plane.hides ?? '');
  byId('slice-hides').hidden = !shot.plane.hides;
  byId('slice-facts').replaceChildren(
    ...listPlaneFacts(shot.plane).map(({text, why}) => make('span', {title: why}, text)),
  );
}
