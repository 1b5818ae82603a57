/** This module copies text to the clipboard. */

/**
 * Copy a text. If the browser refuses, select the text, so that a person can copy it.
 * @param {string} text @param {string} done the message once it is copied
 * @param {HTMLElement} shown the element that shows the text @param {(message: string) => void} showMessage
 */
export async function copyText(text, done, shown, showMessage) {
  try {
    await navigator.clipboard.writeText(text);
    showMessage(done);
  } catch {
    if (shown instanceof HTMLInputElement) {
      shown.focus();
      shown.select();
    } else {
      getSelection()?.selectAllChildren(shown);
    }
    showMessage('The browser does not let the page copy. The text is selected: copy it with Ctrl+C or ⌘C.');
  }
}
