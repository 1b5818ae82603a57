/** This module creates the parts of the editor of stories: fields, the list of stops, and buttons. */
/** @import {Moves, Stop, Story} from './story.js' */
import {byId, make, setText} from '../../lib/dom.js';
import {createNumberField} from '../../lib/number_field.js';
import {SPEEDS} from '../../model/state.js';
import {MOST, plainText, TURNS} from './story.js';

/**
 * @typedef {object} Handlers
 * @property {(title: string) => void} onTitle
 * @property {(at: number) => void} onChoose
 * @property {(at: number, by: number) => void} onMove
 * @property {(at: number) => void} onRemove
 * @property {(patch: Partial<Stop>) => void} onStop the stop that is edited has changed
 * @property {() => void} onTakeView
 * @property {() => void} onRecord
 * @property {() => void} onPlay
 * @property {() => void} onSave
 * @property {() => void} onOpen
 * @property {() => void} onNew
 * @property {() => void} onCopy
 * @property {() => void} onUndo
 * @property {() => void} onClose
 */

/** @param {HTMLElement} root @param {Handlers} handlers */
export function createEditorParts(root, handlers) {
  const heading = make('h2', {tabindex: -1}, 'Your story');
  const title = make('input', {type: 'text', maxlength: MOST.title});
  const list = make('ol', {class: 'stops', 'aria-label': 'Stops'});
  const empty = make('p', {class: 'prose'}, 'Show something in the plots, then record it as the first stop.');
  const stop = createStopFields(handlers);
  const news = make('p', {class: 'news', role: 'status'});
  const carried = make('p', {class: 'news'});
  const undo = button('Undo', 'Brings back what was removed.', handlers.onUndo, 'back');
  const close = button(
    '×',
    'Closes the editor (Escape). This browser keeps the story.',
    handlers.onClose,
    'quiet icon',
  );
  close.setAttribute('aria-label', 'Close the editor');
  const files = make(
    'div',
    {class: 'files'},
    button('Copy link', 'Copies the address, which carries the story if it is short enough.', handlers.onCopy, 'quiet'),
    button('Save file', 'Saves the story as a small file.', handlers.onSave, 'quiet'),
    button('Open file', 'Opens a story from its file.', handlers.onOpen, 'quiet'),
    button('New', 'Begins a new story.', handlers.onNew, 'quiet'),
  );
  const element = make(
    'div',
    {class: 'story-editor', role: 'group', 'aria-label': 'Editor of stories', hidden: true},
    make('header', {}, heading, close),
    make('div', {class: 'words'}, label('Title of the story', title), empty, list, stop.element, files, carried),
    make(
      'footer',
      {},
      make('div', {class: 'said'}, news, undo),
      make(
        'div',
        {class: 'steps'},
        button('Play', 'Plays the story from this stop on.', handlers.onPlay),
        button(
          'Record a stop',
          'Records what the plots show as a new stop, after this one.',
          handlers.onRecord,
          'primary',
        ),
      ),
    ),
  );
  root.append(element);
  title.addEventListener('input', () => handlers.onTitle(title.value));
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation(); // The tour's own panel is closed by this key as well.
    handlers.onClose();
  });
  undo.hidden = true;

  /** @param {Story} story @param {number} at */
  const drawList = ({stops}, at) => {
    list.replaceChildren(
      ...stops.map((each, i) => createItem(each, i, {count: stops.length, isCurrent: i === at}, handlers)),
    );
  };

  return {
    drawList,
    /** @param {Story} story @param {number} at the stop that is edited @param {[number, number]} epochs of the run */
    draw(story, at, epochs) {
      if (title.value !== story.title) title.value = story.title;
      drawList(story, at);
      empty.hidden = story.stops.length > 0;
      if (story.stops.length === 0) setText(carried, '');
      stop.draw(story.stops[at] ?? null, at, epochs);
    },
    show() {
      element.hidden = false;
      root.hidden = false;
      byId('tour-open').setAttribute('aria-expanded', 'true');
    },
    hide() {
      element.hidden = true;
    },
    focus() {
      heading.focus({preventScroll: true});
      if (matchMedia('(max-width: 67.5em)').matches) root.scrollIntoView({block: 'start'});
    },
    focusTitle: stop.focus,
    /** Focus a stop in the list, or its button up (−1) or down (1). @param {number} at @param {number} by */
    focusStop(at, by) {
      const item = list.children[at];
      const wanted = item?.querySelector(by ? `[data-by="${by}"]:not(:disabled)` : '.choose');
      const target = /** @type {HTMLElement | null | undefined} */ (wanted ?? item?.querySelector('.choose'));
      (target ?? heading).focus();
    },
    /** @param {string} sentence */
    say: (sentence) => setText(news, sentence),
    /** @param {string} sentence */
    showCarried: (sentence) => setText(carried, sentence),
    /** @param {boolean} offered */
    offerUndo(offered) {
      undo.hidden = !offered;
    },
  };
}

/**
 * Create one line of the list.
 * @param {Stop} stop @param {number} at @param {{count: number, isCurrent: boolean}} place @param {Handlers} handlers
 */
