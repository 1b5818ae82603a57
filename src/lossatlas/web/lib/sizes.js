/** This module reports when elements change their size. */

/** @param {Element[]} elements @param {() => void} onChange */
export function watchSizes(elements, onChange) {
  const sizes = new Map(elements.map((element) => [element, `${element.clientWidth} ${element.clientHeight}`]));
  const observer = new ResizeObserver(() => {
    let changed = false;
    for (const [element, before] of sizes) {
      const now = `${element.clientWidth} ${element.clientHeight}`;
      changed ||= now !== before; // An observer also reports once when it starts.
      sizes.set(element, now);
    }
    if (changed) onChange();
  });
  for (const element of elements) observer.observe(element);
}
