/** Encoded pictures → a WebM file (a subset of Matroska, RFC 9559): one video track, its length and where its clusters are told. */
import {join} from './npz.js';

/** @typedef {{data: Uint8Array, time: number, key: boolean}} Picture `time` in whole milliseconds; `key`: does it stand for itself? */

/** @param {{pictures: Picture[], codec: 'V_VP8' | 'V_VP9', width: number, height: number, duration: number}} video `duration` in milliseconds */
export function webm({pictures, codec, width, height, duration}) {
  const clusters = clustersOf(pictures).map((group) => ({
    time: group[0].time,
    bytes: element(0x1f43b675, uint(0xe7, group[0].time), ...group.map((picture) => block(picture, group[0].time))),
  }));
  const info = element(
    0x1549a966,
    uint(0x2ad7b1, 1_000_000),
    text(0x4d80, 'Loss Atlas'),
    text(0x5741, 'Loss Atlas'),
    element(0x4489, float(duration)),
  );
  const tracks = element(
    0x1654ae6b,
    element(
      0xae,
      uint(0xd7, 1),
      uint(0x73c5, 1),
      uint(0x83, 1),
      text(0x86, codec),
      element(0xe0, uint(0xb0, width), uint(0xba, height)),
    ),
  );
  /** @param {number} first where the clusters begin, from the segment's start */
  const cues = (first) => {
    let at = first;
    return element(
      0x1c53bb6b,
      ...clusters.map(({time, bytes}) => {
        const point = element(0xbb, uint(0xb3, time), element(0xb7, uint(0xf7, 1), uint(0xf1, at)));
        at += bytes.length;
        return point;
      }),
    );
  };
  const before = info.length + tracks.length + cues(0).length; // numbers have one length, so the cues' own is known
  const head = element(
    0x1a45dfa3,
    uint(0x4286, 1),
    uint(0x42f7, 1),
    uint(0x42f2, 4),
    uint(0x42f3, 8),
    text(0x4282, 'webm'),
    uint(0x4287, 4),
    uint(0x4285, 2),
  );
  return join([head, element(0x18538067, info, tracks, cues(before), ...clusters.map(({bytes}) => bytes))]);
}

/** A cluster begins with a picture that stands for itself. @param {Picture[]} pictures */
function clustersOf(pictures) {
  /** @type {Picture[][]} */
  const groups = [];
  for (const picture of pictures) {
    if (picture.key || groups.length === 0) groups.push([]);
    groups[groups.length - 1].push(picture);
  }
  return groups;
}

/** @param {Picture} picture @param {number} start of its cluster */
function block({data, time, key}, start) {
  const head = new Uint8Array([0x81, 0, 0, key ? 0x80 : 0]);
  new DataView(head.buffer).setInt16(1, time - start);
  return element(0xa3, head, data);
}

/** @param {number} id @param {Uint8Array[]} content */
function element(id, ...content) {
  const size = content.reduce((sum, {length}) => sum + length, 0);
  const head = new Uint8Array(4 + 8);
  const view = new DataView(head.buffer);
  view.setUint32(0, id);
  const bytes = id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1;
  view.setBigUint64(4, 0x0100000000000000n | BigInt(size));
  return join([head.subarray(4 - bytes), ...content]);
}

/** @param {number} id @param {number} value */
function uint(id, value) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return element(id, bytes);
}

/** @param {number} value */
function float(value) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}

/** @param {number} id @param {string} value */
function text(id, value) {
  return element(id, new TextEncoder().encode(value));
}
