/** This module lets a worker handle other messages before it continues. */

/** Wait until the messages that have arrived are handled. @returns {Promise<void>} */
export const pause = () =>
  new Promise((resume) => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resume();
    };
    port2.postMessage(null);
  });

/** Wait for a time. @param {number} milliseconds @returns {Promise<void>} */
export const sleep = (milliseconds) =>
  new Promise((resume) => {
    setTimeout(resume, milliseconds);
  });
