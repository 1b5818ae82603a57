/**
 * This module finds the line between the classes: from the network's own logits, or from the stored probabilities as
 * exactly as they allow.
 */
/** @import {Seen} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {Numbers} from '../loading/npy.js' */

/**
 * @typedef {(places: Float64Array) => ArrayLike<number>} LogitsAt maps standardised inputs [N, 2] to the logits [K, N]
 *   of the network that is shown
 */
/**
 * @typedef {(i: number, j: number) => number} Crossing where the line crosses an edge (i, j) of the grid, as a share of
 *   the edge
 */

/** The number of steps that improve the place of an edge's zero. */
const SECANTS = 2;
/** The number of edges on either side that one parabola may follow; the largest is tried first. */
const REACHES = [20, 14, 10, 7, 5, 3];
/** A line runs between the grid's places, not through them, since each place is painted in one class. */
const INSIDE = 0.99;
/** How far beyond the bounds a parabola may run, in cells. */
const SLACK = 0.07;
/** If the probabilities determine a place more exactly than this, in cells, the place is taken from them alone. */
const SURE = 0.1;

/**
 * Find the line where the predicted class changes, as segments in grid units (x1, y1, x2, y2, …). The line crosses an
 * edge of the grid between two classes where their logits are equal (two steps of the regula falsi). Without the
 * network, it crosses where the stored probabilities put it.
 * @param {Run} run @param {Seen} seen @param {LogitsAt | null} [logitsAt] evaluates the network, as soon as it is
 *   available
 * @returns {number[]}
 */
export function findBorder(run, seen, logitsAt = null) {
  const classes = seen.predicted_class;
  const width = run.numbers('grid_x').length;
  const height = run.numbers('grid_y').length;
  const crossing = logitsAt
    ? findCrossings(run, classes, logitsAt)
    : seen.margin
      ? findMarginCrossings(seen.margin)
      : findStoredCrossings(seen, width, height);
  /** @type {number[]} */
  const segments = [];
  forEachCell(classes, width, height, (edges) => {
    joinEnds(
      edges.flatMap(([i, j]) => placeOn(i, j, crossing(i, j), width)),
      segments,
    );
  });
  return segments;
}

/**
 * Find where stored margins (differences of the two largest logits) put the line: where they would be 0 if they change
 * evenly along the edge. Byte k stands for 0.01 · 10000^(k / 255), so only the difference of two bytes matters.
 * @param {Numbers} margin @returns {Crossing}
 */
function findMarginCrossings(margin) {
  return (i, j) => {
    const share = 1 / (1 + 1e4 ** ((margin[j] - margin[i]) / 255));
    return Math.min(INSIDE, Math.max(1 - INSIDE, share));
  };
}

/**
 * Visit each cell that a line passes through, with its edges between two classes.
 * @param {Numbers} classes @param {number} width @param {number} height @param {(edges: [number, number][]) => void}
 *   visit
 */
function forEachCell(classes, width, height, visit) {
  for (let y = 0; y < height - 1; y++) {
    for (let x = 0; x < width - 1; x++) {
      const a = y * width + x;
      const [b, c, d] = [a + 1, a + width, a + width + 1];
      if (classes[a] === classes[b] && classes[a] === classes[c] && classes[a] === classes[d]) continue;
      const edges = /** @type {[number, number][]} */ ([
        [a, b],
        [b, d],
        [c, d],
        [a, c],
      ]);
      visit(edges.filter(([i, j]) => classes[i] !== classes[j]));
    }
  }
}

/**
 * Return the place at a share of an edge of the grid.
 * @param {number} i @param {number} j @param {number} share @param {number} width
 */
function placeOn(i, j, share, width) {
  const [x, y] = [i % width, Math.floor(i / width)];
  return j === i + 1 ? [x + share, y] : [x, y + share];
}

/**
 * Find where the stored probabilities put the line. They are stored in 256 steps at the grid's places, so the line's
 * place on an edge is known between two bounds. The bounds are close where probabilities change slowly; they span the
 * whole edge where the probabilities jump from one place to the next. There the line is the flattest parabola that
 * stays within the bounds of the neighbouring edges. The longest piece of the line that one parabola can follow
 * decides, so the line shows no steps of the grid.
 * @param {Seen} seen @param {number} width @param {number} height @returns {Crossing}
 */
