/** What `key generate` and `key combine` give out: a block under a KBPK, and the clear key only with `--expose`. */
import { wrapKeyBlock } from "../../core/key-block/wrap.js";
import type { SecretKey } from "../../core/keys/key.js";
import { checkValueOf, checkValueWithMethod, clearKey } from "../clear-key.js";
import type { Io } from "../io.js";
import type { Keys } from "../key-options.js";
import { optionalBlockArguments, type Wanted } from "../keyblock/header-options.js";
import { readKbpk } from "../keyblock/kbpk.js";
import { type Options, usageError, withOptionValues } from "../options.js";
import type { Sources } from "../sources.js";

export interface Surroundings {
  readonly options: Options;
  readonly sources: Sources;
  readonly keys: Keys;
  readonly io: Io;
}

/** Before anything is asked or made: there must be a way out for the key. Whether the key comes out as a block. */
export function wantsBlock({ options, sources }: Pick<Surroundings, "options" | "sources">): boolean {
  if (options.text("kbpk") !== undefined) return true;
  if (options.flag("expose")) return false;
  if (!sources.interactive)
    throw usageError("--kbpk is missing: a key comes out as a block under a KBPK, or in clear with --expose");
  return true;
}

/** Prints the key; `facts` are further members of the JSON line. */
export async function printKey(key: SecretKey, wanted: Wanted, around: Surroundings, facts: object = {}): Promise<void> {
  const { options, io } = around;
  const block = wantsBlock(around) ? await wrapped(key, wanted, around) : undefined;
  const clear = options.flag("expose") ? clearKey(key) : undefined;
  const kcv = checkValueOf(key);
  if (options.flag("json")) {
    const { algorithm, bits } = key;
    io.out(`${JSON.stringify({ block, key: clear, algorithm, bits, kcv, ...facts })}\n`);
    return;
  }
  for (const text of [block, clear]) if (text !== undefined) io.out(`${text}\n`);
  io.err(`check value of the key: ${checkValueWithMethod(key)}\n`);
}

async function wrapped(key: SecretKey, { header }: Wanted, { options, keys }: Surroundings): Promise<string> {
  const kbpk = await readKbpk(keys, "kbpk", options.text("kbpk"), header.version);
  return await withOptionValues(optionalBlockArguments(options, header.optionalBlocks), () => wrapKeyBlock(kbpk, key, header));
}
