/** Which slice of the landscape, and what of it: the controls above the left plot, and what there is to know below it. */
/** @import {Shot, State} from '../model/types.js' */
import {byId, make, say} from '../lib/dom.js';
import {modeText, planeFacts, planeTitle, residualFact, shareText} from '../figures/slice.js';
import {labLimit, limits} from '../model/slice.js';
import {limit, radioGroup} from './controls.js';

const NEW = 'Draw two new random directions: what stays the same belongs to the landscape, what changes to the slice.';
const SHARE =
  'Training moved the network along many directions. This is the share of that movement that lies in the two ' +
  'directions shown: of the variance of its path.';
const WHAT = 'The two directions in parameter space along which the loss is shown.';
/** From this height on there is room for the whole of what there is to say. */
const TALL = 960;

/** @param {{choose: (patch: Partial<State>) => void}} options */
export function createSlice({choose}) {
  const plane = /** @type {HTMLSelectElement} */ (byId('plane'));
  const follow = /** @type {HTMLInputElement} */ (byId('follow'));
  const path = /** @type {HTMLInputElement} */ (byId('path'));
  const view = radioGroup(byId('view'), (value) => choose({view: /** @type {State['view']} */ (value)}));
  const set = radioGroup(byId('set'), (value) => choose({set: /** @type {State['set']} */ (value)}));
  const about = /** @type {HTMLDetailsElement} */ (byId('slice-about'));
  about.open = innerHeight >= TALL && innerWidth > 1080;
  const draw = /** @type {HTMLButtonElement} */ (byId('new-directions'));
  plane.addEventListener('change', () =>
    choose({plane: plane.selectedIndex === 0 ? null : plane.value, seed: null, zoom: null}),
  );
  draw.addEventListener('click', () => choose({seed: (drawnSeed ?? 0) + 1}));
  /** @type {number | null} */
  let drawnSeed = null;
  follow.addEventListener('change', () => choose({follow: follow.checked}));
  path.addEventListener('change', () => choose({path: path.checked}));
  let planes = '';
  let drawn = '';

  /** @param {Shot} shot */
  const drawPlanes = ({run, plane: shown}) => {
    const all = shown.drawn === undefined ? run.planes : [...run.planes, shown];
    const titles = all.map((each) => `${each.name} ${planeTitle(each)}`).join('\n');
    if (titles === planes) return;
    planes = titles;
    plane.replaceChildren(...all.map((each) => make('option', {value: each.name}, planeTitle(each))));
    plane.disabled = all.length < 2;
    const lacking = (run.manifest.left_out ?? []).map(({name, why}) => `${planeTitle({name})} is not here: ${why}`);
    plane.title = [WHAT, ...lacking].join('\n');
  };

  /** @param {Shot} shot */
  const drawControls = (shot) => {
    const why = limits(shot.run, shot);
    plane.value = shot.plane.name;
    drawnSeed = shot.plane.drawn ?? null;
    const lack = labLimit(shot.run, shot.plane);
    draw.disabled = lack !== '';
    draw.title = lack || NEW;
    view.check(shot.view);
    set.check(shot.set);
    set.limit(['test', 'gap'], why.set);
    follow.checked = shot.follow;
    limit(follow, why.follow);
    path.checked = shot.path;
    limit(path, why.path);
    limit(/** @type {HTMLInputElement} */ (byId('log')), why.log);
  };

  /** @param {Shot} shot */
  const drawAbout = (shot) => {
    say(byId('slice-share'), shareText(shot.plane));
    byId('slice-share').title = SHARE;
    say(byId('slice-mode'), modeText(shot));
    say(byId('slice-what'), shot.plane.what);
    say(byId('slice-hides'), shot.plane.hides ?? '');
    byId('slice-hides').hidden = !shot.plane.hides;
    byId('slice-facts').replaceChildren(
      ...planeFacts(shot.plane).map(({text, why}) => make('span', {title: why}, text)),
    );
  };

  return {
    /** @param {Shot} shot */
    draw(shot) {
      const {
        run,
        plane: {name, centre_frame},
        computed,
        view: seen,
        set: of,
        follow: moves,
        path: line,
        scale,
      } = shot;
      const key = [
        run.id,
        run.kind,
        run.frames.length,
        run.planes.length,
        run.isGrowing,
        centre_frame,
        name,
        computed,
        seen,
        of,
        moves,
        line,
        scale,
      ].join();
      if (key !== drawn) {
        drawPlanes(shot);
        drawControls(shot);
        drawAbout(shot);
      }
      drawn = key;
      const residual = residualFact(shot);
      say(byId('slice-residual'), residual?.text ?? '');
      if (residual) byId('slice-residual').title = residual.why;
    },
  };
}
