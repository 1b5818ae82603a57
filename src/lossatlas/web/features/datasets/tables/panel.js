/**
 * This module is the part of the editor that reads tables: it takes pasted rows or a file, shows how they were
 * understood, and offers choices.
 */
/** @import {Choice, Table} from './read.js' */
import {make} from '../../../lib/dom.js';
import {cleanName} from '../../../compute/datasets/own.js';
import {decodeBytes, ENCODINGS} from './decode.js';
import {numberIn} from './numbers.js';
import {readTable} from './read.js';
import {SEPARATORS} from './rows.js';
import {countText} from '../../../lib/numbers.js';

const MAX_FILE = 40e6;
/**
 * Up to this many columns share the preview's width; of more, each takes the width it needs, and the preview scrolls.
 */
const MOST_SIDE_BY_SIDE = 4;
const SEPARATOR_NAMES = ['tabs', 'semicolons', 'pipes |', 'commas', 'blanks'];
const ROLES = /** @type {const} */ ([
  ['x', 'x'],
  ['y', 'y'],
  ['label', 'class'],
]);
const WAYS = /** @type {const} */ ([
  ['point', '1,234.5'],
  ['comma', '1.234,5'],
]);

/**
 * @typedef {{bytes: Uint8Array | null, text: string, name: string, encoding: string | null, choice: Choice}} Source
 *   what is read, and the choices made for it
 */

/**
 * @param {(table: Table, name: string, goesOn: boolean) => void} onTable a table was read; `goesOn`: the same table was
 *   read in another way
 */
export function createTablePanel(onTable) {
  const parts = createParts();
  /** @type {Source | null} */
  let source = null;

  /** @param {boolean} goesOn */
  const read = (goesOn) => {
    if (!source) return;
    const {bytes, name, choice} = source;
    const decoded = bytes ? decodeBytes(bytes, source.encoding) : null;
    const table = decoded?.problem ? refuseTable(decoded.problem) : readTable(decoded?.text ?? source.text, choice);
    if (decoded?.guessed) table.notices.push('Nothing in the file names its encoding: it was read as Windows-1252.');
    onTable(table, name, goesOn);
    drawChoices(parts, table, choice, decoded?.encoding ?? null);
    drawPreview(parts.preview, table);
    drawMessages(parts.messages, table, choice, change);
  };
  /** @param {Choice} patch */
  const change = (patch) => {
    if (source) source.choice = {...source.choice, ...patch};
    read(true);
  };
  const open = (/** @type {Partial<Source>} */ next) => {
    source = {bytes: null, text: '', name: '', encoding: null, choice: {}, ...next};
    read(false);
    parts.messages.scrollIntoView({block: 'nearest'});
  };
  /** @param {File | undefined | null} file */
  const openFile = async (file) => {
    if (!file) return;
    const name = file.name.replace(/\.[^.]*$/, '');
    if (file.size <= MAX_FILE) return open({bytes: new Uint8Array(await file.arrayBuffer()), name});
    source = null;
    const table = refuseTable(
      `${file.name} is larger than 40 MB. Save some of its rows as a separate file, and open that.`,
    );
    onTable(table, name, false);
    drawChoices(parts, table, {}, null);
    drawPreview(parts.preview, table);
    drawMessages(parts.messages, table, {}, change);
  };

  for (const [role, select] of parts.roles)
    select.addEventListener('change', () => change(swapRoles(role, Number(select.value), parts.roles)));
  parts.separator.addEventListener('change', () =>
    change({separator: parts.separator.value || null, x: null, y: null, label: null}),
  );
  parts.header.addEventListener('change', () => change({header: parts.header.checked}));
  parts.way.addEventListener('change', () => change({way: /** @type {any} */ (parts.way.value || null)}));
  parts.encoding.addEventListener('change', () => {
    if (source) source.encoding = parts.encoding.value;
    read(true);
  });
  parts.read.addEventListener('click', () => open({text: parts.text.value}));
  parts.file.addEventListener('change', async () => {
    await openFile(parts.file.files?.[0]);
    parts.file.value = ''; // This allows the same file to be read again.
  });

  return {
    rows: parts.rows,
    result: parts.result,
    text: parts.text,
    /** @param {string} text */
    openText: (text) => open({text}),
    openFile,
    /** Remove the messages about the table. */
    close() {
      source = null;
      parts.messages.replaceChildren();
      parts.chosen.hidden = true;
    },
  };
}

/**
 * Give a column a role. If it had another role, the two columns exchange their roles.
 * @param {'x' | 'y' | 'label'} role @param {number} place @param {Map<'x' | 'y' | 'label', HTMLSelectElement>} roles
 * @returns {Choice}
 */
