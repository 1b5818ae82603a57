/**
 * This module reads stories: JSON of the format in docs/stories.md. Whoever wrote it, a story can only name texts and
 * states of the page; everything is checked and copied, and sizes and numbers are limited. It consists of plain data
 * and pure functions.
 */
import {findUnreadable, SPEEDS} from '../../model/state.js';

/**
 * @typedef {object} TourRun a training; it is taken from the gallery if that has it, else trained in the page
 * @property {string} view the dataset, the model, the sample and the settings, as in an address
 * @property {number} epochs
 * @property {string[] | null} planes the kinds of planes that a stored run must have; null: the run is always trained
 *   in the page
 *
 * @typedef {'landscape' | 'boundary' | 'curves'} Shown the part that a small window shows; it shows one at a time
 *
 * @typedef {{play: [number, number], speed?: number} | {turn: number, seconds: number}} Moves what moves: the epochs
 *   from one to another, or the camera, by degrees around the vertical axis
 *
 * @typedef {object} Word words in the text that change the plots
 * @property {string} say
 * @property {string} [view] a change of the state, as in an address; an empty value is the one of the first view
 * @property {string} [run] a key of the story's runs, if the words show another training
 * @property {Moves} [moves]
 * @property {Shown} [plot] the plot to show, if it is not that of the stop
 *
 * @typedef {string | (string | Word)[]} Prose
 *
 * @typedef {object} Stop
 * @property {string} name the name in the address
 * @property {string} title
 * @property {string} view the state, as in an address
 * @property {string} [run] a key of the story's runs, to which `view` adds
 * @property {Shown} [plot] the plot that the text describes; the default is the landscape, which `here` always
 *   describes
 * @property {Moves} [moves] what moves after the state has been reached
 * @property {Prose} text
 * @property {Prose} [here] replaces `text` if the gallery lacks the run
 * @property {Prose} [ask]
 *
 * @typedef {object} Story
 * @property {string} title
 * @property {Record<string, TourRun>} [runs]
 * @property {Stop[]} stops
 */

export const FORMAT = 'lossatlas-story';
export const VERSION = 1;
/** The most characters and items of each kind. */
export const MOST = {file: 400_000, stops: 60, title: 120, text: 3000, view: 20_000, parts: 80, runs: 30};
export const TURNS = {most: 720, seconds: {least: 1, most: 60}};
const PLOTS = ['landscape', 'boundary', 'curves'];

/** What is wrong with a story, in one sentence. */
export class StoryFault extends Error {}

/** @typedef {Record<string, unknown>} Given */

/** Read a story from the text of a file. @param {string} text @returns {Story} */
export function readStory(text) {
  if (text.length > MOST.file) fail(`The story has ${text.length} characters; at most ${MOST.file} are read.`);
  let given;
  try {
    given = JSON.parse(text);
  } catch {
    fail('The story is not JSON.');
  }
  const {format, version, title, runs = {}, stops} = objectOf(given, 'The story');
  if (format !== FORMAT) fail(`This is no story: its “format” is not “${FORMAT}”.`);
  if (version !== VERSION) {
    fail(
      `The story has version ${short(version)}; this page reads version ${VERSION}. Reload it, or update Loss Atlas.`,
    );
  }
  const known = readRuns(objectOf(runs, 'The list of runs'));
  const list = listOf(stops, 'The list of stops', MOST.stops);
  if (list.length === 0) fail('The story has no stops.');
  const read = list.map((stop, i) => readStop(objectOf(stop, `Stop ${i + 1}`), i, known));
  const names = read.map(({name}) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) fail(`Two stops are named “${twice}”.`);
  return {title: textOf(title, 'The title of the story', MOST.title), runs: known, stops: read};
}

/** Write a story as the text of a file. @param {Story} story */
export function writeStory({title, runs = {}, stops}) {
  const further = Object.keys(runs).length ? {runs} : {};
  return `${JSON.stringify({format: FORMAT, version: VERSION, title, ...further, stops}, null, 2)}\n`;
}

/** Return the words of a text without what they do. @param {Prose} prose */
export function plainText(prose) {
  return typeof prose === 'string' ? prose : prose.map((part) => (typeof part === 'string' ? part : part.say)).join('');
}

/** @param {Given} runs @returns {Record<string, TourRun>} */
function readRuns(runs) {
  const entries = Object.entries(runs);
  if (entries.length > MOST.runs) fail(`The story has ${entries.length} runs; at most ${MOST.runs} are read.`);
  return Object.fromEntries(
    entries.map(([name, given]) => {
      const what = `Run “${short(name)}”`;
      const {view, epochs, planes = null} = objectOf(given, what);
      const kinds = planes === null ? null : listOf(planes, `${what}: its list of planes`, MOST.parts);
      return [
        name,
        {
          view: viewOf(view, what),
          epochs: wholeOf(epochs, `${what}: its number of epochs`),
          planes: kinds ? kinds.map((kind) => textOf(kind, `${what}: a kind of plane`, MOST.title)) : null,
        },
      ];
    }),
  );
}

