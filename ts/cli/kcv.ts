/** `viopay-pos kcv`: the check values of a key. */
import { loadCrypto } from "../backend/select.js";
import { type KcvMethod, keyCheckValue } from "../core/keys/check-value.js";
import { methodsFor } from "../core/keys/check-value-methods.js";
import type { KeyAttributes } from "../core/keys/key.js";
import { HASH_NAMES } from "../core/keys/attributes.js";
import type { Io } from "./io.js";
import { Keys } from "./key-options.js";
import { readOptions, Sources, usageError } from "./options.js";
import { createStyle, table } from "./style.js";

export const usage = `usage: viopay-pos kcv --key SOURCE [--algorithm AES|TDES|DES|HMAC] [options]

  --key SOURCE       the key in hex: file:PATH, env:NAME, or - (standard input)
  --algorithm NAME   default AES
  --method NAME      CMAC, ANSI_X9_24, HMAC or GLOBALPLATFORM; default: all that the algorithm has
  --hash NAME        of an HMAC key: SHA-1, SHA-224, SHA-256 (default), SHA-384 or SHA-512
  --length BYTES     2 to 5, default 3
  --json             one JSON line
`;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readOptions(args, {
    key: "text",
    algorithm: "text",
    method: "text",
    hash: "text",
    length: "text",
    json: "flag",
  });
  const algorithm = options.choice("algorithm", ["AES", "TDES", "DES", "HMAC"]) ?? "AES";
  const methods: readonly KcvMethod[] = methodsFor(algorithm);
  const method = options.choice("method", methods);
  const hash = options.choice("hash", HASH_NAMES);
  if (hash !== undefined && algorithm !== "HMAC") throw usageError("--hash needs --algorithm HMAC");
  const length = options.wholeNumber("length", 2, 5) ?? 3;
  const source = options.required("key");
  await loadCrypto();
  const keys = new Keys(new Sources(io));
  try {
    const attributes: KeyAttributes = {
      algorithm,
      usage: algorithm === "HMAC" ? "M7" : "D0",
      ...(hash === undefined ? {} : { hash }),
    };
    const key = await keys.read("key", source, attributes);
    const values = (method === undefined ? methods : [method]).map(
      (name) => [name, keyCheckValue(key, { method: name, length })] as const,
    );
    if (options.flag("json")) io.out(`${JSON.stringify({ algorithm, bits: key.bits, kcv: Object.fromEntries(values) })}\n`);
    else io.out(table(values, createStyle(io.color)));
    return 0;
  } finally {
    keys.destroy();
  }
}
