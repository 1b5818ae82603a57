/**
 * Every bundle that starts a page or a worker begins with this function, and bundles.py writes the rest: the modules as
 * functions, and the call that runs the first of them.
 *
 * It keeps the modules of a page that bundles.py has joined. A module runs when it is first loaded, as a module of a
 * browser does. Modules that are needed later come in bundles of their own.
 * @param {URL} root the address of the page's folder
 * @param {Record<string, string>} bundles the bundle of each module that is fetched later, and of each worker
 */
function startModules(root, bundles) {
  /** @typedef {Record<string, () => unknown>} Modules */
  /** @type {Modules} */
  const modules = {};
  /** @type {Map<string, unknown>} */
  const loaded = new Map();
  /** @param {string} name */
  const load = (name) => {
    if (!loaded.has(name)) loaded.set(name, modules[name]());
    return loaded.get(name);
  };
  /** @param {string} path */
  const addressOf = (path) => new URL(path, root).href;
  /** @param {string} name */
  const startWorker = (name) => new Worker(addressOf(bundles[name]), {type: 'module'});
  /** @param {string} name @returns {Promise<unknown>} */
  const importLater = async (name) => {
    if (!(name in modules)) {
      const bundle = await import(addressOf(bundles[name]));
      add(bundle.write);
    }
    return load(name);
  };
  /**
   * Add the modules of a bundle. A module that another bundle has brought stays the only one of its name.
   * @param {(load: unknown, importLater: unknown, startWorker: unknown, addressOf: unknown) => Modules} write
   */
  const add = (write) => {
    for (const [name, run] of Object.entries(write(load, importLater, startWorker, addressOf))) modules[name] ??= run;
  };
  return {load, add};
}
