/** This module is the row of the dialog for one's own story: a tour of stops, each of which is a view with words. */
import {createButton, createRow} from './row.js';

/**
 * @param {(how: {records?: boolean}) => void} edit opens the editor beside the plots
 * @param {() => void} close closes the dialog
 */
export function createStoryRow(edit, close) {
  /** @param {boolean} records */
  const open = (records) => () => {
    close();
    edit({records});
  };
  return createRow(
    'Story',
    ['A tour of your own: views like this one, one after the other, each with your words.'],
    createButton(
      'Record a stop',
      {title: 'Adds this view to your story, and opens the story beside the plots.'},
      open(true),
    ),
    createButton(
      'Open',
      {'aria-label': 'Open your story', title: 'Opens your story, or one from a file.'},
      open(false),
    ),
  );
}
