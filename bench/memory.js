/** Memory: what the process holds once everything is loaded, and that 8 MiB in eight calls leave the module's own memory as it was. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as pos from "viopay-pos-crypto";
import { pattern } from "./agree.js";

/** Loads the module anew and keeps hold of its memory. @returns {Promise<WebAssembly.Memory>} */
async function loadedMemory() {
  const file = fileURLToPath(import.meta.resolve("viopay-pos-crypto/viopay-pos-crypto.simd.wasm"));
  const module = await WebAssembly.compile(readFileSync(file));
  const { instantiate } = WebAssembly;
  /** @type {WebAssembly.Instance | undefined} */
  let instance;
  try {
    /** @type {any} */ (WebAssembly).instantiate = async (/** @type {WebAssembly.Module} */ compiled) => {
      instance = await instantiate(compiled, {});
      return instance;
    };
    await pos.loadCrypto({ module });
  } finally {
    WebAssembly.instantiate = instantiate;
  }
  if (instance === undefined) throw new Error("the library did not instantiate the module");
  return /** @type {WebAssembly.Memory} */ (instance.exports["memory"]);
}

/** @returns {Promise<Record<string, number>>} bytes */
export async function memory() {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const linear = await loadedMemory();
  const key = pos.importKey(pattern(32, 1), { algorithm: "AES", usage: "D0" });
  const before = linear.buffer.byteLength;
  for (let i = 0; i < 8; i++) pos.aesCbcEncrypt(key, pattern(16, 2), pattern(1 << 20, 3), { padding: "pkcs7" });
  const after = linear.buffer.byteLength;
  if (after !== before) throw new Error(`the module's memory grew from ${before} to ${after} bytes`);
  return { "heap used": heapUsed, "array buffers": arrayBuffers, "linear memory, before and after 8 MiB": after };
}