function swapRoles(role, place, roles) {
  const before = roles.get(role)?.dataset.place ?? '';
  return Object.fromEntries(
    [...roles].map(([other, select]) => {
      const now = select.dataset.place ?? '';
      return [other, other === role ? place : Number(now === String(place) ? before : now)];
    }),
  );
}

/** @param {string} problem @returns {Table} */
const refuseTable = (problem) => ({...readTable(''), errors: [problem]});

/** Create the parts of the panel: the source of the rows, how they are read, and the result. */
function createParts() {
  const source = createSource();
  const reading = createReading();
  const roles = createRoles();
  const preview = make('div', {
    class: 'preview',
    tabindex: 0,
    role: 'region',
    'aria-label': 'The first rows of the table',
  });
  const messages = make('div', {class: 'messages', role: 'status'});
  const chosen = make(
    'div',
    {class: 'chosen', hidden: true},
    make('div', {class: 'roles'}, ...ROLES.map(([role, name]) => field(name, /** @type {Node} */ (roles.get(role))))),
    preview,
    reading.details,
  );
  const result = make('div', {class: 'result'}, chosen, messages);
  return {...source, ...reading, result, roles, preview, messages, chosen};
}

/** @param {string} name @param {Node} control */
const field = (name, control) => make('label', {class: 'field'}, name, control);

/** @param {string} value @param {string} text */
const option = (value, text) => make('option', {value}, text);

/** Create the field for pasted rows and the button that opens a file. */
function createSource() {
  const text = make('textarea', {
    'aria-label': 'Rows',
    title: 'One point on each line: two numbers and a label.',
    rows: 5,
    spellcheck: 'false',
    placeholder: 'x, y, class\n0.5, 1.2, red\n0.7, −0.3, blue',
  });
  const file = make('input', {
    type: 'file',
    accept: '.csv,.tsv,.tab,.dat,.data,.txt,text/*',
    'aria-label': 'Open a file',
    title: 'Reads the points from a file of rows.',
  });
  const read = make('button', {type: 'button', title: 'Makes points of the rows above.'}, 'Read these rows');
  const rows = make(
    'details',
    {class: 'rows'},
    make('summary', {title: 'Rows to paste, or a file to open.'}, 'From a spreadsheet'),
    make('p', {}, 'Two columns of numbers and one of labels, with any separator; further columns are allowed.'),
    text,
    make('div', {class: 'steps'}, read, make('label', {class: 'file'}, file, make('span', {}, 'Open a file…'))),
  );
  return {rows, text, file, read};
}

/** Create the choice of a column for each role. @returns {Map<'x' | 'y' | 'label', HTMLSelectElement>} */
function createRoles() {
  return new Map(
    ROLES.map(([role, name]) => {
      const title = `The column that is the ${name === 'class' ? 'class' : `${name} axis`}.`;
      return [role, /** @type {HTMLSelectElement} */ (make('select', {title}))];
    }),
  );
}

/** Create the choices of how a table is read. */
function createReading() {
  const separator = make(
    'select',
    {title: 'The character between two cells of a row.'},
    option('', 'Recognised separator'),
    ...SEPARATORS.map((each, i) => option(each, SEPARATOR_NAMES[i])),
  );
  const way = make(
    'select',
    {title: 'The decimal sign, and the sign that groups thousands.'},
    option('', 'as recognised'),
    ...WAYS.map(([value, sample]) => option(value, sample)),
  );
  const encoding = make(
    'select',
    {title: 'The encoding of the file’s letters.'},
    ...ENCODINGS.map(([value, name]) => option(value, name)),
  );
  const header = make('input', {type: 'checkbox', title: 'The first row names the columns; it is not a point.'});
  const encodingField = field('Letters', encoding);
  const details = make(
    'details',
    {},
    make('summary', {title: 'Separator, header, numbers, and letters.'}, 'How it is read'),
    make('div', {class: 'roles'}, field('Separator', separator), field('Numbers', way), encodingField),
    make('label', {class: 'check'}, header, ' The first row holds names'),
  );
  return {details, separator, way, encoding, encodingField, header};
}

/**
 * @param {ReturnType<typeof createParts>} parts @param {Table} table @param {Choice} choice @param {string | null}
 *   encodingNow the encoding of a file
 */
