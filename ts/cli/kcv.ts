/** `viopay-pos kcv`: the check values of a key, or whether a stated one is its own. */
import { loadCrypto } from "../backend/select.js";
import { HASH_NAMES } from "../core/keys/attributes.js";
import { type KcvMethod, keyCheckValue } from "../core/keys/check-value.js";
import { explainKeyCheckValue } from "../core/keys/check-value-explain.js";
import { methodsFor } from "../core/keys/check-value-methods.js";
import type { KeyAttributes } from "../core/keys/key.js";
import type { Io } from "./io.js";
import { Keys } from "./key-options.js";
import { readOptions, usageError, withOptionValues } from "./options.js";
import { pastedCheckValue } from "./pasted.js";
import { Sources } from "./sources.js";
import { createStyle, table } from "./style.js";

export const usage = `usage: viopay-pos kcv [--key SOURCE] [--algorithm AES|TDES|DES|HMAC] [--expect VALUE] [options]

  --key SOURCE       the key in hex: file:PATH, env:NAME, or - (standard input); left out on a terminal: you are asked
  --algorithm NAME   default AES
  --expect VALUE     the check value of the key letter: exit code 0 if it is this key's, by any method, else 1
  --method NAME      CMAC, ANSI_X9_24, HMAC or GLOBALPLATFORM; default: all that the algorithm has
  --hash NAME        of an HMAC key: SHA-1, SHA-224, SHA-256 (default), SHA-384 or SHA-512
  --length BYTES     2 to 5, default 3
  --json             one JSON line

examples:
  viopay-pos kcv                                        asks for an AES key and prints its check values
  viopay-pos kcv --algorithm TDES --expect "57 C4 09"   asks for a TDES key and compares
  viopay-pos kcv --key file:tpk.hex --method CMAC
`;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readOptions(args, {
    key: "text",
    algorithm: "text",
    expect: "text",
    method: "text",
    hash: "text",
    length: "text",
    json: "flag",
  });
  const algorithm = options.choice("algorithm", ["AES", "TDES", "DES", "HMAC"]) ?? "AES";
  const method = options.choice("method", methodsFor(algorithm));
  const methods: readonly KcvMethod[] = method === undefined ? methodsFor(algorithm) : [method];
  const hash = options.choice("hash", HASH_NAMES);
  if (hash !== undefined && algorithm !== "HMAC") throw usageError("--hash needs --algorithm HMAC");
  const length = options.wholeNumber("length", 2, 5) ?? 3;
  const given = options.text("expect");
  const expected = given === undefined ? undefined : pastedCheckValue(given);
  await loadCrypto();
  const keys = new Keys(new Sources(io));
  try {
    const attributes: KeyAttributes = {
      algorithm,
      usage: algorithm === "HMAC" ? "M7" : "D0",
      ...(hash === undefined ? {} : { hash }),
    };
    const key = await keys.read("key", options.text("key"), attributes);
    const explained =
      expected && (await withOptionValues({ expected: "expect" }, () => explainKeyCheckValue(key, expected.text)));
    const found = explained?.methods.find((each) => each.equal && methods.includes(each.method))?.method;
    const nearMisses = found === undefined ? (explained?.nearMisses ?? []) : [];
    if (expected?.dropped !== undefined) io.err("note: --expect was read without what is no digit\n");
    const values = methods.map((name) => [name, keyCheckValue(key, { method: name, length })] as const);
    const verdict = explained && { expected: explained.expected, method: found ?? null, nearMisses };
    if (options.flag("json")) {
      io.out(`${JSON.stringify({ algorithm, bits: key.bits, kcv: Object.fromEntries(values), ...verdict })}\n`);
    } else {
      const style = createStyle(io.color);
      io.out(table(values, style));
      if (explained !== undefined) {
        io.out(
          found === undefined ? `${style.red("wrong")}: by no method of ${algorithm}\n` : `${style.green("right")}: ${found}\n`,
        );
      }
    }
    for (const nearMiss of options.flag("json") ? [] : nearMisses) io.out(`near miss: ${nearMiss}\n`);
    return explained !== undefined && found === undefined ? 1 : 0;
  } finally {
    keys.destroy();
  }
}
