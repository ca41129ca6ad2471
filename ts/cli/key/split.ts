/** `viopay-pos key split`: components of a key, each with its check value. They are clear: nothing comes out without `--expose`. */
import { loadCrypto } from "../../backend/select.js";
import { encodeHex, wipe } from "../../base/bytes.js";
import { parseKeyBlock } from "../../core/key-block/header.js";
import { unwrapKeyBlock } from "../../core/key-block/unwrap.js";
import { HASH_NAMES } from "../../core/keys/attributes.js";
import type { SecretKey } from "../../core/keys/key.js";
import { splitKey } from "../../core/keys/split.js";
import { checkValueOf, checkValueWithMethod } from "../clear-key.js";
import type { Io } from "../io.js";
import { Keys } from "../key-options.js";
import { MOST_GROUPS, readBlock } from "../keyblock/block-input.js";
import { readKbpk } from "../keyblock/kbpk.js";
import { type Options, readOptions, usageError } from "../options.js";
import { Sources } from "../sources.js";

const TABLE = {
  key: "text",
  kbpk: "text",
  algorithm: "text",
  hash: "text",
  count: "text",
  expose: "flag",
  json: "flag",
} as const;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readOptions(args, TABLE, MOST_GROUPS);
  if (!options.flag("expose")) throw usageError("--expose is missing: components are printed in clear");
  const count = options.wholeNumber("count", 2, 9) ?? 3;
  const sources = new Sources(io);
  const keys = new Keys(sources);
  const isBlock = options.positionals.length > 0 || options.text("kbpk") !== undefined;
  if (isBlock && options.text("key") !== undefined) throw usageError("--key and a block are two keys: give one");
  const readKey = isBlock ? fromBlock(await readBlock(options, sources, io), options) : clear(options);
  await loadCrypto();
  try {
    const key = await readKey(keys);
    const parts = splitKey(key, count).map(({ component, kcv }) => {
      const digits = encodeHex(component);
      wipe(component);
      return { component: digits, kcv };
    });
    const { algorithm, bits } = key;
    if (options.flag("json")) {
      io.out(`${JSON.stringify({ algorithm, bits, kcv: checkValueOf(key), components: parts })}\n`);
    } else {
      for (const [i, { component, kcv }] of parts.entries()) io.out(`component ${i + 1}  ${component}  check value ${kcv}\n`);
      io.err(`check value of the key: ${checkValueWithMethod(key)}\n`);
    }
    return 0;
  } finally {
    keys.destroy();
  }
}

function fromBlock(block: string, options: Options): (keys: Keys) => Promise<SecretKey> {
  const { version } = parseKeyBlock(block);
  return async (keys) => {
    const kbpk = await readKbpk(keys, "kbpk", options.text("kbpk"), version);
    return keys.keep(unwrapKeyBlock(kbpk, block, { extractable: true }).key);
  };
}

function clear(options: Options): (keys: Keys) => Promise<SecretKey> {
  const algorithm = options.choice("algorithm", ["AES", "TDES", "HMAC"]) ?? "AES";
  const hash = options.choice("hash", HASH_NAMES);
  const usage = algorithm === "HMAC" ? "M7" : "D0";
  return async (keys) => {
    const attributes = { algorithm, usage, extractable: true, ...(hash === undefined ? {} : { hash }) };
    return await keys.read("key", options.text("key"), attributes);
  };
}
