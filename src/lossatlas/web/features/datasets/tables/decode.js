/**
 * This module turns the bytes of a file into text, and refuses files that are not text, with their kind in the message.
 * The rules are in docs/tables.md, sections 1 and 2.
 */

/** The encodings that a person can choose: the name for TextDecoder and the name for people. */
export const ENCODINGS = [
  ['utf-8', 'UTF-8'],
  ['utf-16le', 'UTF-16'],
  ['windows-1252', 'Windows-1252 (Western)'],
  ['iso-8859-2', 'Latin 2 (Central European)'],
  ['windows-1251', 'Windows-1251 (Cyrillic)'],
  ['shift_jis', 'Shift JIS'],
  ['gb18030', 'GB 18030'],
  ['euc-kr', 'EUC-KR'],
];

/** The first bytes of each kind of file, what it is, and what to do. @type {[number[], string][]} */
const BINARY = [
  [
    [0x50, 0x4b, 3, 4],
    'This is a spreadsheet (or another ZIP archive), not text. In the spreadsheet program choose “Save as” and ' +
      'CSV, then open that file.',
  ],
  [
    [0xd0, 0xcf, 0x11, 0xe0],
    'This is a spreadsheet of the old kind (.xls), not text. In the spreadsheet program choose “Save as” and ' +
      'CSV, then open that file.',
  ],
  [
    [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59],
    'This is an array of NumPy, not text. In Python: numpy.savetxt("points.csv", array, delimiter=","), then ' +
      'open points.csv.',
  ],
  [[0x1f, 0x8b], 'This is compressed (gzip). Decompress it, then open the file that comes out.'],
  [[0x25, 0x50, 0x44, 0x46], 'This is a PDF, not a table. Copy the table into a spreadsheet and save it as CSV.'],
  [
    [0x50, 0x41, 0x52, 0x31],
    'This is a Parquet file, not text. In Python: pandas.read_parquet("…").to_csv("points.csv", index=False), ' +
      'then open points.csv.',
  ],
];
const PROBE = 64;

/**
 * Decode a file.
 * @param {Uint8Array} bytes @param {string | null} [chosen] an encoding, instead of the recognised one
 * @returns {{text: string, encoding: string, guessed: boolean, problem: string}} `guessed`: nothing in the file names
 *   the encoding; `problem`: why the file is not read, or empty
 */
export function decodeBytes(bytes, chosen = null) {
  const found = BINARY.find(([start]) => start.every((byte, i) => bytes[i] === byte));
  if (found) return {text: '', encoding: '', guessed: false, problem: found[1]};
  const encoding = chosen ?? encodingOf(bytes);
  if (!encoding)
    return {
      text: '',
      encoding: '',
      guessed: false,
      problem: 'This file is not text. Save the table as CSV, then open that file.',
    };
  return {
    text: new TextDecoder(encoding).decode(bytes),
    encoding,
    guessed: !chosen && encoding === 'windows-1252',
    problem: '',
  };
}

/** @param {Uint8Array} bytes @returns {string | null} null if the file is not text */
function encodingOf(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const start = bytes.subarray(0, PROBE);
  const zero = (/** @type {number} */ odd) =>
    start.length > 3 && start.every((byte, i) => (byte === 0) === (i % 2 === odd));
  if (zero(1)) return 'utf-16le';
  if (zero(0)) return 'utf-16be';
  if (bytes.includes(0)) return null;
  try {
    new TextDecoder('utf-8', {fatal: true}).decode(bytes);
    return 'utf-8';
  } catch {
    return 'windows-1252';
  }
}

/** Say what a text is that is not a table of rows, and what to do; empty if it may be a table. @param {string} text */
export function refusalOf(text) {
  const lines = text
    .slice(0, 20_000)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(0, 40);
  if (lines.length === 0) return 'There is nothing to read: paste some rows with two numbers and a label each.';
  const [first, second = ''] = lines;
  if (/^[[{]/.test(first))
    return (
      'This is JSON, not a table of rows. In Python: pandas.read_json("…").to_csv("points.csv", ' +
      'index=False), then open points.csv.'
    );
  if (/^[|\-: ]+$/.test(second) && second.includes('---') && second.includes('|'))
    return (
      'This is a table in Markdown. Delete the line of dashes under its head: what is left is read as ' +
      'columns between “|”.'
    );
  if (first.startsWith('<'))
    return 'This is HTML or XML. Open the page, copy the table from it, and paste it into a spreadsheet or here.';
  if (/^@relation\b/i.test(first))
    return 'This is an ARFF file. Delete everything down to the line “@data”: what is left is read as a table.';
  const sparse = lines.filter((line) => /^\S+(\s+\d+:[^\s:]+)+$/.test(line)).length;
  if (2 * sparse > lines.length)
    return (
      'These are rows of libsvm (label index:value …). In Python: sklearn.datasets.load_svmlight_file ' +
      'reads them; write two columns and the label as CSV, then open that file.'
    );
  return '';
}
