/** Has the page and the runs seen work without a network: service-worker.js keeps them. */
import {fetchJson} from '../../loading/json.js';
import {byId} from '../../lib/dom.js';

/**
 * A new version of the page is a new address of its worker, so that the browser takes it up.
 * @returns {Promise<void>} settles when the page itself is kept
 */
export async function keepOffline() {
  const {serviceWorker} = navigator;
  const {version} = await fetchJson('shell.json', {cache: 'no-cache'});
  await serviceWorker.register(`service-worker.js?v=${version}`);
  const {active} = await serviceWorker.ready;
  // The run on show came before the worker did.
  const seen = performance
    .getEntriesByType('resource')
    .map(({name}) => name)
    .filter((url) => url.startsWith(new URL('.', location.href).href));
  active?.postMessage({seen});
  // A file that arrived damaged, and was kept so, would stand before the sound one.
  byId('status-action').addEventListener(
    'click',
    () => {
      if (byId('status').dataset.kind === 'failed') active?.postMessage({forget: true});
    },
    true,
  );
}