function drawChoices({chosen, roles, separator, way, encoding, encodingField, header}, table, choice, encodingNow) {
  chosen.hidden = table.columns.length === 0;
  for (const [role, select] of roles) {
    const now = table.chosen[role];
    const options =
      role === 'label' ? table.columns : table.columns.filter((column) => column.numeric || column === now);
    select.replaceChildren(
      ...options.map((column) =>
        make('option', {value: column.place}, cleanName(column.name) || `column ${column.place + 1}`),
      ),
    );
    select.value = String(now?.place ?? '');
    select.dataset.place = select.value;
  }
  separator.value = choice.separator ?? table.separator;
  way.value = choice.way ?? '';
  header.checked = table.header;
  encodingField.hidden = encodingNow === null;
  if (encodingNow && ![...encoding.options].some(({value}) => value === encodingNow))
    encoding.append(make('option', {value: encodingNow}, encodingNow.toUpperCase()));
  if (encodingNow) encoding.value = encodingNow;
}

/** Draw the first rows, with the columns that are used marked. @param {HTMLElement} root @param {Table} table */
function drawPreview(root, {columns, chosen, head, header}) {
  const roleOf = (/** @type {import('./columns.js').Column} */ column) =>
    ROLES.find(([role]) => chosen[role] === column)?.[1] ?? '';
  const heads = columns.map((column) =>
    make(
      'th',
      {scope: 'col', 'data-role': roleOf(column)},
      ...(roleOf(column) ? [make('small', {}, roleOf(column))] : []),
      header ? cleanName(column.name) || '·' : `column ${column.place + 1}`,
    ),
  );
  const rows = head.map(({line, cells}) =>
    make(
      'tr',
      {},
      make('th', {scope: 'row', title: `Line ${line}`}, String(line)),
      ...columns.map((column) =>
        make('td', {'data-role': roleOf(column), class: column.numeric ? 'number' : ''}, cells[column.place] ?? ''),
      ),
    ),
  );
  root.toggleAttribute('data-many', columns.length > MOST_SIDE_BY_SIDE);
  root.replaceChildren(
    ...(columns.length > 0
      ? [
          make(
            'table',
            {},
            make('thead', {}, make('tr', {}, make('th', {scope: 'col', title: 'Line of the file'}, ''), ...heads)),
            make('tbody', {}, ...rows),
          ),
        ]
      : []),
  );
}

/**
 * Say what was read, what was not, and what one click can do about it.
 * @param {HTMLElement} root @param {Table} table @param {Choice} choice @param {(patch: Choice) => void} change
 */
function drawMessages(root, {data, notices, errors, doubt, alike, outliers}, choice, change) {
  root.dataset.kind = data ? 'read' : 'failed';
  const button = (/** @type {string} */ text, /** @type {string} */ title, /** @type {Choice} */ patch) => {
    const made = make('button', {type: 'button', title}, text);
    made.addEventListener('click', () => change(patch));
    return made;
  };
  /** @param {string} sentence @param {HTMLElement[]} ways */
  const createRemedy = (sentence, ...ways) => [
    make('p', {class: 'warn'}, sentence),
    make('div', {class: 'steps'}, ...ways),
  ];

  /** @type {HTMLElement[]} */
  const parts = [make('p', {}, make('b', {}, summaryOf(data, doubt)))];
  if (doubt) {
    const ways = WAYS.map(([way]) =>
      button(`${doubt} is ${numberIn(doubt, way)?.value}`, 'Reads all numbers of the table in this way.', {way}),
    );
    parts.push(make('p', {}, errors[0]), make('div', {class: 'steps'}, ...ways));
  }
  parts.push(...notices.map((notice) => make('p', {}, notice)));
  if (alike.length > 0) {
    const names = alike
      .slice(0, 4)
      .map((group) => group.map((name) => `“${name}”`).join(', '))
      .join('; ');
    parts.push(
      ...(choice.join
        ? createRemedy(`Joined: ${names}.`, button('Keep them apart', 'Each spelling is a class.', {join: false}))
        : createRemedy(
            `Labels that differ only in case, blanks or spelling: ${names}.`,
            button('Join them', 'Makes one class of labels that look the same.', {join: true}),
          )),
    );
  }
  if (outliers.length > 0) {
    parts.push(
      ...createRemedy(
        outliers.join(' '),
        choice.without
          ? button('Use them', 'Makes the rows part of the data again.', {without: false})
          : button('Leave them out', 'Leaves out the rows with such a value, which may mean that a value is missing.', {
              without: true,
            }),
      ),
    );
  }
  if (errors.length > 0 && !doubt) {
    if (data) parts.push(make('p', {class: 'warn'}, 'Left out, because they cannot be read:'));
    parts.push(make('ul', {}, ...errors.map((error) => make('li', {}, error))));
  }
  root.replaceChildren(...parts);
}

/** @param {Table['data']} data @param {string} doubt */
function summaryOf(data, doubt) {
  if (data) return `${countText(data.labels.length)} points in ${data.classes.length} classes.`;
  return doubt ? 'One question first.' : 'No dataset could be made of it.';
}
