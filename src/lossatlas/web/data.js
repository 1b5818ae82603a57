/** Reading the gallery over HTTP: JSON documents, and runs whose arrays stream in. */
/** @import {Manifest} from './types.js' */
import {fetchNpy} from './npy.js';
import {FRAME_ARRAYS, Run, STATIC_ARRAYS} from './run.js';

/** An answer that is not what was asked for, in words for people. */
export class Problem extends Error {
  /** @param {string} title @param {string} [detail] */
  constructor(title, detail = '') {
    super(title);
    this.title = title;
    this.detail = detail;
  }
}

/**
 * Fetch a JSON document; errors are RFC 9457 problems where the server speaks them.
 * @param {string} url @param {RequestInit} [init] @returns {Promise<any>}
 */
export async function fetchJson(url, init) {
  const response = await fetch(url, init);
  if (response.ok) return response.json();
  throw problemFrom(await response.json().catch(() => ({})), `${url}: ${response.status} ${response.statusText}`);
}

/** @param {any} body @param {string} [fallback] */
export function problemFrom(body, fallback = 'The server could not answer') {
  const fields = (body.errors ?? []).map((/** @type {any} */ e) => `${e.field}: ${e.message}`).join('; ');
  return new Problem(body.title ?? fallback, [body.detail, fields].filter(Boolean).join(' '));
}

/**
 * Open a stored run: settles with its manifest; the arrays go on arriving, `onData` telling of each piece.
 * @param {string} id
 * @param {{signal: AbortSignal, onData: () => void}} options
 * @returns {Promise<{run: Run, complete: Promise<void>}>}
 */
export async function openRun(id, {signal, onData}) {
  const base = `data/runs/${encodeURIComponent(id)}/`;
  /** @type {Manifest} */
  const manifest = await fetchJson(`${base}run.json`, {signal});
  const run = new Run(manifest);
  /** @param {string} name @param {string} file */
  const load = (name, file) => fetchNpy(base + file, {signal, onData, onHeader: (array) => run.put(name, array)});
  // Small ones first: a browser opens six connections at a time to an HTTP/1.1 host.
  const small = [...STATIC_ARRAYS, FRAME_ARRAYS[0]].map((name) => load(name, manifest.arrays[name].file));
  const coordinates = load(run.coordinatesName, run.plane.arrays.coordinates.file);
  const surface = load(run.surfaceName, run.plane.arrays.loss_surface.file);
  const boundary = FRAME_ARRAYS.slice(1).map((name) => load(name, manifest.arrays[name].file));
  const complete = Promise.all([...small, coordinates, surface, ...boundary]).then(() => undefined);
  return {run, complete};
}
