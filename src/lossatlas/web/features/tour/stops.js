/**
 * This module holds the tour as data: the runs that it shows, and its stops. tests/web/test_tour.py compares every
 * number with Python.
 */
/** @import {State} from '../../model/types.js' */
/** @import {Settings} from '../../model/settings.js' */

/**
 * @typedef {object} TourRun a training; it is taken from the gallery if that has it, else trained in the page
 * @property {string} dataset of 512 points
 * @property {number} noise
 * @property {number[]} hidden
 * @property {string} activation
 * @property {boolean} [residual]
 * @property {Settings} settings
 * @property {number} epochs
 * @property {string[] | null} planes the kinds of planes that a stored run must have; null: the run is always trained
 *   in the page
 *
 * @typedef {'landscape' | 'boundary' | 'curves'} Shown the part that a small window shows; it shows one at a time
 *
 * @typedef {Partial<Pick<State, 'epoch' | 'zoom' | 'scale' | 'camera' | 'plane' | 'seed' | 'view' | 'set' | 'follow' |
 *   'path' | 'timeline' | 'pick'>>} Look
 *
 * @typedef {object} Word words in the text that change the plots
 * @property {string} say
 * @property {Look} [to]
 * @property {string} [run] a key of RUNS, if the words show another training
 * @property {boolean} [play] does playback start at the first epoch?
 * @property {Shown} [plot] the plot to show, if it is not that of the stop
 *
 * @typedef {(string | Word)[]} Prose
 *
 * @typedef {object} Stop
 * @property {string} name the name in the address
 * @property {string} title
 * @property {string} run a key of RUNS
 * @property {Look} look
 * @property {Shown} [plot] the plot that the text describes; the default is the landscape, which `here` always
 *   describes
 * @property {Prose} text
 * @property {Prose} [here] replaces `text` if the gallery lacks the run
 * @property {Prose} ask
 */

const ADAM = {optimizer: 'adam', rate: 0.01, batch: 32, decay: 0, seed: 0};
/** @param {number} rate @returns {Settings} */
const descent = (rate) => ({optimizer: 'sgd', rate, batch: 'full', decay: 0, seed: 0});
const MOONS = {dataset: 'moons', noise: 0.15, activation: 'tanh'};
const CORNERS = {dataset: 'corners', noise: 0.35, activation: 'tanh', settings: ADAM, epochs: 100, planes: null};
const BOARD = {dataset: 'checkerboard', noise: 0, hidden: [16, 16], activation: 'tanh', planes: ['fresh', 'hessian']};
const TWIN = {
  dataset: 'arms',
  noise: 0.05,
  hidden: Array(20).fill(8),
  activation: 'tanh',
  epochs: 100,
  planes: ['gaussian'],
  settings: {optimizer: 'momentum', rate: 0.01, batch: 32, decay: 0.005, seed: 0},
};

/** @type {Record<string, TourRun>} */
export const RUNS = {
  moons: {...MOONS, hidden: [16, 16], settings: ADAM, epochs: 300, planes: ['fresh', 'pca']},
  line: {...CORNERS, hidden: []},
  two: {...CORNERS, hidden: [2]},
  eight: {...CORNERS, hidden: [8]},
  small: {...MOONS, hidden: [8], settings: descent(1), epochs: 100, planes: null},
  large: {...MOONS, hidden: [8], settings: descent(30), epochs: 100, planes: null},
  beyond: {...MOONS, hidden: [16, 16, 16], activation: 'gelu', settings: descent(3), epochs: 100, planes: null},
  edge: {...BOARD, settings: descent(0.25), epochs: 2400},
  below: {...BOARD, settings: descent(0.1), epochs: 6000},
  plain: {...TWIN, residual: false},
  residual: {...TWIN, residual: true},
};

