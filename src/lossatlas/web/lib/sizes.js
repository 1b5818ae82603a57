/** Elements that change their size. */

/** @param {Element[]} elements @param {() => void} onChange */
export function watchSizes(elements, onChange) {
  const sizes = new Map(elements.map((element) => [element, `${element.clientWidth} ${element.clientHeight}`]));
  const observer = new ResizeObserver(() => {
    let changed = false;
    for (const [element, before] of sizes) {
      const now = `${element.clientWidth} ${element.clientHeight}`;
      changed ||= now !== before; // an observer also reports once on its own account
      sizes.set(element, now);
    }
    if (changed) onChange();
  });
  for (const element of elements) observer.observe(element);
}
