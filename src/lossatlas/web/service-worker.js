/**
 * This worker caches the page and the runs that were seen, for use without a network. features/accessibility/offline.js
 * registers it if the page is served over https. It works under any path.
 * With a network, the page always comes from there, so that its modules have one version and a new version shows at
 * once; the browser's own cache makes that fast. Only a run's arrays come from this cache first: they are most of the
 * bytes, and they do not change as long as the run's manifest does not.
 */
/**
 * @typedef {{request: Request, respondWith: (answer: Promise<Response>) => void, waitUntil: (work: Promise<unknown>) =>
 *   void}} FetchEvent
 */

const worker = /** @type {any} */ (self); // In a worker, this is a ServiceWorkerGlobalScope.
/** @type {string} */
const scope = worker.registration.scope;
/** Several sites may share an origin, and therefore its caches. */
const PREFIX = `lossatlas ${scope} `;
/** The cache of the page's files, by the version that features/accessibility/offline.js has read from shell.json. */
const SHELL = `${PREFIX}page ${new URL(location.href).searchParams.get('v')}`;
const RUNS = `${PREFIX}runs`;
/** The number of runs that are cached; the one that was opened last is at the end. */
const MOST_RUNS = 32;

worker.addEventListener('install', (/** @type {FetchEvent} */ event) =>
  event.waitUntil(keepPage().then(() => worker.skipWaiting())),
);
worker.addEventListener('activate', (/** @type {FetchEvent} */ event) =>
  event.waitUntil(dropOlder().then(() => worker.clients.claim())),
);
worker.addEventListener('fetch', (/** @type {FetchEvent} */ event) => {
  const path = pathOf(event.request.url);
  if (event.request.method !== 'GET' || path === null || path.startsWith('api/')) return;
  event.respondWith(runOf(path) && !path.endsWith('/run.json') ? cacheFirst(event) : networkFirst(event.request, path));
});
worker.addEventListener('message', (/** @type {any} */ event) => {
  const {seen, forget} = event.data;
  if (forget) event.waitUntil(caches.delete(RUNS));
  if (seen) event.waitUntil(keepSeen(seen));
});

/** Return the path of a file. @param {string} url @returns {string | null} the path within this site; null elsewhere */
function pathOf(url) {
  return url.startsWith(scope) ? url.slice(scope.length).replace(/[?#].*/, '') : null;
}

/** Return the folder of the run that a file belongs to. @param {string} path */
function runOf(path) {
  return /^data\/runs\/[^/]+\//.exec(path)?.[0];
}

/** Cache the whole page, or nothing. */
async function keepPage() {
  const {files} = await (await fetch(`${scope}shell.json`, {cache: 'no-cache'})).json();
  const cache = await caches.open(SHELL);
  await cache.addAll(
    ['', 'shell.json', 'catalog.json', 'data/index.json', ...files].map(
      (file) => new Request(scope + file, {cache: 'no-cache'}),
    ),
  );
}

async function dropOlder() {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(`${PREFIX}page `) && name !== SHELL).map((name) => caches.delete(name)),
  );
}

/** @param {Request} request @param {string} path */
async function networkFirst(request, path) {
  try {
    const answer = await (runOf(path) ? fetch(request, {cache: 'no-cache'}) : fetch(request));
    // The manifest is cached before its arrays are requested.
    if (answer.ok && isRenewed(path)) await keep(path, answer.clone()).catch(() => {});
    return answer;
  } catch (error) {
    const kept = (await match(scope + path)) ?? (request.mode === 'navigate' ? await match(scope) : undefined);
    if (kept) return kept;
    throw error;
  }
}

/** @param {FetchEvent} event */
async function cacheFirst(event) {
  const cache = await caches.open(RUNS);
  const kept = await cache.match(event.request, {ignoreVary: true});
  if (kept) return kept;
  const answer = await fetch(event.request, {cache: 'no-cache'}); // The browser's copy may be older than the manifest.
  // The page may have closed before the file was complete.
  if (answer.ok) event.waitUntil(cache.put(event.request, answer.clone()).catch(() => {}));
  return answer;
}

/** Is a file cached again whenever it is fetched? @param {string} path */
function isRenewed(path) {
  return ['catalog.json', 'data/index.json'].includes(path) || runOf(path) !== undefined;
}

/** Find a file in the caches; the newest comes first. @param {string} url */
async function match(url) {
  for (const name of [RUNS, SHELL]) {
    const found = await (await caches.open(name)).match(url, {ignoreVary: true});
    if (found) return found;
  }
  return undefined;
}

/** @param {string} path @param {Response} answer */
async function keep(path, answer) {
  const cache = await caches.open(RUNS);
  const folder = runOf(path);
  if (folder) {
    const before = await cache.match(scope + path, {ignoreVary: true});
    // The run was computed again, so its arrays are new too.
    if (before && (await before.text()) !== (await answer.clone().text())) await forget(cache, folder);
    await cache.delete(scope + path); // It is moved to the end, as the run that was opened last.
  }
  await cache.put(scope + path, answer);
  if (folder) await trim(cache);
}

/** @param {Cache} cache @param {string} folder */
async function forget(cache, folder) {
  for (const {url} of await cache.keys()) if (pathOf(url)?.startsWith(folder)) await cache.delete(url);
}

/** @param {Cache} cache */
async function trim(cache) {
  const manifests = (await cache.keys()).map(({url}) => pathOf(url) ?? '').filter((path) => path.endsWith('/run.json'));
  for (const path of manifests.slice(0, -MOST_RUNS)) await forget(cache, path.slice(0, -'run.json'.length));
}

/** Cache the files that the page fetched before this worker controlled it. @param {string[]} urls */
async function keepSeen(urls) {
  const cache = await caches.open(RUNS);
  for (const url of urls) {
    const path = pathOf(url);
    if (!path || !runOf(path) || (await cache.match(url, {ignoreVary: true}))) continue;
    const answer = await fetch(url);
    if (answer.ok) await cache.put(url, answer);
  }
}