function createItem({title}, at, {count, isCurrent}, {onChoose, onMove, onRemove}) {
  const choose = button(title, 'Opens this stop for editing.', () => onChoose(at), 'choose quiet');
  if (isCurrent) choose.setAttribute('aria-current', 'step');
  /** @param {string} sign @param {string} what @param {number} by */
  const mover = (sign, what, by) => {
    const made = button(sign, what, () => onMove(at, by), 'quiet icon');
    made.setAttribute('aria-label', `${what}: ${title}`);
    made.dataset.by = String(by);
    made.disabled = at + by < 0 || at + by >= count;
    return made;
  };
  const remove = button('×', 'Remove', () => onRemove(at), 'quiet icon');
  remove.setAttribute('aria-label', `Remove: ${title}`);
  return make('li', {}, choose, mover('↑', 'Move up', -1), mover('↓', 'Move down', 1), remove);
}

/** Create the fields of the stop that is edited. @param {Handlers} handlers */
function createStopFields({onStop, onTakeView}) {
  const title = make('input', {type: 'text', maxlength: MOST.title});
  const words = make('textarea', {rows: 5, maxlength: MOST.text});
  const legend = make('legend', {});
  const moves = createMovesFields((moved) => onStop({moves: moved}));
  const element = make(
    'fieldset',
    {class: 'stop', hidden: true},
    legend,
    label('Title', title),
    label('Words', words),
    moves.element,
    button('Take this view', 'Makes this stop show what the plots show now.', onTakeView, 'back'),
  );
  title.addEventListener('input', () => {
    title.setCustomValidity(title.value.trim() ? '' : 'A stop needs a title.');
    if (title.value.trim()) onStop({title: title.value});
  });
  words.addEventListener('input', () => onStop({text: words.value}));
  return {
    element,
    focus() {
      title.focus();
      title.select();
    },
    /** @param {Stop | null} stop @param {number} at @param {[number, number]} epochs */
    draw(stop, at, epochs) {
      element.hidden = stop === null;
      if (!stop) return;
      setText(legend, `Stop ${at + 1}`);
      title.value = stop.title;
      words.value = plainText(stop.text);
      moves.draw(stop.moves, epochs);
    },
  };
}

/** Create the fields for what moves in a stop. @param {(moves: Moves | undefined) => void} onChange */
function createMovesFields(onChange) {
  const kind = make(
    'select',
    {},
    ...Object.entries({nothing: 'Nothing', play: 'The epochs play', turn: 'The camera turns'}).map(([value, text]) =>
      make('option', {value}, text),
    ),
  );
  const epoch = () => createNumberField(make('input'), {least: 0, most: 1e9, whole: true, step: 1});
  const [from, to] = [epoch(), epoch()];
  const speed = make('select', {}, ...SPEEDS.map((value) => make('option', {value}, `${value}×`)));
  const turn = createNumberField(make('input'), {least: -TURNS.most, most: TURNS.most, step: 15});
  const seconds = createNumberField(make('input'), {...TURNS.seconds, step: 1});
  const playing = make(
    'div',
    {class: 'row'},
    label('From epoch', from.input),
    label('To', to.input),
    label('Speed', speed),
  );
  const turning = make('div', {class: 'row'}, label('Degrees', turn.input), label('Seconds', seconds.input));
  const element = make('div', {class: 'moves'}, label('What moves', kind), playing, turning);
  /** @returns {Moves | undefined | null} null: a field is not sound */
  const read = () => {
    if (kind.value === 'nothing') return undefined;
    const [first, last, degrees, time] = [from.read(), to.read(), turn.read(), seconds.read()];
    const isOrdered = first !== null && last !== null && first < last;
    to.input.setCustomValidity(isOrdered ? '' : 'Give a later epoch than the first one.');
    if (kind.value === 'play') return isOrdered ? {play: [first, last], speed: Number(speed.value)} : null;
    return degrees && time ? {turn: degrees, seconds: time} : null;
  };
  const show = () => {
    playing.hidden = kind.value !== 'play';
    turning.hidden = kind.value !== 'turn';
  };
  element.addEventListener('input', () => {
    show();
    const moves = read();
    if (moves !== null) onChange(moves);
  });
  return {
    element,
    /** @param {Moves | undefined} moves @param {[number, number]} epochs those that playback is offered for */
    draw(moves, epochs) {
      kind.value = !moves ? 'nothing' : 'play' in moves ? 'play' : 'turn';
      const [first, last] = moves && 'play' in moves ? moves.play : epochs;
      from.write(first);
      to.write(last);
      speed.value = String((moves && 'play' in moves && moves.speed) || 1);
      turn.write(moves && 'turn' in moves ? moves.turn : 360);
      seconds.write(moves && 'turn' in moves ? moves.seconds : 8);
      show();
    },
  };
}

/** @param {string} text @param {HTMLElement} input */
function label(text, input) {
  return make('label', {}, make('span', {}, text), input);
}

/** @param {string} text @param {string} title @param {() => void} onClick @param {string} [looks] */
function button(text, title, onClick, looks) {
  const made = make('button', {type: 'button', title, class: looks ?? null}, text);
  made.addEventListener('click', onClick);
  return made;
}
