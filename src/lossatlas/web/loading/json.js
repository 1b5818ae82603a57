/**
 * Reading JSON documents over HTTP, and the errors of a request: of a server that refuses, and of one that does not
 * answer.
 */
/** @import {Manifest} from '../model/types.js' */
import {fileUrl} from './addresses.js';

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
 * Nobody answers: the server is stopped, or there is no network, or it says that it cannot now. It is worth trying
 * again.
 */
export class Away extends Problem {
  constructor(
    title = 'The server does not answer.',
    detail = 'What is here can be looked at; it is tried again by itself.',
  ) {
    super(title, detail);
  }
}

/** Not now: what a server answers that is being stopped, or has enough to do. */
const BUSY = 503;

/** What a proxy answers in place of a server that is away. */
const INSTEAD = [502, 504];

/**
 * The error of a request that has failed, as an Away where nobody has answered: browsers have different words for it.
 * @param {unknown} error
 */
export function unreached(error) {
  return error instanceof TypeError ? new Away() : error;
}

/** `fetch`, which fails with an Away where nobody answers. @param {string} url @param {RequestInit} [init] */
export async function reach(url, init) {
  const response = await fetch(url, init).catch((error) => {
    throw unreached(error);
  });
  if (INSTEAD.includes(response.status)) throw new Away();
  return response;
}

/** Does anybody answer? */
export const isAnswered = () =>
  reach('data/index.json', {cache: 'no-store'}).then(
    () => true,
    () => false,
  );

/**
 * Fetch a JSON document; errors are RFC 9457 problems where the server speaks them.
 * @param {string} url @param {RequestInit} [init] @returns {Promise<any>}
 */
export async function fetchJson(url, init) {
  const response = await reach(url, init);
  if (response.ok)
    return response.json().catch((error) => {
      throw unreached(error);
    });
  const problem = problemFrom(
    await response.json().catch(() => ({})),
    `${url}: ${response.status} ${response.statusText}`,
  );
  throw response.status === BUSY
    ? new Away('The server cannot do this now; it is tried again by itself.', problem.detail)
    : problem;
}

/** @param {any} body @param {string} [fallback] */
export function problemFrom(body, fallback = 'The server could not answer') {
  const fields = (body.errors ?? []).map((/** @type {any} */ e) => `${e.field}: ${e.message}`).join('; ');
  return new Problem(body.title ?? fallback, [body.detail, fields].filter(Boolean).join(' '));
}

/** The manifest of a stored run. @param {string} id @param {AbortSignal} [signal] @returns {Promise<Manifest>} */
export function fetchManifest(id, signal) {
  return fetchJson(fileUrl(id, 'run.json'), {signal});
}
