/**
 * Where a run is: its files, which are at the same relative paths on every host, and the job that computes it on a
 * server.
 */

/** @param {string} id of the run @param {string} file its name in the run's folder */
export const fileUrl = (id, file) => `data/runs/${encodeURIComponent(id)}/${file}`;

/** @param {string} id */
export const jobUrl = (id) => `api/runs/${encodeURIComponent(id)}`;

/** @param {string} id */
export const eventsUrl = (id) => `${jobUrl(id)}/events`;
