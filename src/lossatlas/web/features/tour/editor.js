/**
 * This module edits a story beside the plots: it records what they show as a stop, and changes, reorders and removes
 * stops. After each change the story is kept in this browser, and the address carries it.
 */
/** @import {State} from '../../model/types.js' */
/** @import {Stop, Story} from './story.js' */
import {byId} from '../../lib/dom.js';
import {saveText, copyLink, chooseFile} from './files.js';
import {createEditorParts} from './editor_parts.js';
import {carryStory, MOST_LINKED} from './carried.js';
import {MOST, readStory, writeStory} from './story.js';

/**
 * @typedef {object} Editing what the editor needs of the tour
 * @property {() => {view: string, title: string, epochs: [number, number]} | null} describe describes what is shown
 * @property {(story: Story) => boolean} keep keeps a story in this browser; false: the browser refuses
 * @property {(story: Story, carried: Pick<State, 'story' | 'stops'>, stop: Stop | null) => void} putInAddress
 * @property {(stop: Stop) => void} show goes to the state of a stop
 * @property {(stop: Stop) => void} play plays the story from a stop on
 * @property {() => void} hidePanel
 * @property {() => void} close
 * @property {() => string} link
 */

/** @param {Editing} tour */
export function createEditor(tour) {
  return new Editor(tour);
}

class Editor {
  #tour;
  #parts;
  /** @type {Story} */
  #story = {title: 'My story', stops: []};
  #at = -1;
  #isOpen = false;
  /** Ends when the address carries the last change, or never will. @type {Promise<void>} */
  #stored = Promise.resolve();
  /** What Undo brings back. @type {Story | null} */
  #before = null;
  /** The epochs of the run that was recorded last, from which playback is offered. @type {[number, number]} */
  #epochs = [0, 100];

  /** @param {Editing} tour */
  constructor(tour) {
    this.#tour = tour;
    this.#parts = createEditorParts(byId('tour'), {
      onTitle: (title) => this.#change({...this.#story, title: title.trim() ? title : 'My story'}),
      onChoose: (at) => this.#choose(at),
      onMove: (at, by) => this.#moveStop(at, by),
      onRemove: (at) => this.#remove(at),
      onStop: (patch) => this.#changeStop(patch),
      onTakeView: () => this.#takeView(),
      onRecord: () => this.record(),
      onPlay: () => this.#play(),
      onSave: () => saveText(writeStory(this.#story), `${fileNameOf(this.#story.title)}.json`),
      onOpen: () => this.openFile(),
      onNew: () => this.#startAnew(),
      onCopy: async () => this.#parts.say(await copyLink(tour.link())),
      onUndo: () => this.#undo(),
      onClose: () => tour.close(),
    });
  }

  /** Show the editor with a story. @param {Story} story @param {number} at the stop that is edited */
  open(story, at) {
    this.#story = story;
    this.#at = Math.max(-1, Math.min(at, story.stops.length - 1));
    this.#before = null;
    const found = this.#tour.describe();
    if (found) this.#epochs = found.epochs;
    this.#tour.hidePanel();
    this.#show();
    this.#draw();
    this.#parts.focus();
    if (story.stops.length) this.#store();
  }

  /** Hide the editor. A story that is being written into the address stays out of it: it would open there again. */
  hide() {
    this.#isOpen = false;
    this.#parts.hide();
  }

