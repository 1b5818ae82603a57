/**
 * This module writes a run's configuration as the lines of Python that compute it again. Settings that have the
 * package's default values are left out.
 */
/** @import {Shot} from '../../model/types.js' */
import {constants} from '../../model/constants.js';
import {gridSizeOf} from '../../model/slice.js';

/** @typedef {Record<string, any>} Part */
/**
 * @typedef {{run: Part, datasets: Record<string, Part>, planes: Record<string, Part>}} Defaults
 *   `defaults.json`, which the package writes
 */

const WIDTH = 100;

/** @param {Shot} shot @param {Defaults} defaults */
export function writePythonFor(shot, defaults) {
  const {run, frame} = shot;
  const {versions, dataset} = /** @type {any} */ (run.manifest);
  if (run.isRecorded) return writeRecordedLines(shot);
  if (dataset.name === 'own')
    return (
      '# Points of your own are in this browser only. Save “Numbers (.npz)”: it has the points, the ' +
      'network, and the surface.\n'
    );
  const config = run.hasEveryEpoch ? limitToEpoch(run, run.frames[frame]) : /** @type {Part} */ (run.manifest.config);
  const mine = isOwn(config) ? (dataset.run ?? run.id) : null; // This is a run that contains the points.
  const settings = listDifferences(config, defaults).filter(([part]) => part !== 'dataset' || mine === null);
  const lines = settings.map(([name, value]) => `    ${name}=${writePython(value, 4, name.length + 2)},\n`);
  if (mine !== null) lines.unshift('    dataset=dataset,\n');
  const references = listReferences(config);
  return [
    ...(versions?.lossatlas ? [`# lossatlas ${versions.lossatlas}`] : []),
    'import lossatlas as la',
    '',
    ...(mine === null
      ? []
      : [
          '# Points of your own are in the stored run.',
          `dataset = la.open_run("data/runs/${mine}").setup.config.dataset`,
        ]),
    lines.length
      ? `config = la.RunConfig(\n${lines.join('')})`
      : 'config = la.RunConfig()  # the default in every respect',
    ...(references.length
      ? [
          '# The stored runs that its planes go through.',
          `references = {name: la.open_run(f"data/runs/{name}").trajectory.weights[-1] for name in config.references}`,
          'run = la.compute_run(config, references=references)',
        ]
      : ['run = la.compute_run(config)']),
    ...(!run.isLasting ? [] : [`assert run.id == ${quoteText(run.id)}`]),
    '',
    ...(shot.computed ? writeComputedSurface(shot) : writeStoredSurface(shot)),
    `theta = run.trajectory.weights[${findIndex(run, frame)}]`,
    ...(shot.pick && !shot.ball ? writePickedPoint(shot) : [`boundary = run.boundary(${findIndex(run, frame)})`]),
    '',
  ].join('\n');
}

/** Write the lines that read the arrays of a recorded run, which nothing can compute again. @param {Shot} shot */
function writeRecordedLines(shot) {
  const {run, plane, spanIndex, set} = shot;
  const of = (/** @type {string} */ name) => `plane["${name}"]${findPlace(shot, name)}`;
  const loss =
    set === 'gap'
      ? `${of('test_loss_surface')} - ${of('loss_surface')}`
      : of(set === 'test' ? 'test_loss_surface' : 'loss_surface');
  return [
    'import lossatlas as la',
    '',
    '# This run was recorded: these lines read its stored arrays.',
    `run = la.open_run(${quoteText(`data/runs/${run.id}`)})`,
    `plane = run.plane(${quoteText(plane.name)})`,
    `loss = ${loss}  # [b, a]`,
    `a = b = ${plane.spans[Math.max(0, spanIndex)]} * plane["coordinates"]`,
    `path, train_loss = plane["path"], run.metrics["train_loss"]  # at every frame`,
    '',
  ].join('\n');
}

/** Are the points a person's own, in a stored run? @param {Part} config */
const isOwn = ({dataset}) => dataset.own !== undefined;

/**
 * Limit the configuration of a training in the page to the epoch that is shown, which becomes its last and is therefore
 * recorded.
 * @param {Shot['run']} run @param {number} epoch @returns {Part}
 */
function limitToEpoch(run, epoch) {
  const config = /** @type {Part} */ (run.manifest.config);
  const epochs = Math.max(1, epoch);
  return {
    ...config,
    training: {...config.training, epochs, frames: Math.min(constants().bounds.frames.most, epochs + 1)},
  };
}

/**
 * Write the place of the surface in its array. For a plane that moves, the test loss may be stored around the fixed
 * centre only.
 * @param {Shot} shot @param {string} name
 */
function findPlace({run, frame, plane, spanIndex, follow}, name) {
  const moves = plane.arrays[name].axes[1] === 'frame';
  const centre = !moves ? 0 : follow ? frame : (plane.centre_frame ?? run.frames.length - 1);
  return `[${Math.max(0, spanIndex)}, ${centre}]`;
}

/** @param {Shot} shot */
function writeStoredSurface(shot) {
  const {run, frame, plane, span, set} = shot;
  const surface = set === 'train' ? 'loss_surface' : 'test_loss_surface';
  const of = (/** @type {string} */ name) => `cut.${name}${findPlace(shot, name)}`;
  return [
    `# The page shows epoch ${run.frames[frame]}, frame ${frame}; rows are b, columns a, from ${-span} to ${span}.`,
    `cut = run.plane(${quoteText(plane.name)})`,
    `surface = ${set === 'gap' ? `${of('test_loss_surface')} - ${of('loss_surface')}` : of(surface)}`,
  ];
}

