/**
 * Where the page begins: asks for the first run before the views have arrived, and has Plotly read while its data travel.
 * Only what that takes is imported here; the rest follows with app.js.
 */
import {openingState, resolve} from './choice.js';
import {fetchJson} from './data.js';
import {loadPlotly} from './plotly.js';
import {createSession} from './session.js';
import {sliceOf, wantedArrays} from './slice.js';
import {createStore, fromQuery} from './state.js';
import {createStatus} from './views/status.js';

async function boot() {
  const status = createStatus();
  const rest = import('./app.js');
  try {
    const [catalog, index] = await Promise.all([fetchJson('catalog.json'), fetchJson('data/index.json')]);
    const base = openingState(catalog, index.runs);
    const store = createStore(fromQuery(location.search + location.hash, base));
    const session = createSession({wanted: (run) => wantedArrays(sliceOf(run, store.get()))});
    if (!store.get().train) await session.open(resolve(index.runs, catalog, store.get()));
    const plotly = loadPlotly();
    plotly.catch(() => {}); // told where it is awaited
    const {start} = await rest;
    await start({catalog, stored: index.runs, base, store, session, plotly, status});
  } catch (error) {
    status.onRetry = () => location.reload();
    status.show({kind: 'failed', text: 'Loss Atlas could not start', detail: String(/** @type {any} */ (error)?.message ?? error)});
  }
}

boot();
