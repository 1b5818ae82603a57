/**
 * The page starts here: this module requests the first run and the views, and lets Plotly be parsed while they are
 * fetched. It imports only what that needs; the rest follows with wiring.js.
 */
import {takeModelOfRun, openingState, findTarget, addOwnDatasets} from '../../model/choice.js';
import {Away, fetchJson, isServerThere} from '../../loading/json.js';
import {loadPlotly, waitForPlotly} from '../../lib/plotly.js';
import {createRetry} from '../../lib/retry.js';
import {Session} from '../../loading/session.js';
import {takeConstants} from '../../model/constants.js';
import {sliceOf, unmetWishes, neededArrays} from '../../model/slice.js';
import {createStore, fromQuery, findUnreadable} from '../../model/state.js';
import {createStatus} from '../../views/status.js';

async function boot() {
  const status = createStatus();
  try {
    const [offered, index] = await Promise.all([fetchJson('catalog.json'), fetchJson('data/index.json')]);
    takeConstants(offered);
    const catalog = addOwnDatasets(offered, index.runs);
    const base = openingState(catalog, index.runs);
    const store = createStore(takeModelOfRun(fromQuery(location.search + location.hash, base), index.runs));
    const session = new Session({
      listNeeded: (run) => neededArrays(sliceOf(run, store.get())),
      listUnmet: (run) => unmetWishes(run, store.get()),
      before: waitForPlotly(),
      unread: findUnreadable(location.search + location.hash),
    });
    const target = findTarget(index.runs, catalog, store.get());
    const isTrainedHere = store.get().train || target.kind === 'unavailable'; // wiring.js trains that run.
    const opening = isTrainedHere ? null : session.open(target);
    const rest = import('./wiring.js');
    rest.catch(() => {}); // The error is reported where the promise is awaited.
    await opening; // The arrays are requested before Plotly is parsed, which keeps the thread busy.
    const plotly = loadPlotly();
    plotly.catch(() => {}); // This error is also reported where the promise is awaited.
    const {startPage} = await rest;
    await startPage({catalog, stored: index.runs, base, store, session, plotly, status});
  } catch (error) {
    if (!(await isServerThere())) return awaitServer(status);
    status.onRetry = () => location.reload();
    status.show({
      kind: 'failed',
      text: 'Loss Atlas could not start',
      detail: String(/** @type {any} */ (error)?.message ?? error),
    });
  }
}

/**
 * Reload the page as soon as the server answers, if a part of the page is missing.
 * @param {import('../../views/status.js').StatusView} view
 */
function awaitServer(view) {
  const retry = createRetry(async () => {
    if (await isServerThere()) location.reload();
    else retry.retryLater();
  });
  view.onRetry = () => void retry.retryNow();
  view.show({kind: 'away', text: new Away().title, detail: 'The page tries again by itself.'});
  retry.retryLater();
}

boot();
