/**
 * This module reads JSON documents over HTTP and defines the errors of a request: the server refuses it, or does not
 * answer.
 */
/** @import {Manifest} from '../model/types.js' */
import {addressOf} from '../lib/files.js';
import {fileUrl} from './addresses.js';

/** The server answered, but not with what was requested; the message is written for people. */
export class Problem extends Error {
  /** @param {string} title @param {string} [detail] */
  constructor(title, detail = '') {
    super(title);
    this.title = title;
    this.detail = detail;
  }
}

/**
 * Nothing answers: the server is stopped, or there is no network, or the server says that it is busy. Trying again
 * later makes sense.
 */
export class Away extends Problem {
  constructor(
    title = 'The server does not answer.',
    detail = 'You can look at what has loaded; the page tries again by itself.',
  ) {
    super(title, detail);
  }
}

/** The server has said that it is being stopped. Nobody knows whether it will be started again. */
export class Stopped extends Away {
  constructor() {
    super('The server was stopped.', 'If it is being restarted, the page goes on by itself.');
  }
}

/** The status with which a server answers if it is stopping or has too much to do. */
const BUSY = 503;

/** The statuses with which a proxy answers if the server is away. */
const GATEWAY = [502, 504];

/**
 * Convert the error of a failed request to an Away if nothing answered: browsers describe that in different words.
 * @param {unknown} error
 */
export function toAway(error) {
  return error instanceof TypeError ? new Away() : error;
}

/**
 * Call `fetch`; it fails with an Away if nothing answers.
 * @param {string} path relative to the page's root @param {RequestInit} [init]
 */
export async function fetchAnswer(path, init) {
  const response = await fetch(addressOf(path), init).catch((error) => {
    throw toAway(error);
  });
  if (GATEWAY.includes(response.status)) throw new Away();
  return response;
}

/** Does the server answer? */
export const isServerThere = () =>
  fetchAnswer('data/index.json', {cache: 'no-store'}).then(
    () => true,
    () => false,
  );

/**
 * Fetch a JSON document. Errors are RFC 9457 problems if the server uses them.
 * @param {string} path relative to the page's root @param {RequestInit} [init] @returns {Promise<any>}
 */
export async function fetchJson(path, init) {
  const response = await fetchAnswer(path, init);
  if (response.ok)
    return response.json().catch((error) => {
      throw toAway(error);
    });
  const problem = createProblem(
    await response.json().catch(() => ({})),
    `${path}: ${response.status} ${response.statusText}`,
  );
  throw response.status === BUSY
    ? new Away('The server cannot do this now; the page tries again by itself.', problem.detail)
    : problem;
}

/** Create the error that a problem document describes. @param {any} body @param {string} [fallback] */
export function createProblem(body, fallback = 'The server could not answer') {
  const fields = (body.errors ?? []).map((/** @type {any} */ e) => `${e.field}: ${e.message}`).join('; ');
  return new Problem(body.title ?? fallback, [body.detail, fields].filter(Boolean).join(' '));
}

/** Fetch the manifest of a stored run. @param {string} id @param {AbortSignal} [signal] @returns {Promise<Manifest>} */
export function fetchManifest(id, signal) {
  return fetchJson(fileUrl(id, 'run.json'), {signal});
}
