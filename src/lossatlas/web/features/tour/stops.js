/**
 * This module holds the tour: a story as any other, as plain data. tests/web/test_tour.py compares every number with
 * Python.
 */
/** @import {Story, TourRun} from './story.js' */

const ADAM = 'train=adam,0.01,32,0,0';
const descent = (/** @type {number} */ rate) => `train=sgd,${rate},full,0,0`;
const MOONS = 'dataset=moons&sample=512,0.15,0';
const CORNERS = `dataset=corners&sample=512,0.35,0&${ADAM}&activation=tanh`;
const BOARD = 'dataset=checkerboard&sample=512,0,0&hidden=16-16&activation=tanh';
const TWIN =
  'dataset=arms&sample=512,0.05,0&hidden=8-8-8-8-8-8-8-8-8-8-8-8-8-8-8-8-8-8-8-8&activation=tanh&' +
  'train=momentum,0.01,32,0.005,0';

/** @type {Record<string, TourRun>} */
const RUNS = {
  moons: {view: `${MOONS}&hidden=16-16&activation=tanh&${ADAM}`, epochs: 300, planes: ['fresh', 'pca']},
  line: {view: `${CORNERS}&hidden=none`, epochs: 100, planes: null},
  two: {view: `${CORNERS}&hidden=2`, epochs: 100, planes: null},
  eight: {view: `${CORNERS}&hidden=8`, epochs: 100, planes: null},
  small: {view: `${MOONS}&hidden=8&activation=tanh&${descent(1)}`, epochs: 100, planes: null},
  large: {view: `${MOONS}&hidden=8&activation=tanh&${descent(30)}`, epochs: 100, planes: null},
  beyond: {view: `${MOONS}&hidden=16-16-16&activation=gelu&${descent(3)}`, epochs: 100, planes: null},
  edge: {view: `${BOARD}&${descent(0.25)}`, epochs: 2400, planes: ['fresh', 'hessian']},
  below: {view: `${BOARD}&${descent(0.1)}`, epochs: 6000, planes: ['fresh', 'hessian']},
  plain: {view: `${TWIN}&residual=false`, epochs: 100, planes: ['gaussian']},
  residual: {view: `${TWIN}&residual=true`, epochs: 100, planes: ['gaussian']},
};

/** @type {Story} */
export const TOUR = {
  title: 'Tour',
  runs: RUNS,
  stops: [
    {
      name: 'two-plots',
      title: 'What you see',
      run: 'moons',
      view: 'epoch=300&path=false',
      text: [
        'Every point of the landscape is a network: yours, its weights moved along two directions. ',
        'The height is its loss, that is, how wrong it is on the training points. The dot in the middle is your ' +
          'network now, ',
        'and the decision boundary is drawn where its answer changes. ',
        {say: 'Before training', view: 'epoch=0&pick='},
        ' its loss is 0.71; ',
        {say: 'after it', view: 'epoch=300&pick='},
        ', 0.0004. ',
        {say: 'Watch it learn', view: 'pick=', moves: {play: [0, 300]}},
        '.',
      ],
      ask: [
        'Now take ',
        {say: 'a point on the slope', view: 'epoch=300&pick=1,0', plot: 'boundary'},
        ': what has become of the boundary?',
      ],
    },
    {
      name: 'hidden-layer',
      title: 'Why XOR needs a hidden layer',
      run: 'line',
      view: 'epoch=100',
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
        {say: 'bowl', run: 'line', view: 'view=surface', plot: 'landscape'},
        ' harder to descend, or merely not deep enough?',
      ],
    },
    {
      name: 'large-step',
      title: 'Too large a step',
      run: 'large',
      view: 'epoch=100&timeline=loss&zoom=3',
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
        {say: 'Play the large steps', run: 'large', moves: {play: [0, 100]}},
        ' and look at the loss curve: does it jump where the surface is steep?',
      ],
    },
    {
      name: 'flat-and-sharp',
      title: 'Flat and sharp',
      run: 'edge',
      view: 'epoch=2400&timeline=curvature',
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
        {say: 'zoom in', view: 'plane=&zoom=0.01', plot: 'landscape'},
        ', ',
        {say: 'zoom out', view: 'plane=&zoom=1', plot: 'landscape'},
        '.',
      ],
      here: [
        'This gallery has not stored the training with its measured sharpness, so it is trained here, for 2,400 ',
        'epochs. Any place looks flat from nearby: ',
        {say: 'zoom in', view: 'zoom=0.01'},
        ' a hundred times, ',
        {say: 'zoom out', view: 'zoom=1'},
        ', and note the scale of the colours. Even there two random directions curve about as much as an average ' +
          'one, never as much as the steepest.',
      ],
      ask: [
        'Compare a ',
        {say: 'random slice', view: 'plane=&zoom=0.1', plot: 'landscape'},
        ' with ',
        {say: 'the steepest direction', view: 'plane=hessian&zoom=&view=surface', plot: 'landscape'},
        ': would you have guessed?',
      ],
    },
    {
      name: 'path',
      title: 'The path is not in this slice',
      run: 'moons',
      view: 'epoch=300&plane=fresh&follow=false&path=true&view=contours',
      text: [
        'The line is the whole training, projected onto this plane: a dot in the middle. ',
        'Of 354 dimensions the plane shows two at random, and they hold 0.3 % of the path. ',
        'Two ',
        {say: 'chosen for the path', view: 'plane=pca&zoom=&follow=false&path=true'},
        ' hold 98.9 %, and there it goes down a slope. ',
        'But beware: a random walk would have 78 % in such a plane too.',
      ],
      here: [
        'This gallery has not stored this training, so it is trained here. The line is the whole training, ' +
          'projected onto this plane: a dot in the middle. ',
        'Of 354 dimensions the plane shows two at random, and they hold almost nothing of it. ',
        {say: 'Let the plane move', view: 'follow=true'},
        ' with the network, and the valley seems to come to it.',
      ],
      ask: [
        'From ',
        {say: 'the random slice', view: 'plane=fresh&zoom=&follow=false&path=true'},
        ' alone, could you tell where training came from?',
      ],
    },
    {
      name: 'skips',
      title: 'Skips smooth the landscape',
      run: 'plain',
      view: 'epoch=100&timeline=loss&path=false',
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
        {say: 'from farther away', view: 'zoom=1'},
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
        {say: 'near by', view: 'zoom='},
        ' at both, and at their boundaries: which of the two could still move?',
      ],
    },
    {
      name: 'directions',
      title: 'How much is the slice?',
      run: 'moons',
      view: 'epoch=300&plane=fresh&pick=1,1&path=false',
      text: [
        'One network, cut along other directions: ',
        {say: 'draw', view: 'seed=1'},
        ', ',
        {say: 'draw', view: 'seed=2'},
        ', ',
        {say: 'draw again', view: 'seed=3'},
        '. ',
        'In the middle the loss is always 0.0004, because that is the network itself. ',
        'At the mark (1, 1) it is 15 along the ',
        {say: 'first two', view: 'seed='},
        ' and 0.10 along the ',
        {say: 'last', view: 'seed=3'},
        '. ',
        'A slice is exact, and it is one of very many.',
      ],
      ask: ['What stays in all of them? That may belong to the network; the rest belongs to the slice.'],
    },
  ],
};
