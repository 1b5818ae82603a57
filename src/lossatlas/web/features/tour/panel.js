/**
 * This module is the tour's panel: a stop's title, its text with words to press, and the buttons to the next and the
 * previous stop.
 */
/** @import {Prose, Stop, Story, Word} from './story.js' */
import {byId, make, setText} from '../../lib/dom.js';

/**
 * @param {object} options
 * @param {(word: Word) => void} options.onWord
 * @param {(by: number) => void} options.onStep
 * @param {() => void} options.onBack return to the stop as it begins
 * @param {() => void} options.onMoves let move again what moves in this stop
 * @param {() => void} options.onEdit
 * @param {() => void} options.onClose
 */
export function createPanel({onWord, onStep, onBack, onMoves, onEdit, onClose}) {
  const root = byId('tour');
  const {parts, heading, count, text, ask, news, back, again, edit, previous, next, close} = build(root);
  previous.addEventListener('click', () => onStep(-1));
  next.addEventListener('click', () => onStep(1));
  back.addEventListener('click', onBack);
  again.addEventListener('click', onMoves);
  edit.addEventListener('click', onEdit);
  close.addEventListener('click', onClose);
  root.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') onClose();
  });
  /** @type {{word: Word, button: HTMLButtonElement}[]} */
  let words = [];

  /** @param {Prose} prose */
  const createProse = (prose) =>
    (typeof prose === 'string' ? [prose] : prose).map((part) => {
      if (typeof part === 'string') return part;
      const button = make(
        'button',
        {type: 'button', class: 'word', title: 'Shows in the plots what these words describe.'},
        part.say,
      );
      button.addEventListener('click', () => onWord(part));
      words.push({word: part, button});
      return button;
    });

  return {
    /**
     * @param {Story} story @param {Stop} stop
     * @param {{isTrainedHere: boolean, isEditable: boolean}} how `isTrainedHere`: the gallery lacks the stop's run
     */
    show({title, stops}, stop, {isTrainedHere, isEditable}) {
      const at = stops.indexOf(stop);
      words = [];
      setText(count, `${title} · ${at + 1} of ${stops.length}`);
      setText(heading, stop.title);
      text.replaceChildren(...createProse((isTrainedHere ? stop.here : null) ?? stop.text));
      ask.replaceChildren(...createProse(stop.ask ?? ''));
      ask.hidden = !stop.ask;
      again.hidden = !stop.moves;
      setText(again, stop.moves && 'turn' in stop.moves ? 'Turn' : 'Play');
      edit.hidden = !isEditable;
      previous.disabled = at === 0;
      setText(next, at === stops.length - 1 ? 'Finish' : 'Next');
      for (const part of parts) part.hidden = false;
      root.hidden = false;
      byId('tour-open').setAttribute('aria-expanded', 'true');
    },
    focus() {
      if (!document.hasFocus()) return; // A frame of another page leaves the focus, and the place, to that page.
      heading.focus({preventScroll: true});
      // If the page scrolls, text and plot fill the window.
      if (matchMedia('(max-width: 67.5em)').matches) root.scrollIntoView({block: 'start'});
      root.querySelector('.words')?.scrollTo(0, 0);
    },
    /** Mark the words whose picture is shown. @param {(word: Word) => boolean} isShown */
    mark(isShown) {
      for (const {word, button} of words) {
        if (isShown(word)) button.setAttribute('aria-current', 'true');
        else button.removeAttribute('aria-current');
      }
    },
    /** @param {string} sentence */
    showMessage(sentence) {
      setText(news, sentence);
    },
    /** @param {boolean} offered */
    offerBack(offered) {
      back.hidden = !offered;
    },
    /** @param {boolean} focus does the focus return to the button that opened it? */
    hide(focus) {
      root.hidden = true;
      for (const part of parts) part.hidden = true;
      byId('tour-open').setAttribute('aria-expanded', 'false');
      if (focus) byId('tour-open').focus();
    },
  };
}

/** Create the parts of the panel. @param {HTMLElement} root */
function build(root) {
  const heading = make('h2', {tabindex: -1, id: 'tour-heading'});
  const count = make('p', {class: 'count'});
  const text = make('p', {class: 'prose'});
  const ask = make('p', {class: 'prose ask'});
  const news = make('p', {class: 'news', role: 'status'});
  const back = make(
    'button',
    {type: 'button', class: 'back', hidden: true, title: 'Shows this stop again as it begins.'},
    'Back to this stop',
  );
  const previous = make('button', {type: 'button', title: 'Goes to the stop before this one.'}, 'Previous');
  const next = make(
    'button',
    {type: 'button', class: 'primary', title: 'Goes to the next stop, or ends the tour after the last.'},
    'Next',
  );
  const close = make(
    'button',
    {type: 'button', class: 'quiet icon', 'aria-label': 'Close the tour', title: 'Closes the tour (Escape).'},
    '×',
  );
  const again = make('button', {type: 'button', class: 'back', hidden: true, title: 'Plays what moves in this stop.'});
  const edit = make(
    'button',
    {type: 'button', class: 'quiet', title: 'Changes this story: words, stops, their order.'},
    'Edit',
  );
  const parts = [
    make('header', {}, make('div', {}, count, heading), edit, close),
    make('div', {class: 'words'}, text, ask),
    make('footer', {}, make('div', {class: 'said'}, news, back, again), make('div', {class: 'steps'}, previous, next)),
  ];
  root.append(...parts);
  return {parts, heading, count, text, ask, news, back, again, edit, previous, next, close};
}
