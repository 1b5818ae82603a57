/**
 * This module builds the addresses of a run: its files, which have the same relative paths on every host, and the job
 * that computes it on a server.
 */

/**
 * Return the address of a file of a run.
 * @param {string} id the run's id @param {string} file the file's name in the run's folder
 */
export const fileUrl = (id, file) => `data/runs/${encodeURIComponent(id)}/${file}`;

/** Return the address of the job that computes a run. @param {string} id the run's id */
export const jobUrl = (id) => `api/runs/${encodeURIComponent(id)}`;

/** Return the address of the events of that job. @param {string} id */
export const eventsUrl = (id) => `${jobUrl(id)}/events`;