function findStoredCrossings({predicted_class: classes, confidence}, width, height) {
  const line = collectLine(classes, confidence, width, height);
  const {at, shares} = line;
  const placed = shares.map((share, e) => (isExact(line, e) ? share : placeOnParabola(line, e)));
  return (i, j) => placed[at[2 * i + (j === i + 1 ? 0 : 1)]];
}

/** Find the place on an edge by a parabola through its neighbours. @param {Line} line @param {number} e */
const isExact = ({low, high}, e) => high[e] - low[e] <= SURE;

/** @typedef {ReturnType<typeof collectLine>} Line */

/** Find the place on an edge by a parabola through its neighbours. @param {Line} line @param {number} e */
function placeOnParabola(line, e) {
  const [back, on] = [followLine(line, e, 0), followLine(line, e, 1)];
  const {next, reached} = line;
  // If a neighbour's parabola failed at some length, this edge's parabola can succeed at most at the next longer one.
  const first = Math.max(0, ...next[e].map((f) => (f < 0 ? 0 : reached[f] - 1)));
  for (let n = first; n < REACHES.length; n++) {
    const size = REACHES[n];
    const piece = [...back.slice(0, size).reverse(), e, ...on.slice(0, size)];
    if (piece.length < 4) break;
    const shift = shiftToParabola(line, piece, Math.min(size, back.length));
    if (shift === null) continue;
    reached[e] = n;
    return Math.min(line.high[e], Math.max(line.low[e], line.shares[e] + shift));
  }
  reached[e] = REACHES.length;
  return line.shares[e];
}

/** Collect the edges that follow in one direction. @param {Line} line @param {number} e @param {number} way */
function followLine({next}, e, way) {
  const found = [];
  let [before, now] = [e, next[e][way]];
  while (now >= 0 && now !== e && found.length < REACHES[0]) {
    found.push(now);
    [before, now] = [now, next[now][0] === before ? next[now][1] : next[now][0]];
  }
  return found;
}

/**
 * Compute how far a piece's own place must move along its edge to lie on the parabola that fits the piece. The result
 * is null if that parabola leaves the bounds of any edge.
 * @param {Line} line @param {number[]} piece edges in their order @param {number} own the index of the edge in it
 */
function shiftToParabola({shares, low, high, along, base}, piece, own) {
  const places = piece.map((e) => [
    base[0][e] + (along[e] === 0 ? shares[e] : 0),
    base[1][e] + (along[e] === 1 ? shares[e] : 0),
  ]);
  const [from, to] = [places[0], places[places.length - 1]];
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  if (length < 1) return null;
  const [cx, cy] = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
  const [u, v] = [
    places.map(([x, y]) => (x - from[0]) * cx + (y - from[1]) * cy),
    places.map(([x, y]) => (y - from[1]) * cx - (x - from[0]) * cy),
  ];
  const weights = piece.map((e) => 1 / (0.05 + high[e] - low[e]) ** 2);
  const [a, b, c] = fitParabola(u, v, weights);
  let found = 0;
  for (let k = 0; k < piece.length; k++) {
    const e = piece[k];
    const [du, dv] = along[e] === 0 ? [cx, -cy] : [cy, cx];
    const across = dv - (b + 2 * c * u[k]) * du; // This is how far a step along the edge leads away from the parabola.
    const shift = (a + u[k] * (b + c * u[k]) - v[k]) / across;
    const beyond = Math.max(low[e] - shares[e] - shift, shares[e] + shift - high[e]);
    if (!(beyond * Math.abs(across) < SLACK)) return null;
    if (k === own) found = shift;
  }
  return found;
}

/**
 * Fit v = a + b u + c u² by weighted least squares.
 * @param {number[]} u @param {number[]} v @param {number[]} weights
 */
