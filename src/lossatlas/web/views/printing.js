/** On paper, and in a PDF, both plots are whole and light: each keeps its shape, at the width of the page. */

/** The room for a plot on a sheet of A4 or Letter, upright, in CSS pixels. */
const SHEET = {width: 660, height: 430};

/**
 * Tell the print styles how large the plots are and by how much each is made smaller, and draw in light colours.
 * @param {() => void} onColours the theme has changed: the plots are to be drawn at once, as the browser does not wait
 */
export function watchPrinting(onColours) {
  const root = document.documentElement;
  /** @type {string | undefined} */
  let theme;
  /** @param {string | undefined} to */
  const dress = (to) => {
    if (to === undefined) delete root.dataset.theme;
    else root.dataset.theme = to;
    onColours();
  };
  window.addEventListener('beforeprint', () => {
    for (const body of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.plot-body'))) {
      const {clientWidth: width, clientHeight: height} = body;
      if (!width || !height) continue;
      body.style.setProperty('--printed-width', `${width}px`);
      body.style.setProperty('--printed-height', `${height}px`);
      body.style.setProperty('--printed-zoom', String(Math.min(1, SHEET.width / width, SHEET.height / height)));
    }
    theme = root.dataset.theme;
    dress('light');
  });
  window.addEventListener('afterprint', () => dress(theme));
}
