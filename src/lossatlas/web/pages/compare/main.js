/** Where the comparison begins: the catalog and the gallery, then two runs side by side. */
import {withOwn} from '../../model/choice.js';
import {takeConstants} from '../../model/constants.js';
import {byId, say} from '../../lib/dom.js';
import {fetchJson} from '../../loading/json.js';
import {Comparison} from './comparison.js';

Promise.all([fetchJson('catalog.json'), fetchJson('data/index.json')]).then(
  ([catalog, index]) => {
    takeConstants(catalog);
    new Comparison(withOwn(catalog, index.runs), index.runs).begin();
  },
  (error) => say(byId('differences'), `Loss Atlas could not start: ${error?.message ?? error}`),
);
