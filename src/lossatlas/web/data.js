/** Reading JSON documents over HTTP. Arrays are arrivals.js's. */
/** @import {Manifest} from './types.js' */

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

/** The manifest of a stored run. @param {string} id @param {AbortSignal} [signal] @returns {Promise<Manifest>} */
export function fetchManifest(id, signal) {
  return fetchJson(`data/runs/${encodeURIComponent(id)}/run.json`, {signal});
}
