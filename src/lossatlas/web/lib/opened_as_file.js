/**
 * This classic script says how to look at an exported page that was opened as a file, from which browsers load no
 * modules. Exports alone have it (site/documents.py).
 */
if (location.protocol === 'file:') {
  /** @param {string} tag @param {(string | Node)[]} parts */
  const make = (tag, ...parts) => {
    const element = document.createElement(tag);
    element.append(...parts);
    return element;
  };
  // On Windows, a slash is before the letter of the drive.
  const folder = decodeURIComponent(location.pathname)
    .replace(/^\/(?=[A-Za-z]:)/, '')
    .replace(/\/[^/]*$/, '');
  const link = /** @type {HTMLAnchorElement} */ (make('a', 'http://localhost:8000/'));
  link.href = 'http://localhost:8000/';
  const note = make(
    'div',
    make('h1', 'Loss Atlas'),
    make('p', 'This page was opened as a file, and browsers load no parts of a page from files.'),
    make('p', 'To look at it on this machine, start'),
    make('p', make('code', `python3 -m http.server 8000 --directory "${folder}"`)),
    make('p', 'and open ', link, '. For other people, put the folder on any web host.'),
    make('p', 'A page that opens by double click is a single file. This writes one:'),
    make('p', make('code', 'lossatlas export --single-file RUN page.html')),
  );
  note.className = 'noscript';
  Object.assign(note.style, {display: 'grid', alignContent: 'start', gap: '12px'});
  document.body.replaceChildren(note);
}