/** @param {Given} given @param {number} at @param {Record<string, TourRun>} runs @returns {Stop} */
function readStop({name: named, title, view = '', text = '', here, ask, ...given}, at, runs) {
  const what = `Stop ${at + 1}`;
  const name = named ?? String(at + 1);
  if (typeof name !== 'string' || !/^[a-z0-9-]{1,40}$/.test(name)) {
    fail(`${what}: its name “${short(name)}” is not made of small letters, digits and hyphens.`);
  }
  return {
    name,
    title: textOf(title, `${what}: its title`, MOST.title),
    view: viewOf(view, what),
    text: proseOf(text, what, runs),
    ...(here === undefined ? {} : {here: proseOf(here, what, runs)}),
    ...(ask === undefined ? {} : {ask: proseOf(ask, what, runs)}),
    ...readEffect(given, what, runs),
  };
}

/** Read what stops and words have in common. @param {Given} given @param {string} what @param {Story['runs']} runs */
function readEffect({run, plot, moves}, what, runs = {}) {
  if (run !== undefined && (typeof run !== 'string' || !Object.hasOwn(runs, run))) {
    fail(`${what}: the story has no run “${short(run)}”.`);
  }
  if (plot !== undefined && !PLOTS.includes(/** @type {string} */ (plot))) {
    fail(`${what}: its plot “${short(plot)}” is none of ${PLOTS.join(', ')}.`);
  }
  const moved = moves === undefined || moves === null ? undefined : movesOf(objectOf(moves, `${what}: “moves”`), what);
  return {
    ...(run === undefined ? {} : {run: /** @type {string} */ (run)}),
    ...(plot === undefined ? {} : {plot: /** @type {Shown} */ (plot)}),
    ...(moved ? {moves: moved} : {}),
  };
}

/** @param {Given} given @param {string} what @returns {Moves} */
function movesOf({play, speed, turn, seconds = 8}, what) {
  if (play !== undefined) {
    const [from, to] = listOf(play, `${what}: the epochs that play`, 2).map((each) =>
      wholeOf(each, `${what}: an epoch that plays`),
    );
    if (!(from < to)) fail(`${what}: the epochs that play are not two, in order.`);
    if (speed !== undefined && !SPEEDS.includes(/** @type {number} */ (speed))) {
      fail(`${what}: its speed ${short(speed)} is none of ${SPEEDS.join(', ')}.`);
    }
    return {play: [from, to], ...(speed === undefined ? {} : {speed: /** @type {number} */ (speed)})};
  }
  if (typeof turn !== 'number' || !(Math.abs(turn) <= TURNS.most) || turn === 0) {
    fail(`${what}: its turn of ${short(turn)} degrees is not within ±${TURNS.most}.`);
  }
  const {least, most} = TURNS.seconds;
  if (typeof seconds !== 'number' || !(seconds >= least && seconds <= most)) {
    fail(`${what}: its turn takes ${short(seconds)} seconds, which is not within ${least}–${most}.`);
  }
  return {turn: /** @type {number} */ (turn), seconds: /** @type {number} */ (seconds)};
}

/** @param {unknown} given @param {string} what @param {Story['runs']} runs @returns {Prose} */
function proseOf(given, what, runs) {
  if (typeof given === 'string') return given.trim() ? textOf(given, `${what}: its text`, MOST.text) : '';
  const parts = listOf(given, `${what}: its text`, MOST.parts).map((part) => {
    if (typeof part === 'string') return part;
    const {say, view, ...effect} = objectOf(part, `${what}: a part of its text`);
    return {
      say: textOf(say, `${what}: words to press`, MOST.title),
      ...(view === undefined ? {} : {view: viewOf(view, what)}),
      ...readEffect(effect, what, runs),
    };
  });
  if (plainText(parts).length > MOST.text) fail(`${what}: its text has more than ${MOST.text} characters.`);
  return parts;
}

// The next functions check one value each.

/** @param {unknown} given @param {string} what @returns {Given} */
function objectOf(given, what) {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) fail(`${what} is not an object.`);
  return /** @type {Given} */ (given);
}

/** @param {unknown} given @param {string} what @param {number} most @returns {unknown[]} */
function listOf(given, what, most) {
  if (!Array.isArray(given)) fail(`${what} is not a list.`);
  const list = /** @type {unknown[]} */ (given);
  if (list.length > most) fail(`${what} has ${list.length} items; at most ${most} are read.`);
  return list;
}

/** @param {unknown} given @param {string} what @param {number} most */
function textOf(given, what, most) {
  if (typeof given !== 'string' || given.trim() === '') fail(`${what} is missing.`);
  const text = /** @type {string} */ (given);
  if (text.length > most) fail(`${what} has ${text.length} characters; at most ${most} are read.`);
  return text;
}

/** @param {unknown} given @param {string} what */
function wholeOf(given, what) {
  if (!Number.isInteger(given) || Number(given) < 0 || Number(given) > 1e9) fail(`${what} is ${short(given)}.`);
  return Number(given);
}

/** @param {unknown} given @param {string} what */
function viewOf(given, what) {
  const view = given === '' ? '' : textOf(given, `${what}: its view`, MOST.view);
  const unread = findUnreadable(`?${view}`).filter((part) => !part.endsWith('='));
  if (unread.length) fail(`${what}: “${short(unread[0])}” in its view cannot be read.`);
  return view;
}

/** Write a value for a sentence. @param {unknown} value */
function short(value) {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** @param {string} sentence @returns {never} */
function fail(sentence) {
  throw new StoryFault(sentence);
}
