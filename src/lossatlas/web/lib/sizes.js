/** This module reports when elements change their size. */

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
