/** AES-256-CBC and HMAC-SHA-256 by size, key known before the clock starts. */
import { pattern } from "./agree.js";
import { compare } from "./measure.js";
import { aesPeers, hmacPeers } from "./peers.js";

const sizes = [16, 64, 256, 300, 1024, 4096, 65536, 1048576];

/** Slow peers are left out where one call takes longer than a turn. */
const bySize = /** @type {Record<string, number>} */ ({ "crypto-js": 65536, "asmcrypto.js": 1048576 });

/** @param {number[]} [only] */
export async function primitives(only = sizes) {
  const aes = await aesPeers(pattern(32, 1), pattern(16, 2));
  const hmac = await hmacPeers(pattern(32, 3));
  const rows = [];
  for (const bytes of only) {
    const data = pattern(bytes, 4);
    const ciphertext = aes["ours"]?.encrypt(data);
    const fits = (/** @type {[string, unknown]} */ [name]) => bytes <= (bySize[name] ?? Number.POSITIVE_INFINITY);
    const candidates = (/** @type {"encrypt" | "decrypt"} */ direction) =>
      Object.entries(aes)
        .filter(fits)
        .map(([name, peer]) => {
          const input = direction === "encrypt" ? data : ciphertext;
          return { name, run: () => peer[direction](input), deferred: peer.deferred ?? false };
        });
    rows.push(await compare(`AES-256-CBC encrypt, ${bytes} B`, candidates("encrypt"), { bytes }));
    rows.push(await compare(`AES-256-CBC decrypt, ${bytes} B`, candidates("decrypt"), { bytes }));
    const macs = Object.entries(hmac)
      .filter(fits)
      .map(([name, peer]) => ({ name, run: () => peer.mac(data), deferred: peer.deferred ?? false }));
    rows.push(await compare(`HMAC-SHA-256, ${bytes} B`, macs, { bytes }));
  }
  return rows;
}
