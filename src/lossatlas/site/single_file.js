/**
 * This classic script starts a page that is a single file. All files of the page are inside it: this script gives each
 * an address (a Blob URL), and runs the modules as one classic script, since browsers load no modules for a page that
 * was opened from a disk. modules.py has turned each module into a function.
 */
(async () => {
  /** @typedef {[name: string, text: string][]} Files */
  /** @type {Record<string, string>} */
  const TYPES = {js: 'text/javascript', css: 'text/css', json: 'application/json', wasm: 'application/wasm'};
  const START = 'pages/atlas/main.js';

  /** Read a block of the page, and remove it, because it is large. @param {string} id */
  const take = (id) => {
    const block = /** @type {HTMLElement} */ (document.getElementById(id));
    block.remove();
    return JSON.parse(block.textContent ?? '');
  };
  /** @param {string} base64 */
  const toBytes = (base64) => {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
  };
  const typeOf = (/** @type {string} */ path) => TYPES[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
  /** @param {string | Uint8Array<ArrayBuffer>} content @param {string} path */
  const createAddress = (content, path) => URL.createObjectURL(new Blob([content], {type: typeOf(path)}));

  /** @returns {Promise<{modules: Files, texts: Files, workers: Record<string, string[]>}>} */
  const readTexts = async () => {
    if (typeof DecompressionStream !== 'function')
      throw new Error('this browser cannot unpack it (DecompressionStream is missing); a newer one can');
    const packed = new Blob([toBytes(take('texts'))]).stream();
    return new Response(packed.pipeThrough(new DecompressionStream('gzip'))).json();
  };

  /**
   * Write the script of the page or of a worker.
   * @param {Files} modules @param {string} start the module that is run
   * @param {Record<string, string>} files the addresses of all other files
   * @param {Record<string, string>} workers the addresses of the workers' scripts
   */
  const writeScript = (modules, start, files, workers) => `'use strict'; (() => {
const $files = new Map(Object.entries(${JSON.stringify(files)}));
const $worker = (name) => new Worker((${JSON.stringify(workers)})[name]);
const $known = new Map();
const $load = (name) => $known.get(name) ?? $known.set(name, $modules[name]()).get(name);
const $import = async (name) => $load(name);
const $addressOf = (path) => {
  if ($files.has(path)) return $files.get(path);
  throw new Error(path + ' is not in this file');
};
const $modules = {
${modules.map(([name, text]) => `${JSON.stringify(name)}: ${text}`).join(',\n')}
};
$load(${JSON.stringify(start)});
})();`;

  /**
   * Open the first story of the file, unless the address already names something: a double click names nothing.
   * @param {Files} texts
   */
  const openStory = (texts) => {
    const [path] = texts.find(([name]) => name.startsWith('stories/')) ?? [];
    if (!path || location.search) return;
    try {
      history.replaceState(null, '', `?story=${path.slice('stories/'.length, -'.json'.length)}`);
    } catch {
      // A frame without an address of its own opens with the run.
    }
  };

  try {
    const {modules, texts, workers} = await readTexts();
    openStory(texts);
    /** @type {[string, string][]} */
    const binaries = Object.entries(take('binaries'));
    // The worker of a page from a disk can fetch no Blob URLs.
    const kernels = binaries.filter(([path]) => path.endsWith('.wasm'));
    const seen = Object.fromEntries(kernels.map(([path, base64]) => [path, `data:${typeOf(path)};base64,${base64}`]));
    const scripts = Object.entries(workers).map(([name, needed]) => {
      const own = modules.filter(([other]) => needed.includes(other));
      return [name, createAddress(writeScript(own, name, seen, {}), name)];
    });
    const files = Object.fromEntries([
      ...texts.map(([path, text]) => [path, createAddress(text, path)]),
      ...binaries.map(([path, base64]) => [path, createAddress(toBytes(base64), path)]),
    ]);
    const page = document.createElement('script');
    page.src = createAddress(writeScript(modules, START, files, Object.fromEntries(scripts)), START);
    document.head.append(page);
  } catch (error) {
    const line = /** @type {HTMLElement} */ (document.getElementById('status-text'));
    line.textContent = `Loss Atlas could not start: ${/** @type {any} */ (error)?.message ?? error}`;
  }
})();
