/** This module names the files that the dialog saves. */
/** @import {Shot} from '../../model/types.js' */

/** Return the name of a file. @param {Shot} shot @param {string} ending */
export function writeFileName({run, frame}, ending) {
  return `lossatlas-${run.id}-epoch${run.frames[frame]}${ending}`;
}