  /** Record what the page shows as a new stop, after the one that is edited. */
  record() {
    const found = this.#tour.describe();
    if (!found) return this.#parts.say('There is no picture to record yet.');
    if (this.#story.stops.length >= MOST.stops) return this.#parts.say(`A story has at most ${MOST.stops} stops.`);
    const {view, title, epochs} = found;
    this.#epochs = epochs;
    const stops = [...this.#story.stops];
    this.#at++;
    stops.splice(this.#at, 0, {name: '', title, view, text: ''});
    this.#change({...this.#story, stops});
    this.#draw();
    this.#parts.say(`Stop ${this.#at + 1} recorded. Say in a few words what to look at.`);
    this.#parts.focusTitle();
  }

  /** Open a story from a file. */
  async openFile() {
    try {
      const text = await chooseFile(MOST.file);
      if (text !== null) this.open(readStory(text), 0);
    } catch (error) {
      this.#show();
      this.#draw();
      this.#parts.say(String(/** @type {any} */ (error)?.message ?? error));
    }
  }

  // The next methods change the story.

  /** @param {Story} story */
  #change(story) {
    // The names are the places, so that the address of a stop says which one it is.
    this.#story = {...story, stops: story.stops.map((stop, i) => ({...stop, name: String(i + 1)}))};
    this.#before = null;
    this.#parts.offerUndo(false);
    this.#store();
  }

  /** @param {Partial<Stop>} patch */
  #changeStop(patch) {
    const {stops} = this.#story;
    if (!stops[this.#at]) return;
    this.#change({...this.#story, stops: stops.map((stop, i) => (i === this.#at ? {...stop, ...patch} : stop))});
    this.#parts.drawList(this.#story, this.#at);
  }

  /** @param {number} at @param {number} by */
  #moveStop(at, by) {
    const stops = [...this.#story.stops];
    const [stop] = stops.splice(at, 1);
    stops.splice(at + by, 0, stop);
    this.#at = at + by;
    this.#change({...this.#story, stops});
    this.#draw();
    this.#parts.say(`“${stop.title}” is now stop ${this.#at + 1}.`);
    this.#parts.focusStop(this.#at, by);
  }

  /** @param {number} at */
  #remove(at) {
    const before = this.#story;
    const stops = before.stops.filter((_, i) => i !== at);
    this.#at = Math.min(this.#at > at ? this.#at - 1 : this.#at, stops.length - 1);
    this.#change({...before, stops});
    this.#draw();
    this.#before = before;
    this.#parts.offerUndo(true);
    this.#parts.say(`Removed “${before.stops[at].title}”.`);
    this.#parts.focusStop(this.#at, 0);
  }

  #undo() {
    if (!this.#before) return;
    this.#change(this.#before);
    this.#draw();
    this.#parts.say('');
    this.#parts.focusStop(this.#at, 0);
  }

  #startAnew() {
    const before = this.#story;
    this.#at = -1;
    this.#change({title: 'My story', stops: []});
    this.#draw();
    this.#before = before;
    this.#parts.offerUndo(true);
    this.#parts.say('A new story. Show something, then record it.');
  }

  #takeView() {
    const found = this.#tour.describe();
    if (!found) return;
    this.#epochs = found.epochs;
    const {run: _, ...stop} = this.#story.stops[this.#at]; // The view is whole, so it needs no run of the story.
    const stops = this.#story.stops.map((each, i) => (i === this.#at ? {...stop, view: found.view} : each));
    this.#change({...this.#story, stops});
    this.#draw();
    this.#parts.say('This stop now shows what you see.');
  }

  /** @param {number} at */
  #choose(at) {
    this.#at = at;
    this.#draw();
    const stop = this.#story.stops[at];
    this.#tour.show(stop);
    this.#parts.focusStop(at, 0);
  }

  async #play() {
    const stop = this.#story.stops[Math.max(0, this.#at)];
    if (!stop) return this.#parts.say('There is no stop yet. Show something, then record it.');
    await this.#stored; // The tour plays the story that the address carries.
    if (!this.#isOpen) return;
    this.hide();
    this.#tour.play(stop);
  }

  #show() {
    this.#isOpen = true;
    this.#parts.show();
  }

  #draw() {
    this.#parts.draw(this.#story, this.#at, this.#epochs);
  }

  /** Keep the story in this browser and in the address. */
  #store() {
    const isKept = this.#tour.keep(this.#story);
    if (this.#story.stops.length > 0) this.#stored = this.#carry(this.#story, isKept);
  }

  /** @param {Story} story @param {boolean} isKept */
  async #carry(story, isKept) {
    const carried = await carryStory(story);
    if (story !== this.#story || !this.#isOpen) return; // A later change, or closing, has the last word.
    this.#tour.putInAddress(story, carried, story.stops[this.#at] ?? null);
    this.#parts.showCarried(describeCarried(carried.stops !== null, isKept));
  }
}

/** @param {boolean} isLinked @param {boolean} isKept */
function describeCarried(isLinked, isKept) {
  if (isLinked) return 'The address of this page carries the story.';
  const most = `It is too long for a link (over ${MOST_LINKED} characters)`;
  return isKept ? `${most}: this browser keeps it. Save the file to share it.` : `${most}: save the file to keep it.`;
}

/** Turn a title into the name of a file, which a site can also use. @param {string} title */
export function fileNameOf(title) {
  const name = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return name === '' || name === 'link' || name === 'here' ? 'story' : name;
}
