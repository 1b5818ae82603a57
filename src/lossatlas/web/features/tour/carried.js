/** This module finds the story that an address names: in its fragment, in this browser, or in a file of the site. */
/** @import {State} from '../../model/types.js' */
/** @import {Story} from './story.js' */
import {fromBase64, toBase64} from '../../lib/base64.js';
import {fetchAnswer} from '../../loading/json.js';
import {MOST, readStory, StoryFault, writeStory} from './story.js';
import {TOUR} from './stops.js';

/** The values of `story` that name no file. */
const IN_LINK = 'link';
const IN_BROWSER = 'here';
/** The most characters of a story in an address: many messengers cut longer ones. */
export const MOST_LINKED = 8000;
const KEPT = 'lossatlas:story';

/** Find the story that a state names. @param {Pick<State, 'story' | 'stops'>} state @returns {Promise<Story>} */
export async function findStory({story, stops}) {
  if (story === null) return TOUR;
  if (story === IN_LINK) return readStory(await inflate(stops));
  if (story !== IN_BROWSER) return readStory(await fetchText(story));
  const kept = recallStory();
  if (!kept) throw new StoryFault('This story is kept in another browser. Ask for its file, and open that.');
  return kept;
}

/**
 * Return what an address says to carry a story: the story itself, or, if it is too long, that this browser keeps it.
 * @param {Story} story @returns {Promise<Pick<State, 'story' | 'stops'>>}
 */
export async function carryStory(story) {
  const text = await deflate(JSON.stringify(JSON.parse(writeStory(story))));
  return text.length > MOST_LINKED ? {story: IN_BROWSER, stops: null} : {story: IN_LINK, stops: text};
}

/** Keep a story in this browser. @param {Story} story @returns {boolean} false: the browser refuses */
export function keepStory(story) {
  try {
    localStorage.setItem(KEPT, writeStory(story));
    return true;
  } catch {
    return false;
  }
}

/** Return the story that this browser keeps, if it can be read. @returns {Story | null} */
export function recallStory() {
  try {
    return readStory(localStorage.getItem(KEPT) ?? '');
  } catch {
    return null;
  }
}

/** @param {string} name @returns {Promise<string>} */
async function fetchText(name) {
  const answer = await fetchAnswer(`stories/${name}.json`);
  if (!answer.ok || !answer.body)
    throw new StoryFault(`This site has no story “${name}”: stories/${name}.json is not there.`);
  return readBounded(answer.body);
}

/** @param {string} text */
async function deflate(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  return toBase64(new Uint8Array(await new Response(stream).arrayBuffer()));
}

/** @param {string | null} text */
async function inflate(text) {
  if (text === null)
    throw new StoryFault('This link has lost its story, which followed a “#”. Ask for the link again.');
  const bytes = fromBase64(text);
  try {
    if (!bytes) throw new TypeError('not base64');
    return await readBounded(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')));
  } catch (error) {
    if (error instanceof StoryFault) throw error;
    throw new StoryFault('The story in this link is damaged: the link was cut off or changed. Ask for it again.');
  }
}

/**
 * Read text, but no more than a story may have: a few compressed bytes can stand for gigabytes.
 * @param {ReadableStream<any>} stream
 */
async function readBounded(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, {stream: true});
    if (text.length <= MOST.file) continue;
    await reader.cancel();
    throw new StoryFault(`The story has more than ${MOST.file} characters.`);
  }
}
