/**
 * A run's configuration → the lines of Python that compute it again. Only what is not the package's default is said.
 */
/** @import {Shot} from '../../model/types.js' */
import {constants} from '../../model/constants.js';
import {gridOf} from '../../model/slice.js';

/** @typedef {Record<string, any>} Part */
/**
 * @typedef {{run: Part, datasets: Record<string, Part>, planes: Record<string, Part>}} Defaults
 *   `defaults.json`, which the package writes
 */

const WIDTH = 100;

/** @param {Shot} shot @param {Defaults} defaults */
export function pythonFor(shot, defaults) {
  const {run, frame} = shot;
  const {versions, dataset} = /** @type {any} */ (run.manifest);
  if (dataset.name === 'own')
    return '# Points of your own are in this browser only. Save “Numbers (.npz)”: it has the points, the network, and the surface.\n';
  const config = run.hasEveryEpoch ? recorded(run, run.frames[frame]) : /** @type {Part} */ (run.manifest.config);
  const mine = isOwn(config) ? (dataset.run ?? run.id) : null; // a run that has the points
  const settings = differing(config, defaults).filter(([part]) => part !== 'dataset' || mine === null);
  const told = settings.map(([name, value]) => `    ${name}=${python(value, 4, name.length + 2)},\n`);
  if (mine !== null) told.unshift('    dataset=dataset,\n');
  const references = referencesOf(config);
  return [
    ...(versions?.lossatlas ? [`# lossatlas ${versions.lossatlas}`] : []),
    'import lossatlas as la',
    '',
    ...(mine === null
      ? []
      : [
          '# Points of your own are in the run, from where it is stored.',
          `dataset = la.open_run("data/runs/${mine}").setup.config.dataset`,
        ]),
    told.length
      ? `config = la.RunConfig(\n${told.join('')})`
      : 'config = la.RunConfig()  # the default in every respect',
    ...(references.length
      ? [
          '# The other runs that its planes go through, from where they are stored.',
          `references = {name: la.open_run(f"data/runs/{name}").trajectory.weights[-1] for name in config.references}`,
          'run = la.compute_run(config, references=references)',
        ]
      : ['run = la.compute_run(config)']),
    ...(!run.isLasting ? [] : [`assert run.id == ${text(run.id)}`]),
    '',
    ...(shot.computed ? computedSurface(shot) : storedSurface(shot)),
    `theta = ${weightsAt(run, frame)}`,
    ...(shot.pick && !shot.ball ? pickedPoint(shot) : []),
    '',
  ].join('\n');
}

/** Are the points a person's own, in a stored run? @param {Part} config */
const isOwn = ({dataset}) => dataset.own !== undefined;

/**
 * Cut the configuration of a training in the page to the epoch that is shown, which is its last and so recorded.
 * @param {Shot['run']} run @param {number} epoch @returns {Part}
 */
function recorded(run, epoch) {
  const config = /** @type {Part} */ (run.manifest.config);
  const epochs = Math.max(1, epoch);
  return {
    ...config,
    training: {...config.training, epochs, frames: Math.min(constants().bounds.frames.most, epochs + 1)},
  };
}

/** @param {Shot} shot */
function storedSurface({run, frame, plane, spanIndex, span, set, follow}) {
  const surface = set === 'train' ? 'loss_surface' : 'test_loss_surface';
  /** Of a plane that moves, the test loss may be there around the fixed centre only. @param {string} name */
  const of = (name) => {
    const moves = plane.arrays[name].axes[1] === 'frame';
    return `cut.${name}[${spanIndex}, ${!moves ? 0 : follow ? frame : (plane.centre_frame ?? run.frames.length - 1)}]`;
  };
  return [
    `# On show: epoch ${run.frames[frame]} is frame ${frame}; rows are b, columns a, from ${-span} to ${span}.`,
    `cut = run.plane(${text(plane.name)})`,
    `surface = ${set === 'gap' ? `${of('test_loss_surface')} - ${of('loss_surface')}` : of(surface)}`,
  ];
}

