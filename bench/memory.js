/** Memory: what the module holds, and that a megabyte through an envelope leaves it as it was. */
import * as pos from "viopay-pos-crypto";
import { pattern } from "./agree.js";

/** @returns {Record<string, number>} bytes */
export function memory() {
  const key = pos.importKey(pattern(32, 1), { algorithm: "AES", usage: "D0" });
  pos.openEnvelope(key, pos.sealEnvelope(key, { warm: true }));
  const before = process.memoryUsage();
  for (let i = 0; i < 8; i++) pos.aesCbcEncrypt(key, pattern(16, 2), pattern(1 << 20, 3), { padding: "pkcs7" });
  globalThis.gc?.();
  const after = process.memoryUsage();
  return {
    "heap used": before.heapUsed,
    "array buffers": before.arrayBuffers,
    "growth of array buffers after 8 MiB": Math.max(0, after.arrayBuffers - before.arrayBuffers),
  };
}
