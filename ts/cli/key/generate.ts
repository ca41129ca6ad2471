/** `viopay-pos key generate`: a fresh key from the platform's CSPRNG. */
import { loadCrypto } from "../../backend/select.js";
import { generateKey } from "../../core/keys/key.js";
import type { Io } from "../io.js";
import { Keys } from "../key-options.js";
import { ATTRIBUTE_ARGUMENTS, HEADER_OPTIONS, readWanted } from "../keyblock/header-options.js";
import { readOptions, withOptionValues } from "../options.js";
import { Sources } from "../sources.js";
import { printKey, wantsBlock } from "./result.js";

const USUAL_BITS = { AES: 256, TDES: 128, HMAC: 256 } as const;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readOptions(args, { bits: "text", kbpk: "text", expose: "flag", json: "flag", ...HEADER_OPTIONS });
  const wanted = readWanted(options);
  const bits = options.wholeNumber("bits", 1, 65_528) ?? USUAL_BITS[wanted.attributes.algorithm];
  const sources = new Sources(io);
  wantsBlock({ options, sources });
  const keys = new Keys(sources);
  await loadCrypto();
  try {
    const key = await withOptionValues({ ...ATTRIBUTE_ARGUMENTS, bits: "bits" }, () => {
      return keys.keep(generateKey({ ...wanted.attributes, bits, extractable: options.flag("expose") }));
    });
    await printKey(key, wanted, { options, sources, keys, io });
    return 0;
  } finally {
    keys.destroy();
  }
}
