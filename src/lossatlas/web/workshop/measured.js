/** Datasets that were measured, not invented: their points come with any stored run of theirs. */
/** @import {GalleryEntry} from '../types.js' */
/** @import {Dataset} from '../points/prepared.js' */
import {fetchManifest} from '../data.js';
import {fetchNpy} from '../npy.js';

/** @param {string} name @param {GalleryEntry | undefined} entry a stored run of it @returns {Promise<Dataset>} */
export async function measured(name, entry) {
  if (!entry) throw new Error(`The points of “${name}” were measured and come with a stored run, of which this gallery has none. Choose another dataset.`);
  const {dataset, arrays} = await fetchManifest(entry.id);
  const [points, labels, split] = await Promise.all(['points', 'labels', 'split'].map(async (array) => (
    (await fetchNpy(`data/runs/${encodeURIComponent(entry.id)}/${arrays[array].file}`)).data)));
  const given = Float64Array.from(points, (value, i) => value * dataset.features[i % 2].scale + dataset.features[i % 2].mean);
  return {
    name, title: dataset.title, features: dataset.features, classes: dataset.classes, trainPoints: dataset.train_points,
    points: Float64Array.from(points), given, labels: Uint8Array.from(labels), split: Uint8Array.from(split),
  };
}
