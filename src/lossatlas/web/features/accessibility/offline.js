/** This module lets the page and the runs that were seen work without a network: service-worker.js caches them. */
import {fetchJson} from '../../loading/json.js';
import {byId} from '../../lib/dom.js';

/**
 * Register the worker. A new version of the page has a new address of its worker, so that the browser installs it.
 * @returns {Promise<void>} settles when the page itself is cached
 */
export async function keepOffline() {
  const {serviceWorker} = navigator;
  const {version} = await fetchJson('shell.json', {cache: 'no-cache'});
  await serviceWorker.register(`service-worker.js?v=${version}`);
  const {active} = await serviceWorker.ready;
  // The run that is shown was fetched before the worker started.
  const seen = performance
    .getEntriesByType('resource')
    .map(({name}) => name)
    .filter((url) => url.startsWith(new URL('.', location.href).href));
  active?.postMessage({seen});
  // A file that arrived damaged, and was cached like that, would hide the intact one.
  byId('status-action').addEventListener(
    'click',
    () => {
      if (byId('status').dataset.kind === 'failed') active?.postMessage({forget: true});
    },
    true,
  );
}