/** Write the lines for a surface that no run has stored. @param {Shot} shot */
function writeComputedSurface(shot) {
  const {run, frame, plane, span, set} = shot;
  const centre = findCentre(shot);
  const named = plane.drawn === undefined ? quoteText(plane.name) : 'plane';
  const of = (/** @type {string} */ points) =>
    `${centre.run}.surface(${named}, frame=${centre.frame}, span=${span}, grid=${gridSizeOf(run, shot)}${points}).loss`;
  const [train, test] = [of(''), of(', points="test"')];
  return [
    `# The page shows epoch ${run.frames[frame]}; rows are b, columns a, from ${-span} to ${span}.`,
    ...(plane.drawn === undefined ? [] : [writePlaneLine(shot)]),
    ...centre.lines,
    `surface = ${set === 'gap' ? `(\n    ${test}\n    - ${train}\n)` : set === 'test' ? test : train}`,
  ];
}

/** Write the line that names the plane. @param {Shot} shot */
function writePlaneLine({plane}) {
  return plane.drawn === undefined
    ? `plane = run.plane(${quoteText(plane.name)}).plane`
    : `plane = la.FreshPlane(seed=${plane.drawn}).draw(run.setup.network)`;
}

/**
 * Find the index of a frame in the run that Python computes. A training in the page is limited to the epoch that is
 * shown, which is its last.
 * @param {Shot['run']} run @param {number} frame
 */
function findIndex(run, frame) {
  return run.hasEveryEpoch && run.frames[frame] > 0 ? -1 : frame;
}

/**
 * Find the centre of the view, as Python writes it: a frame of a run, or the centre of the plane. The centre of a
 * training in the page is its last epoch so far, which may be another epoch than the one that is shown.
 * @param {Shot} shot @returns {{run: string, frame: string, theta: string, lines: string[]}}
 */
function findCentre({run, frame, plane, follow}) {
  const at = follow ? frame : (plane.centre_frame ?? null);
  if (at === null) return {run: 'run', frame: 'None', theta: 'plane.centre', lines: []};
  if (!run.hasEveryEpoch || at === frame) {
    const index = findIndex(run, at);
    return {run: 'run', frame: String(index), theta: `run.trajectory.weights[${index}]`, lines: []};
  }
  const lines = [
    '# The plane is held where the training had led.',
    `training = {**config.training.model_dump(), "epochs": ${run.frames[at]}}`,
    'longer = la.compute_run({**config.model_dump(), "training": training})',
  ];
  return {run: 'longer', frame: '-1', theta: 'longer.trajectory.weights[-1]', lines};
}

/** Write the lines for the network at the picked point, whose boundary is shown. @param {Shot} shot */
function writePickedPoint(shot) {
  const [a, b] = /** @type {[number, number]} */ (shot.pick);
  const centre = findCentre(shot);
  return [
    ...(shot.computed && shot.plane.drawn !== undefined ? [] : [writePlaneLine(shot)]),
    ...(shot.computed ? [] : centre.lines),
    `centre = ${centre.theta}`,
    `picked = (centre + ${a} * plane.directions[0] + ${b} * plane.directions[1]).astype("float32")`,
  ];
}

/**
 * List the parts of a configuration that must be written, each with the settings that differ from its defaults.
 * @param {Part} config @param {Defaults} defaults @returns {[string, unknown][]}
 */
function listDifferences(config, {run, datasets, planes}) {
  return Object.entries(config).flatMap(([part, value]) => {
    if (isSame(value, run[part])) return [];
    if (part === 'planes')
      return [
        [
          part,
          value.map((/** @type {Part} */ plane) => ({kind: plane.kind, ...dropDefaults(plane, planes[plane.kind])})),
        ],
      ];
    // Settings that a dataset omits come from its own source, not from the default dataset.
    const usual = part === 'dataset' ? {...datasets[value.name], name: run.dataset.name} : run[part];
    const changed = dropDefaults(value, usual);
    return Object.keys(changed).length ? [[part, changed]] : [];
  });
}

/** @param {Part} value @param {Part} usual @returns {Part} */
function dropDefaults(value, usual = {}) {
  return Object.fromEntries(
    Object.entries(value).filter(([name, each]) => !(name in usual) || !isSame(each, usual[name])),
  );
}

/** @param {unknown} a @param {unknown} b */
function isSame(a, b) {
  return JSON.stringify(sortKeys(a)) === JSON.stringify(sortKeys(b));
}

/** @param {any} value @returns {unknown} */
function sortKeys(value) {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => [name, sortKeys(each)]);
}

/** List the ids of other runs that planes go through. @param {Part} config @returns {string[]} */
function listReferences(config) {
  return config.planes.flatMap((/** @type {Part} */ plane) =>
    (plane.points ?? []).filter((/** @type {unknown} */ point) => String(point).startsWith('run:')),
  );
}

/**
 * Write plain data as Python does: on one line, or with one line for each member if that is too long.
 * @param {any} value @param {number} indent the indent of the line on which it begins @param {number} before the number
 *   of characters before it on that line
 * @returns {string}
 */
export function writePython(value, indent = 0, before = 0) {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return quoteText(value);
  if (typeof value !== 'object') return String(value);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const members = (/** @type {number} */ depth) =>
    Array.isArray(value)
      ? value.map((each) => writePython(each, depth))
      : Object.entries(value).map(([name, each]) => `${quoteText(name)}: ${writePython(each, depth, name.length + 4)}`);
  const flat = `${open}${members(-Infinity).join(', ')}${close}`;
  if (flat.length + indent + before < WIDTH) return flat;
  const inner = ' '.repeat(indent + 4);
  return `${open}\n${members(indent + 4)
    .map((member) => `${inner}${member},\n`)
    .join('')}${' '.repeat(indent)}${close}`;
}

/** Write a string: JSON's escapes are also Python's. @param {string} value */
function quoteText(value) {
  return JSON.stringify(value);
}
