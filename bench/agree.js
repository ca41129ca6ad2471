/**
 * Before anything is timed: all libraries must give equal results for equal work. A library that differs is a mistake in the
 * comparison, and the benchmark stops.
 */
import { aesPeers, hmacPeers } from "./peers.js";

/** @param {string} what @param {Uint8Array} expected @param {Uint8Array} actual */
function demandEqual(what, expected, actual) {
  if (Buffer.compare(Buffer.from(expected), Buffer.from(actual)) !== 0) throw new Error(`${what} differs from ours`);
}

/** @returns {Promise<number>} how many results were compared */
export async function agree() {
  let compared = 0;
  const iv = pattern(16, 3);
  for (const size of [16, 24, 32]) {
    const { ours, ...others } = await aesPeers(pattern(size, 1), iv);
    if (ours === undefined) throw new Error("ours is missing");
    for (const length of [0, 1, 15, 16, 64, 300, 5000]) {
      const data = pattern(length, 7);
      const ciphertext = ours.encrypt(data);
      demandEqual("our own round trip", data, ours.decrypt(ciphertext));
      for (const [name, peer] of Object.entries(others)) {
        demandEqual(`${name}: AES-${size * 8}-CBC of ${length} bytes`, ciphertext, await peer.encrypt(data));
        demandEqual(`${name}: AES-${size * 8}-CBC back to ${length} bytes`, data, await peer.decrypt(ciphertext));
        compared += 2;
      }
    }
  }
  const { ours, ...others } = await hmacPeers(pattern(32, 5));
  for (const length of [0, 1, 55, 56, 64, 300, 5000]) {
    const expected = ours?.mac(pattern(length, 9));
    for (const [name, peer] of Object.entries(others)) {
      demandEqual(`${name}: HMAC of ${length} bytes`, expected, await peer.mac(pattern(length, 9)));
      compared++;
    }
  }
  return compared;
}

/**
 * Bytes without a visible pattern, the same in every run.
 * @param {number} length
 * @param {number} seed
 */
export function pattern(length, seed) {
  const bytes = new Uint8Array(length);
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}
