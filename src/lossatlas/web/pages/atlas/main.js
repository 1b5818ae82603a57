/**
 * Where the page begins: asks for the first run, sends for the views, and has Plotly read while they travel. Only what
 * that takes is imported here; the rest follows with wiring.js.
 */
import {ofItsRun, openingState, resolve, withOwn} from '../../model/choice.js';
import {Away, fetchJson, isAnswered} from '../../loading/json.js';
import {byId} from '../../lib/dom.js';
import {loadPlotly, plotlyArrived} from '../../lib/plotly.js';
import {createRetry} from '../../lib/retry.js';
import {Session} from '../../loading/session.js';
import {takeConstants} from '../../model/constants.js';
import {sliceOf, unmet, wantedArrays} from '../../model/slice.js';
import {createStore, fromQuery, unreadable} from '../../model/state.js';
import {createStatus} from '../../views/status.js';

async function boot() {
  const status = createStatus();
  try {
    const [offered, index] = await Promise.all([fetchJson('catalog.json'), fetchJson('data/index.json')]);
    takeConstants(offered);
    const catalog = withOwn(offered, index.runs);
    const base = openingState(catalog, index.runs);
    const store = createStore(ofItsRun(fromQuery(location.search + location.hash, base), index.runs));
    const session = new Session({
      wanted: (run) => wantedArrays(sliceOf(run, store.get())),
      unmet: (run) => unmet(run, store.get()),
      before: plotlyArrived(),
      unread: unreadable(location.search + location.hash),
    });
    const target = resolve(index.runs, catalog, store.get());
    const isTrainedHere = store.get().train || target.kind === 'unavailable'; // which wiring.js does
    const opening = isTrainedHere ? null : session.open(target);
    document.head.append(/** @type {HTMLTemplateElement} */ (byId('views')).content);
    const rest = import('./wiring.js');
    rest.catch(() => {}); // the error is reported where the promise is awaited
    await opening; // its arrays are asked for: reading Plotly keeps the thread busy
    const plotly = loadPlotly();
    plotly.catch(() => {}); // so is this one
    const {start} = await rest;
    await start({catalog, stored: index.runs, base, store, session, plotly, status});
  } catch (error) {
    if (!(await isAnswered())) return awaitServer(status);
    status.onRetry = () => location.reload();
    status.show({
      kind: 'failed',
      text: 'Loss Atlas could not start',
      detail: String(/** @type {any} */ (error)?.message ?? error),
    });
  }
}

/**
 * A page of which a part has not come begins anew as soon as the server answers.
 * @param {import('../../views/status.js').StatusView} view
 */
function awaitServer(view) {
  const retry = createRetry(async () => {
    if (await isAnswered()) location.reload();
    else retry.wait();
  });
  view.onRetry = () => void retry.now();
  view.show({kind: 'away', text: new Away().title, detail: 'It is tried again by itself.'});
  retry.wait();
}

boot();
