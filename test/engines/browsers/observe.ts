/** What an app sees of the library before and without `await loadCrypto()`, and of the engine: told to the driver, which judges it. */
import { wasm } from "../../../ts/backend/wasm/mvp.js";
import { backendInfo, importKey, type LoadOptions, loadCrypto, loadCryptoSync } from "../../../ts/index.js";

/** A tier's name where it worked, else `CODE: message` of the error. */
type Outcome = string;

export interface Facts {
  /** `WebAssembly.validate` of a module with a v128 in it; "absent" without WebAssembly. Does not ask the policy. */
  simd: boolean | "absent";
  /** Code from text is forbidden, which shows that the page has its policy. */
  evalForbidden: boolean;
  /** A key imported before anything was loaded. */
  firstUse: Outcome;
  loadSync: Outcome;
  loadSyncWasm: Outcome;
  loadSyncNoble: Outcome;
  constantTime: Outcome;
}

/** `(func (result v128) i32.const 0; i8x16.splat)`. */
const SIMD = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11);

/** Leaves the last backend that worked in use: whoever calls loads another one, or asks for `auto`. */
export async function observe(): Promise<Facts> {
  const absent = typeof WebAssembly !== "object";
  return {
    simd: absent ? "absent" : WebAssembly.validate(SIMD),
    evalForbidden: await outcome(() => String(new Function("return 1")())).then((text) => text !== "1"),
    firstUse: await outcome(() => {
      const key = importKey(new Uint8Array(16).fill(7), { algorithm: "AES", usage: "D0" });
      key.destroy();
      return backendInfo().name;
    }),
    loadSync: await outcome(() => loadCryptoSync().name),
    loadSyncWasm: await outcome(() => loadCryptoSync({ backend: wasm }).name),
    loadSyncNoble: await outcome(async () => {
      const { noble } = await import("../../../ts/backend/noble/noble.js");
      return loadCryptoSync({ backend: noble }).name;
    }),
    constantTime: await outcome(async () => (await loadCrypto({ requireConstantTime: true } satisfies LoadOptions)).name),
  };
}

async function outcome(body: () => string | Promise<string>): Promise<Outcome> {
  try {
    return await body();
  } catch (error) {
    const { code, name, message } = error as Error & { code?: string };
    return `${code ?? name}: ${message}`;
  }
}