function fitParabola(u, v, weights) {
  let [s0, s1, s2, s3, s4, r0, r1, r2] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let k = 0; k < u.length; k++) {
    const [w, t] = [weights[k], u[k]];
    const [wt, wtt] = [w * t, w * t * t];
    s0 += w;
    s1 += wt;
    s2 += wtt;
    s3 += wtt * t;
    s4 += wtt * t * t;
    r0 += w * v[k];
    r1 += wt * v[k];
    r2 += wtt * v[k];
  }
  // This is Cramer's rule with the cofactors of the first row.
  const [a, b, c] = [s2 * s4 - s3 * s3, s2 * s3 - s1 * s4, s1 * s3 - s2 * s2];
  const [d, e, f] = [s0 * s4 - s2 * s2, s1 * s2 - s0 * s3, s0 * s2 - s1 * s1];
  const whole = s0 * a + s1 * b + s2 * c;
  return [(a * r0 + b * r1 + c * r2) / whole, (b * r0 + d * r1 + e * r2) / whole, (c * r0 + e * r1 + f * r2) / whole];
}

/**
 * Collect the edges that the lines cross: the bounds of each crossing, as shares of the edge, and the edges before and
 * after it.
 * @param {Numbers} classes @param {Numbers} confidence @param {number} width @param {number} height
 */
function collectLine(classes, confidence, width, height) {
  // The first number of each pair is for the edge to the right of a place, the second for the edge upwards.
  const at = new Int32Array(2 * classes.length).fill(-1);
  /** @type {Record<'shares' | 'low' | 'high' | 'along', number[]>} */
  const {shares, low, high, along} = {shares: [], low: [], high: [], along: []};
  /** @type {[number[], number[]]} */
  const base = [[], []];
  /** @type {[number, number][]} */
  const next = [];
  /** @param {[number, number]} edge */
  const numberOf = ([i, j]) => {
    const axis = j === i + 1 ? 0 : 1;
    const known = at[2 * i + axis];
    if (known >= 0) return known;
    const e = shares.length;
    at[2 * i + axis] = e;
    const [least, most] = findBounds(classes, confidence, i, j, width);
    low.push(least);
    high.push(most);
    shares.push(LIKELY[confidence[i]] / (LIKELY[confidence[i]] + LIKELY[confidence[j]]));
    along.push(axis);
    base[0].push(i % width);
    base[1].push(Math.floor(i / width));
    next.push([-1, -1]);
    return e;
  };
  forEachCell(classes, width, height, (edges) => {
    const numbers = edges.map(numberOf);
    if (numbers.length !== 2) return;
    const [e, f] = numbers;
    next[e][next[e][0] < 0 ? 0 : 1] = f;
    next[f][next[f][0] < 0 ? 0 : 1] = e;
  });
  /** The index of the entry of REACHES that was used; −1: none was tried. */
  const reached = new Int8Array(shares.length).fill(-1);
  return {at, shares, low, high, along, base, next, reached};
}

/**
 * A probability stored as a byte leaves a range of margins (differences of logits): the least, the greatest and the
 * most likely one.
 */
const [LEAST, MOST, LIKELY] = [-0.5, 0.5, 0].map((off) =>
  Float64Array.from({length: 256}, (_, byte) => {
    const share = (byte + off) / 255;
    if (off > 0) return byte === 255 ? Infinity : Math.max(0, Math.log(share / (1 - share)));
    return share <= 0.5 ? 0.002 * (off + 0.5) : Math.log(share / (1 + 0.25 / 255 - share));
  }),
);

/**
 * Find the bounds, as shares of an edge, between which the line crosses it: where the logits are equal if they change
 * evenly along the edge, and where the changes on either side predict it. The two differ where the probability changes
 * faster than the grid resolves.
 * @param {Numbers} classes @param {Numbers} confidence @param {number} i @param {number} j the edge (i, j)
 * @param {number} width
 */
function findBounds(classes, confidence, i, j, width) {
  const [here, there] = [confidence[i], confidence[j]];
  const share = (/** @type {number} */ over, /** @type {number} */ under) =>
    over === Infinity ? 1 : over + under > 0 ? over / (over + under) : 0.5;
  const [from, to] = [
    extrapolate(classes, confidence, i, i - (j - i), width),
    extrapolate(classes, confidence, j, j + (j - i), width),
  ];
  const shares = [from, 1 - to].filter((value) => !Number.isNaN(value));
  return [
    Math.max(1 - INSIDE, Math.min(share(LEAST[here], MOST[there]), ...shares)),
    Math.min(INSIDE, Math.max(share(MOST[here], LEAST[there]), ...shares)),
  ];
}