/** A surface that no run has stored. @param {Shot} shot */
function computedSurface(shot) {
  const {run, frame, plane, span, set} = shot;
  return [
    `# On show: epoch ${run.frames[frame]}; rows are b, columns a, from ${-span} to ${span}.`,
    plane.drawn === undefined
      ? `plane = run.plane(${text(plane.name)}).plane`
      : `plane = la.FreshPlane(seed=${plane.drawn}).lay("drawn", run.setup.network, None)`,
    ...centreLines(shot),
    'data = run.setup.dataset',
    '',
    'def surface_of(split):  # 0 for training, 1 for test',
    '    points, labels = data.points[data.split == split], data.labels[data.split == split]',
    '    evaluator = la.Evaluator(run.setup.network, points, labels)',
    `    return la.loss_surfaces(evaluator, plane, centre, [${span}], ${gridOf(run, shot)})[0].loss`,
    '',
    `surface = ${set === 'train' ? 'surface_of(0)' : set === 'test' ? 'surface_of(1)' : 'surface_of(1) - surface_of(0)'}`,
  ];
}

/** Where the parameters of a frame are. @param {Shot['run']} run @param {number} frame */
function weightsAt(run, frame) {
  return `run.trajectory.weights[${run.hasEveryEpoch ? `list(run.trajectory.epochs).index(${run.frames[frame]})` : frame}]`;
}

/**
 * The centre of what is on show. That of a training in the page is held where it has led so far, which is another epoch
 * than the one on show.
 * @param {Shot} shot
 */
function centreLines({run, frame, plane, follow}) {
  const at = follow ? frame : (plane.centre_frame ?? null);
  if (!run.hasEveryEpoch || at === null || at === frame)
    return [`centre = ${at === null ? 'plane.centre' : weightsAt(run, at)}`];
  return [
    '# The plane is held where the training had led.',
    `training = {**config.training.model_dump(), "epochs": ${run.frames[at]}}`,
    'longer = la.RunConfig.model_validate({**config.model_dump(), "training": training})',
    'centre = la.compute_run(longer).trajectory.weights[-1]',
  ];
}

/** The network at the picked point, whose boundary is on show. @param {Shot} shot */
function pickedPoint(shot) {
  const [a, b] = /** @type {[number, number]} */ (shot.pick);
  return [
    ...(shot.computed ? [] : ['plane = cut.plane', ...centreLines(shot)]),
    `picked = (centre + ${a} * plane.directions[0] + ${b} * plane.directions[1]).astype("float32")`,
  ];
}

/**
 * List the parts of a configuration that must be written, each with what differs from its defaults.
 * @param {Part} config @param {Defaults} defaults @returns {[string, unknown][]}
 */
function differing(config, {run, datasets, planes}) {
  return Object.entries(config).flatMap(([part, value]) => {
    if (same(value, run[part])) return [];
    if (part === 'planes')
      return [
        [part, value.map((/** @type {Part} */ plane) => ({kind: plane.kind, ...without(plane, planes[plane.kind])}))],
      ];
    // What a dataset leaves out it takes from its own source, not from the default one.
    const usual = part === 'dataset' ? {...datasets[value.name], name: run.dataset.name} : run[part];
    const told = without(value, usual);
    return Object.keys(told).length ? [[part, told]] : [];
  });
}

/** @param {Part} value @param {Part} usual @returns {Part} */
function without(value, usual = {}) {
  return Object.fromEntries(
    Object.entries(value).filter(([name, each]) => !(name in usual) || !same(each, usual[name])),
  );
}

/** @param {unknown} a @param {unknown} b */
function same(a, b) {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** @param {any} value @returns {unknown} */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => [name, sorted(each)]);
}

/** Other runs, by id, that planes go through. @param {Part} config @returns {string[]} */
function referencesOf(config) {
  return config.planes.flatMap((/** @type {Part} */ plane) =>
    (plane.points ?? []).filter((/** @type {unknown} */ point) => String(point).startsWith('run:')),
  );
}

/**
 * Plain data as Python writes it: on one line, or where that is too long one line a member.
 * @param {any} value @param {number} indent of the line it begins on @param {number} before what stands there already
 * @returns {string}
 */
export function python(value, indent = 0, before = 0) {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object') return String(value);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const members = (/** @type {number} */ depth) =>
    Array.isArray(value)
      ? value.map((each) => python(each, depth))
      : Object.entries(value).map(([name, each]) => `${text(name)}: ${python(each, depth, name.length + 4)}`);
  const flat = `${open}${members(-Infinity).join(', ')}${close}`;
  if (flat.length + indent + before < WIDTH) return flat;
  const inner = ' '.repeat(indent + 4);
  return `${open}\n${members(indent + 4)
    .map((member) => `${inner}${member},\n`)
    .join('')}${' '.repeat(indent)}${close}`;
}

/** JSON's escapes are Python's too. @param {string} value */
function text(value) {
  return JSON.stringify(value);
}
