/**
 * This module prints both plots completely and in light colours, on paper and in a PDF: each keeps its shape, at the
 * width of the page.
 */

/** The room for a plot on an upright sheet of A4 or Letter, in CSS pixels. */
const SHEET = {width: 660, height: 430};

/**
 * Tell the print styles the size of the plots and the factor by which each is reduced, and draw in light colours.
 * @param {() => void} onColours the theme has changed: the plots must be drawn at once, since the browser does not wait
 */
export function watchPrinting(onColours) {
  const root = document.documentElement;
  /** @type {string | undefined} */
  let theme;
  /** @param {string | undefined} to */
  const useTheme = (to) => {
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
    useTheme('light');
  });
  window.addEventListener('afterprint', () => useTheme(theme));
}
