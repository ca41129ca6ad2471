/**
 * SHA-1 (FIPS 180-4 clause 6.1) over public data: the checksums of certification authority keys (EMV Book 2, 11.1), which have
 * no other use here. Core offers none on purpose. Not for secrets, and not for anything that must resist collisions.
 */

const INITIAL = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0] as const;

/** 20 bytes. */
export function sha1(message: Uint8Array): Uint8Array {
  const blocks = (message.length + 72) >>> 6;
  const padded = new Uint8Array(64 * blocks);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 0x20000000));
  view.setUint32(padded.length - 4, message.length << 3);
  const state = Int32Array.from(INITIAL);
  for (let at = 0; at < padded.length; at += 64) compress(state, view, at);
  const digest = new Uint8Array(20);
  const out = new DataView(digest.buffer);
  for (const [index, word] of state.entries()) out.setInt32(4 * index, word);
  return digest;
}

/** Clause 6.1.2. */
function compress(state: Int32Array, data: DataView, at: number): void {
  const schedule = new Int32Array(80);
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
  for (let t = 0; t < 80; t++) {
    const word = (back: number): number => schedule[t - back] as number;
    schedule[t] = t < 16 ? data.getInt32(at + 4 * t) : rotate(word(3) ^ word(8) ^ word(14) ^ word(16), 1);
    const next = (rotate(a, 5) + step(t, b, c, d) + e + word(0)) | 0;
    [e, d, c, b, a] = [d, c, rotate(b, 30), a, next];
  }
  for (const [index, word] of [a, b, c, d, e].entries()) state[index] = (state[index] as number) + word;
}

/** Clauses 4.1.1 and 4.2.1: f and K of the twenty steps that `t` lies in. */
function step(t: number, b: number, c: number, d: number): number {
  if (t < 20) return ((b & c) ^ (~b & d)) + 0x5a827999;
  if (t < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (t < 60) return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
