/** `viopay-pos keyblock wrap`: a key that is in a file or typed, as a block under a KBPK. */
import { loadCrypto } from "../../backend/select.js";
import type { Io } from "../io.js";
import { Keys } from "../key-options.js";
import { readOptions, withOptionValues } from "../options.js";
import { Sources } from "../sources.js";
import { ATTRIBUTE_ARGUMENTS, HEADER_OPTIONS, printWrapped, readWanted } from "./header-options.js";

export async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readOptions(args, { kbpk: "text", key: "text", json: "flag", ...HEADER_OPTIONS });
  const wanted = readWanted(options);
  const keys = new Keys(new Sources(io));
  await loadCrypto();
  try {
    const key = await withOptionValues(ATTRIBUTE_ARGUMENTS, () => keys.read("key", options.text("key"), wanted.attributes));
    await printWrapped(key, wanted, { options, keys, io });
    return 0;
  } finally {
    keys.destroy();
  }
}