/** @type {Stop[]} */
export const STOPS = [
  {
    name: 'two-plots',
    title: 'What you see',
    run: 'moons',
    look: {epoch: 300, path: false},
    text: [
      'Every point of the landscape is a network: yours, its weights moved along two directions. ',
      'The height is its loss, that is, how wrong it is on the training points. The dot in the middle is your ' +
        'network now, ',
      'and the decision boundary is drawn where its answer changes. ',
      {say: 'Before training', to: {epoch: 0, pick: null}},
      ' its loss is 0.71; ',
      {say: 'after it', to: {epoch: 300, pick: null}},
      ', 0.0004. ',
      {say: 'Watch it learn', to: {pick: null}, play: true},
      '.',
    ],
    ask: [
      'Now take ',
      {say: 'a point on the slope', to: {epoch: 300, pick: [1, 0]}, plot: 'boundary'},
      ': what has become of the boundary?',
    ],
  },
  {
    name: 'hidden-layer',
    title: 'Why XOR needs a hidden layer',
    run: 'line',
    look: {epoch: 100},
    plot: 'boundary',
    text: [
      {say: 'Without a hidden layer', run: 'line'},
      ' the boundary is a straight line, and no line separates these four corners. ',
      'The landscape is a perfect bowl and training does reach its floor, but the floor is high: a loss of ' +
        '0.68, where guessing has 0.69. ',
      'It is right on 46 % of the test points. ',
      {say: 'Two hidden units', run: 'two'},
      ' give 97 %, ',
      {say: 'eight', run: 'eight'},
      ' 99 %.',
    ],
    ask: [
      'Go back and forth: is the ',
      {say: 'bowl', run: 'line', to: {view: 'surface'}, plot: 'landscape'},
      ' harder to descend, or merely not deep enough?',
    ],
  },
  {
    name: 'large-step',
    title: 'Too large a step',
    run: 'large',
    look: {epoch: 100, timeline: 'loss', zoom: 3},
    plot: 'curves',
    text: [
      'Gradient descent steps by the slope times the learning rate. With a ',
      {say: 'rate of 1', run: 'small'},
      ' the loss falls in each of 100 epochs. With a ',
      {say: 'rate of 30', run: 'large'},
      ' a step jumps over the valley: the loss rises again in more than a third of the epochs, early on up to 17. ' +
        'Another browser ends elsewhere. Where it is steep at first, ',
      {say: 'a rate of 3', run: 'beyond'},
      ' is too large: the numbers overflow in epoch 11.',
    ],
    ask: [
      {say: 'Play the large steps', run: 'large', play: true},
      ' and look at the loss curve: does it jump where the surface is steep?',
    ],
  },
  {
    name: 'flat-and-sharp',
    title: 'Flat and sharp',
    run: 'edge',
    look: {epoch: 2400, timeline: 'curvature'},
    plot: 'curves',
    text: [
      'Among the curves, λ max is the sharpness: how strongly the loss curves upwards in the direction in which ' +
        'it curves most. ',
      'At a ',
      {say: 'learning rate of 0.25', run: 'edge'},
      ' it climbs to the dashed line 2/η = 8, where steps begin to overshoot, reaches 9.4 and stays near the ' +
        'line (40 epochs were measured). At ',
      {say: '0.1', run: 'below'},
      ' the line is at 20, and it climbs to 13. So sharpness partly reflects the step size. ',
      'Any place looks flat from nearby: ',
      {say: 'zoom in', to: {plane: null, zoom: 0.01}, plot: 'landscape'},
      ', ',
      {say: 'zoom out', to: {plane: null, zoom: 1}, plot: 'landscape'},
      '.',
    ],
    here: [
      'This gallery has not stored the training with its measured sharpness, so it is trained here, for 2,400 epochs. ',
      'Any place looks flat from nearby: ',
      {say: 'zoom in', to: {zoom: 0.01}},
      ' a hundred times, ',
      {say: 'zoom out', to: {zoom: 1}},
      ', and note the scale of the colours. Even there two random directions curve about as much as an average ' +
        'one, never as much as the steepest.',
    ],
    ask: [
      'Compare a ',
      {say: 'random slice', to: {plane: null, zoom: 0.1}, plot: 'landscape'},
      ' with ',
      {say: 'the steepest direction', to: {plane: 'hessian', zoom: null, view: 'surface'}, plot: 'landscape'},
      ': would you have guessed?',
    ],
  },
  {
    name: 'path',
    title: 'The path is not in this slice',
    run: 'moons',
    look: {epoch: 300, plane: 'fresh', follow: false, path: true, view: 'contours'},
    text: [
      'The line is the whole training, projected onto this plane: a dot in the middle. ',
      'Of 354 dimensions the plane shows two at random, and they hold 0.3 % of the path. ',
      'Two ',
      {say: 'chosen for the path', to: {plane: 'pca', zoom: null, follow: false, path: true}},
      ' hold 98.9 %, and there it goes down a slope. ',
      'But beware: a random walk would have 78 % in such a plane too.',
    ],
    here: [
      'This gallery has not stored this training, so it is trained here. The line is the whole training, ' +
        'projected onto this plane: a dot in the middle. ',
      'Of 354 dimensions the plane shows two at random, and they hold almost nothing of it. ',
      {say: 'Let the plane move', to: {follow: true}},
      ' with the network, and the valley seems to come to it.',
    ],
    ask: [
      'From ',
      {say: 'the random slice', to: {plane: 'fresh', zoom: null, follow: false, path: true}},
      ' alone, could you tell where training came from?',
    ],
  },
  {
    name: 'skips',
    title: 'Skips smooth the landscape',
    run: 'plain',
    look: {epoch: 100, timeline: 'loss', path: false},
    text: [
      'Twenty layers of eight units, and one difference. The ',
      {say: 'plain network', run: 'plain'},
      ' is stuck on a shallow slope at a loss of 0.23–0.77, depending on the last bit of a processor’s ' +
        'arithmetic; its twin ',
      {say: 'with skips', run: 'residual'},
      ', in which each layer adds its input to its output, reaches 0.0025 in a bowl. ',
      'Nearby, 86–97 % of the plain one’s landscape is not convex, against 55–58 %. To be honest: this pair was ' +
        'chosen because it shows the effect. ',
      'Seen ',
      {say: 'from farther away', to: {zoom: 1}},
      ', of five other seeds 0–2 agree.',
    ],
    here: [
      'Twenty layers of eight units, and one difference. The ',
      {say: 'plain network', run: 'plain'},
      ' is stuck at a loss of 0.23–0.77, depending on the last bit of a processor’s arithmetic; its twin ',
      {say: 'with skips', run: 'residual'},
      ', in which each layer adds its input to its output, reaches 0.0025. They are trained here, which takes a ' +
        'while. ',
      'To be honest: this pair was chosen because it shows the effect.',
    ],
    ask: [
      'Look ',
      {say: 'near by', to: {zoom: null}},
      ' at both, and at their boundaries: which of the two could still move?',
    ],
  },
  {
    name: 'directions',
    title: 'How much is the slice?',
    run: 'moons',
    look: {epoch: 300, plane: 'fresh', pick: [1, 1], path: false},
    text: [
      'One network, cut along other directions: ',
      {say: 'draw', to: {seed: 1}},
      ', ',
      {say: 'draw', to: {seed: 2}},
      ', ',
      {say: 'draw again', to: {seed: 3}},
      '. ',
      'In the middle the loss is always 0.0004, because that is the network itself. ',
      'At the mark (1, 1) it is 15 along the ',
      {say: 'first two', to: {seed: null}},
      ' and 0.10 along the ',
      {say: 'last', to: {seed: 3}},
      '. ',
      'A slice is exact, and it is one of very many.',
    ],
    ask: ['What stays in all of them? That may belong to the network; the rest belongs to the slice.'],
  },
];
