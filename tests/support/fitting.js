/**
 * Which texts of a page cannot be read as they stand: cut off, over another text or control, beyond their panel or the
 * window. A text may end in an ellipsis where its element says so and a tooltip has the whole; what scrolls up and down may.
 */
async () => {
  const {tipOf} = await import('./features/accessibility/sentences.js');
  const SLACK = 1.5; // letters and boxes lie between pixels
  const CONTROL = 'button, input, select, textarea, summary, a, output';
  const PANELS = '.bar, .panel, .plot-head, .toolbar, .plot-body, .slice, .meaning, .workshop, .transport, .tour, dialog';
  const name = (e) => `${e.tagName.toLowerCase()}${e.id ? `#${e.id}` : ''}${e.classList.length ? `.${[...e.classList].join('.')}` : ''}`;
  const isSeen = (e) => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) && !e.closest('.hidden, .skip, [role="tooltip"]');
  const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > SLACK && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > SLACK;
  const beyond = (inner, outer, [x, y]) => (x && (inner.left < outer.left - SLACK || inner.right > outer.right + SLACK))
    || (y && (inner.top < outer.top - SLACK || inner.bottom > outer.bottom + SLACK));
  const wholeIsTold = (e, text) => tipOf(e).text.includes(text);
  const inked = ({left, top, right, bottom, height}) => ({left, right, top: top + height / 5, bottom: bottom - height / 5});
  const modal = document.querySelector('dialog[open]');
  const room = {left: 0, top: 0, right: innerWidth, bottom: innerHeight};
  const found = [];
  /** The letters of an element's own text nodes, line by line; of a control, its content box. */
  const pieces = [];
  for (const e of (modal ?? document.body).querySelectorAll('*')) {
    if (!isSeen(e) || e.closest('option, script, style, template, noscript')) continue;
    const words = [...e.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
    if (e.matches('select, input[type="number"], input[type="text"]')) pieces.push({e, text: e.matches('select') ? e.selectedOptions[0]?.text ?? '' : e.value, boxes: [e.getBoundingClientRect()], typed: true});
    else if (words.length > 0 && !e.matches('textarea')) {
      const range = document.createRange();
      const boxes = words.flatMap((node) => { range.selectNodeContents(node); return [...range.getClientRects()]; }).filter(({width, height}) => width > 0.5 && height > 0.5)
        .map((box) => (e instanceof SVGElement ? inked(box) : box)); // a line of text is higher than its letters
      if (boxes.length > 0) pieces.push({e, text: e.textContent.trim().replace(/\s+/g, ' '), boxes, typed: false});
    }
  }
  const pen = document.createElement('canvas').getContext('2d');
  for (const piece of pieces) {
    const {e, text} = piece;
    const where = `${name(e)} “${text.slice(0, 60)}”`;
    if (piece.typed) {
      const style = getComputedStyle(e);
      pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
      const arrow = e.matches('select') && style.appearance !== 'none' ? 16 : 0;
      const lacks = pen.measureText(text).width + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) + arrow - e.clientWidth;
      if (lacks > 1 && !(style.textOverflow === 'ellipsis' && wholeIsTold(e, text))) found.push(`cut by ${lacks.toFixed(0)} px: ${where}`);
    }
    // What cuts off: boxes around it that neither let it out nor scroll.
    let clip = {...room};
    let reach = piece.boxes; // what of it is there to be seen, once scrolled to
    for (let each = piece.typed ? e.parentElement : e; each && each !== document.documentElement; each = each.parentElement) {
      const {overflowX, overflowY, textOverflow, position, webkitLineClamp} = getComputedStyle(each);
      const box = each.getBoundingClientRect();
      if (overflowX !== 'visible' || overflowY !== 'visible') {
        const scrolls = [overflowX, overflowY].map((value) => value === 'auto' || value === 'scroll');
        if (scrolls[0] && each.scrollWidth > each.clientWidth + 1) found.push(`scrolls sideways: ${name(each)} at ${where}`);
        const cut = reach.some((inner) => beyond(inner, box, [overflowX !== 'visible' && !scrolls[0], overflowY !== 'visible' && !scrolls[1]]));
        const deliberate = (textOverflow === 'ellipsis' || webkitLineClamp !== 'none') && wholeIsTold(each, text);
        if (scrolls[1]) reach = reach.map((inner) => ({left: inner.left, right: inner.right, top: Math.max(inner.top, box.top), bottom: Math.min(inner.bottom, box.bottom)})).filter(({top, bottom}) => bottom > top);
        if (cut && deliberate) reach = [];
        if (cut && !deliberate) found.push(`cut off by ${name(each)}: ${where}`);
        clip = {left: Math.max(clip.left, box.left), top: Math.max(clip.top, box.top), right: Math.min(clip.right, box.right), bottom: Math.min(clip.bottom, box.bottom)};
      }
      if (position === 'fixed') break;
    }
    piece.scrolled = false;
    for (let each = e.parentElement; each; each = each.parentElement) if (each.scrollHeight > each.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(each).overflowY)) piece.scrolled = true;
    if (!piece.scrolled && reach.some((inner) => beyond(inner, room, [true, true]))) found.push(`beyond the window: ${where}`);
    const panel = e.closest(PANELS);
    if (panel && !piece.scrolled && reach.some((inner) => beyond(inner, panel.getBoundingClientRect(), [true, true]))) found.push(`beyond ${name(panel)}: ${where}`);
    piece.seen = piece.boxes.map((box) => ({left: Math.max(box.left, clip.left), top: Math.max(box.top, clip.top), right: Math.min(box.right, clip.right), bottom: Math.min(box.bottom, clip.bottom)}))
      .filter(({left, top, right, bottom}) => right > left && bottom > top);
  }
  const controls = [...(modal ?? document.body).querySelectorAll(CONTROL)].filter(isSeen).map((e) => {
    let {left, top, right, bottom} = e.getBoundingClientRect();
    for (let each = e.parentElement; each; each = each.parentElement) {
      if (getComputedStyle(each).overflowY === 'visible') continue;
      const box = each.getBoundingClientRect();
      [left, top, right, bottom] = [Math.max(left, box.left), Math.max(top, box.top), Math.min(right, box.right), Math.min(bottom, box.bottom)];
    }
    return {e, box: {left, top, right, bottom}};
  });
  const related = (a, b) => a.contains(b) || b.contains(a) || (a.closest('label') !== null && a.closest('label') === b.closest('label'));
  // The plot can be turned away from beneath what lies over its corner, and that is not always there.
  const isBeneath = (a, b) => a.closest('.labels') !== null && b.closest('.pick') !== null;
  pieces.forEach((one, i) => {
    for (const other of pieces.slice(i + 1)) {
      if (related(one.e, other.e) || isBeneath(one.e, other.e) || isBeneath(other.e, one.e)) continue;
      if (one.seen.some((a) => other.seen.some((b) => overlap(a, b)))) found.push(`over one another: ${name(one.e)} “${one.text.slice(0, 40)}” and ${name(other.e)} “${other.text.slice(0, 40)}”`);
    }
    for (const {e, box} of controls) {
      if (related(one.e, e) || isBeneath(one.e, e) || pieces.some((piece) => piece.e === e)) continue;
      if (one.seen.some((a) => overlap(a, box)) && e.type !== 'radio') found.push(`text on a control: ${name(one.e)} “${one.text.slice(0, 40)}” and ${name(e)} ${e.getAttribute('aria-label') ?? ''}`);
    }
  });
  if (document.documentElement.scrollWidth > innerWidth) found.push(`the page scrolls sideways: ${document.documentElement.scrollWidth}`);
  if (document.documentElement.scrollHeight > innerHeight + 1) found.push(`the page scrolls: ${document.documentElement.scrollHeight}`);
  return [...new Set(found)];
}
