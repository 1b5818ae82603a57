/**
 * This module holds a sentence about each control and readout whose sentence never changes. A control that says why it
 * cannot be used, or whose words depend on the run, gets its sentence where it is drawn.
 */

/** The sentence for each selector. @type {Record<string, string>} */
export const WORDS = {
  '#run-title': 'The dataset and the network of this run.',
  '#status-action': 'Does what the sentence beside it suggests: cancels the computation, or tries again.',
  '#share': 'Saves or shares this view: as a link, a picture, an animation, numbers or lines of Python.',
  '#theme': 'Switches between light and dark.',
  '#activation': 'The function that each hidden unit applies to its weighted sum.',
  '#training': 'Other trainings of this network on this dataset, named by how they differ.',
  '.maths':
    'The loss L of the network whose parameters are θ, moved by a along one direction and by b along the other.',
  '#colourbar': 'The colours of the loss, with a mark at the loss of the network itself.',
  '#zoom-text': 'The plane is shown from minus this number to plus this number, along a and along b.',
  '#pick-a': 'The picked point along the first direction: the decision boundary is that of the network there.',
  '#pick-b': 'The picked point along the second direction: the decision boundary is that of the network there.',
  '#pick-back': 'Returns from the picked point to the network itself.',
  '[data-turn="-1"]': 'Turns the landscape a step to the left.',
  '[data-turn="1"]': 'Turns the landscape a step to the right.',
  '[data-tilt="1"]': 'Looks at the landscape from a step higher.',
  '[data-tilt="-1"]': 'Looks at the landscape from a step lower.',
  '[data-table="landscape"]': 'Shows the loss landscape in numbers, as a table.',
  '[data-table="boundary"]': 'Shows the decision boundary in numbers, as tables.',
  '[data-table="timeline"]': 'Shows the loss and the accuracy of every recorded epoch, as a table.',
  '#previous': 'Shows the recorded epoch before this one (←).',
  '#play': 'Plays the training epoch by epoch, or pauses it (Space).',
  '#next': 'Shows the recorded epoch after this one (→).',
  '#speed': 'How fast the training is played: 1× shows ten recorded epochs a second.',
  '#reset': 'Returns to the first view: plane, zoom, scale, camera and speed as the page opened with them.',
  '#epoch': 'The epoch that is shown: drag the slider, or step with the arrow keys.',
  '#curves': 'The whole training by epoch, with a line at the epoch that is shown.',
  '#readouts .now': 'The epoch that is shown: the number of times that training has used all its points.',
  '#readouts th.train': 'On the points that the network is trained on.',
  '#readouts th.test': 'On the points that the network has never seen.',
  '#readouts tbody tr:nth-child(1) th': 'The mean cross-entropy: how unlikely the network finds the true classes.',
  '[data-readout="curvature_largest"]':
    'How strongly the training loss curves along the direction in which it curves most.',
  '[data-readout="curvature_smallest"]':
    'How strongly the training loss curves along the direction in which it curves down most.',
  '[data-readout="curvature_trace"]': 'The curvature of the training loss, summed over all directions.',
  '[data-readout="curvature_adaptive"]': 'The sharpness with each parameter measured in its own size.',
  '[data-readout="curvature_negative"]': 'The number of directions in which the training loss curves down.',
  '#readouts tbody tr:nth-child(2) th': 'The share of the points whose class is predicted correctly.',
  '[data-readout="curvature_epoch"]': 'The curvature is not measured at every epoch: this is the nearest measurement.',
};

/** Give the elements their sentences; an `svg` cannot have a `title`. @param {ParentNode} root */
export function applyWords(root) {
  for (const [selector, sentence] of Object.entries(WORDS)) {
    for (const element of root.querySelectorAll(selector))
      element.setAttribute(element instanceof HTMLElement ? 'title' : 'data-hint', sentence);
  }
}
