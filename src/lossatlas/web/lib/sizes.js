/** This module reports when elements change their size, and how large the page's text is. */

/** The size of the root's text in a browser whose reader has not chosen another, in pixels. */
const USUAL = 16;

/**
 * Return how large text is, relative to the usual: by the reader's choice, or in a presentation. The stylesheets follow
 * it with rem, and the figures with the property `text` of their theme.
 */
export const textScale = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / USUAL;

/** @param {Element[]} elements @param {() => void} onChange */
export function watchSizes(elements, onChange) {
  const sizes = new Map(elements.map((element) => [element, sizeOf(element)]));
  const observer = new ResizeObserver(() => {
    let changed = false;
    for (const [element, before] of sizes) {
      const now = sizeOf(element);
      // An observer also reports once when it starts.
      changed ||= now.width !== before.width || now.height !== before.height;
      sizes.set(element, now);
    }
    if (changed) onChange();
  });
  for (const element of elements) observer.observe(element);
}

/** @param {Element} element */
const sizeOf = ({clientWidth: width, clientHeight: height}) => ({width, height});