/**
 * Extrapolate how far the line is from a place, in cells (at most 1), if the margin keeps falling as it did from the
 * place before.
 * @param {Numbers} classes @param {Numbers} confidence @param {number} at @param {number} before @param {number} width
 */
function extrapolate(classes, confidence, at, before, width) {
  const isThere =
    before >= 0 &&
    before < classes.length &&
    (Math.abs(at - before) > 1 || Math.floor(at / width) === Math.floor(before / width));
  if (!isThere || classes[before] !== classes[at]) return NaN;
  const fall = LEAST[confidence[before]] - LEAST[confidence[at]];
  return fall > 0 ? Math.min(1, LEAST[confidence[at]] / fall) : 1;
}

/**
 * Find where the logits of an edge's two classes are equal, as a share of the edge. All edges are evaluated at once.
 * @param {Run} run @param {Numbers} classes @param {LogitsAt} logitsAt @returns {(i: number, j: number) => number}
 */
function findCrossings(run, classes, logitsAt) {
  const [gx, gy] = [run.numbers('grid_x'), run.numbers('grid_y')];
  const width = gx.length;
  /** @type {[number, number][]} */
  const edges = [];
  for (let i = 0; i < classes.length; i++) {
    if ((i + 1) % width && classes[i] !== classes[i + 1]) edges.push([i, i + 1]);
    if (i + width < classes.length && classes[i] !== classes[i + width]) edges.push([i, i + width]);
  }
  const place = (/** @type {number} */ i) => [gx[i % width], gy[Math.floor(i / width)]];
  /**
   * Compute how far each edge's first class is ahead of its second, at a share of the edge.
   * @param {Float64Array} shares
   */
  const marginsAt = (shares) => {
    const places = new Float64Array(2 * edges.length);
    edges.forEach(([i, j], e) => {
      const [from, to] = [place(i), place(j)];
      for (const axis of [0, 1]) places[2 * e + axis] = from[axis] + shares[e] * (to[axis] - from[axis]);
    });
    const logits = logitsAt(places);
    return edges.map(([i, j], e) => logits[classes[i] * edges.length + e] - logits[classes[j] * edges.length + e]);
  };
  const shares = findZeros(marginsAt, edges.length);
  const known = new Map(edges.map(([i, j], e) => [i * classes.length + j, shares[e]]));
  return (i, j) => known.get(i * classes.length + j) ?? 0.5;
}

/**
 * Find the zeros of many functions on [0, 1] that are positive at 0 and negative at 1, apart from rounding.
 * @param {(shares: Float64Array) => number[]} values @param {number} count
 */
function findZeros(values, count) {
  const [low, high] = [new Float64Array(count), new Float64Array(count).fill(1)];
  const [above, below] = [values(low), values(high)];
  const at = new Float64Array(count);
  for (let step = 0; step <= SECANTS; step++) {
    for (let e = 0; e < count; e++) {
      const [over, under] = [Math.max(0, above[e]), Math.max(0, -below[e])];
      at[e] = low[e] + (high[e] - low[e]) * (over + under > 0 ? over / (over + under) : 0.5);
    }
    if (step === SECANTS) break;
    values(at).forEach((value, e) => {
      if (value > 0) {
        low[e] = at[e];
        above[e] = value;
      } else {
        high[e] = at[e];
        below[e] = value;
      }
    });
  }
  return at;
}

/**
 * Join the ends in a cell: two ends form a segment; three or four (where classes meet) are joined to their middle.
 * @param {number[]} ends @param {number[]} segments
 */
function joinEnds(ends, segments) {
  if (ends.length === 4) {
    segments.push(...ends);
    return;
  }
  const n = ends.length / 2;
  let [mx, my] = [0, 0];
  for (let i = 0; i < n; i++) {
    mx += ends[2 * i] / n;
    my += ends[2 * i + 1] / n;
  }
  for (let i = 0; i < n; i++) segments.push(ends[2 * i], ends[2 * i + 1], mx, my);
}
