/** How a worker lets other messages have their turn. */

/** Other messages first. @returns {Promise<void>} */
export const pause = () =>
  new Promise((resume) => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resume();
    };
    port2.postMessage(null);
  });

/** @param {number} milliseconds @returns {Promise<void>} */
export const sleep = (milliseconds) =>
  new Promise((resume) => {
    setTimeout(resume, milliseconds);
  });
