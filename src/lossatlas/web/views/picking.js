/**
 * What is under the pointer, in a 3-D scene of Plotly's. To know it, Plotly draws each picture a second time, into a buffer,
 * and reads that back at once: the page then waits until the graphics have finished, for every frame. It is needed only
 * where a pointer moves over the plot, so only then is it done. These fields are private: where they are missing, drawing
 * is slower and looks the same.
 */

/** So long after the pointer's last move, in ms. */
const AWAKE = 1000;
const MOVES = ['pointerenter', 'pointermove', 'pointerdown'];

/** @param {HTMLElement} root of the plot */
export function createPicking(root) {
  /** @type {any} */
  let scene = null;
  let awake = false;
  let timer = 0;
  /** @type {WeakSet<object>} what picks on demand already */
  const known = new WeakSet();

  const wake = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => { awake = false; }, AWAKE);
    if (awake) return;
    awake = true;
    scene?.update?.(); // the buffer is of an older picture
  };
  for (const type of MOVES) root.addEventListener(type, wake, {capture: true, passive: true});

  /** The framebuffer is bound while the buffer is read; a picture of the canvas itself is always let through. @param {any} gl */
  const mindReading = (gl) => {
    const read = gl.readPixels;
    gl.readPixels = (/** @type {unknown[]} */ ...args) => {
      if (awake || gl.getParameter(gl.FRAMEBUFFER_BINDING) === null) read.apply(gl, args);
    };
  };

  return {
    /** After a drawing that may have made new objects. @param {any} glplot Plotly's scene */
    mind(glplot) {
      if (!glplot?.gl || !Array.isArray(glplot.objects)) return;
      scene = glplot;
      for (const drawn of glplot.objects) {
        if (known.has(drawn) || typeof drawn.drawPick !== 'function') continue;
        known.add(drawn);
        const draw = drawn.drawPick;
        drawn.drawPick = (/** @type {unknown} */ camera) => { if (awake) draw.call(drawn, camera); };
      }
      if (known.has(glplot.gl)) return;
      known.add(glplot.gl);
      mindReading(glplot.gl);
    },
  };
}
