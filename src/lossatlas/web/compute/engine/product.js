/** This module multiplies matrices in float64. Apart from the activations, training spends its time here. */

/**
 * A matrix inside an array. Its number (r, c) is `values[start + r * row + c * column]`.
 * @typedef {{values: Float64Array, start: number, row: number, column: number}} Matrix
 */

/**
 * Describe rows of `width` numbers that follow each other.
 * @param {Float64Array} values @param {number} start @param {number} width @returns {Matrix}
 */
export function matrix(values, start, width) {
  return {values, start, row: width, column: 1};
}

/** Describe the same numbers with rows and columns exchanged. @param {Matrix} matrix @returns {Matrix} */
export function transpose({values, start, row, column}) {
  return {values, start, row: column, column: row};
}

/**
 * Add a product: out += a b, with a [rows, inner] and b [inner, columns]. Four rows and two columns are computed at a
 * time: their eight sums and six factors stay in the processor's registers.
 * @param {Matrix} out @param {Matrix} a @param {Matrix} b @param {number} rows @param {number} inner @param {number}
 *   columns
 */
export function addProduct(out, a, b, rows, inner, columns) {
  const [x, y, z] = [a.values, b.values, out.values];
  const {row: aRow, column: aStep} = a;
  const {row: bStep, column: bColumn} = b;
  const {row: outRow, column: outColumn} = out;
  const [wholeRows, wholeColumns] = [rows - (rows % 4), columns - (columns % 2)];
  for (let r = 0; r < wholeRows; r += 4) {
    for (let c = 0; c < wholeColumns; c += 2) {
      let [at0, from0] = [a.start + r * aRow, b.start + c * bColumn];
      let s00 = 0,
        s01 = 0,
        s10 = 0,
        s11 = 0,
        s20 = 0,
        s21 = 0,
        s30 = 0,
        s31 = 0;
      for (let k = 0; k < inner; k++) {
        const y0 = y[from0],
          y1 = y[from0 + bColumn];
        const x0 = x[at0],
          x1 = x[at0 + aRow],
          x2 = x[at0 + 2 * aRow],
          x3 = x[at0 + 3 * aRow];
        s00 += x0 * y0;
        s01 += x0 * y1;
        s10 += x1 * y0;
        s11 += x1 * y1;
        s20 += x2 * y0;
        s21 += x2 * y1;
        s30 += x3 * y0;
        s31 += x3 * y1;
        at0 += aStep;
        from0 += bStep;
      }
      const o = out.start + r * outRow + c * outColumn;
      z[o] += s00;
      z[o + outColumn] += s01;
      z[o + outRow] += s10;
      z[o + outRow + outColumn] += s11;
      z[o + 2 * outRow] += s20;
      z[o + 2 * outRow + outColumn] += s21;
      z[o + 3 * outRow] += s30;
      z[o + 3 * outRow + outColumn] += s31;
    }
  }
  addCorner(out, a, b, 0, wholeRows, inner, wholeColumns, columns);
  addCorner(out, a, b, wholeRows, rows, inner, 0, columns);
}

/**
 * Do the same for some rows and some columns, one number at a time.
 * @param {Matrix} out @param {Matrix} a @param {Matrix} b @param {number} firstRow @param {number} rows @param {number}
 *   inner
 * @param {number} firstColumn @param {number} columns
 */
function addCorner(out, a, b, firstRow, rows, inner, firstColumn, columns) {
  const [x, y, z] = [a.values, b.values, out.values];
  for (let r = firstRow; r < rows; r++) {
    for (let c = firstColumn; c < columns; c++) {
      let sum = 0;
      for (let k = 0, i = a.start + r * a.row, j = b.start + c * b.column; k < inner; k++, i += a.column, j += b.row)
        sum += x[i] * y[j];
      z[out.start + r * out.row + c * out.column] += sum;
    }
  }
}
