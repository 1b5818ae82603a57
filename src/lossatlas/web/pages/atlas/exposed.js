/** This module exposes to tests and to the browser's console what the page should show, and what it shows. */
/** @import {Shot, State} from '../../model/types.js' */

/**
 * Create `window.lossatlas`.
 * @param {{state: () => State, shown: () => Shot | null, range: () => {low: number, high: number} | null,
 *   isCurrent: () => boolean}} page
 * @returns {() => void} a function to call when the first picture is drawn
 */
export function expose({state, shown, range, isCurrent}) {
  /** @type {(value?: unknown) => void} */
  let markReady = () => {};
  const ready = new Promise((done) => {
    markReady = done;
  });
  Object.defineProperty(window, 'lossatlas', {
    value: Object.freeze({
      ready,
      state: () => structuredClone(state()),
      shown() {
        const shot = shown();
        return (
          shot && {
            run: shot.run.id,
            frame: shot.frame,
            epoch: shot.run.frames[shot.frame],
            span: shot.span,
            scale: shot.scale,
          }
        );
      },
      range,
      isCurrent,
      computed: () => shown()?.computed ?? false,
      slice() {
        const shot = shown();
        return (
          shot && {
            plane: shot.plane.name,
            view: shot.view,
            set: shot.set,
            follow: shot.follow,
            path: shot.path,
            pick: shot.pick,
          }
        );
      },
    }),
  });
  return markReady;
}
