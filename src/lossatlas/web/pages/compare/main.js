/**
 * The comparison starts here: this module fetches the catalog and the gallery, and then shows two runs side by side.
 */
import {addOwnDatasets, isUnfinished} from '../../model/choice.js';
import {takeConstants} from '../../model/constants.js';
import {byId, setText} from '../../lib/dom.js';
import {fetchJson} from '../../loading/json.js';
import {Comparison} from './comparison.js';

Promise.all([fetchJson('catalog.json'), fetchJson('data/index.json')]).then(
  ([catalog, index]) => {
    takeConstants(catalog);
    const runs = index.runs.filter((/** @type {any} */ entry) => !isUnfinished(entry));
    new Comparison(addOwnDatasets(catalog, runs), runs).begin();
  },
  (error) => setText(byId('differences'), `Loss Atlas could not start: ${error?.message ?? error}`),
);
