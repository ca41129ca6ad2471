/** `viopay-pos keyblock`: reads any TR-31 block without a key, unwraps one, or wraps a key. */
import { loadCrypto } from "../backend/select.js";
import { keyCheckValue } from "../core/keys/check-value.js";
import { encodeHex, wipe } from "../base/bytes.js";
import { HASH_NAMES } from "../core/keys/attributes.js";
import { exposeKeyBytes, type KeyAlgorithm, type KeyAttributes, type SecretKey } from "../core/keys/key.js";
import { explainKeyBlock } from "../core/key-block/explain.js";
import { MODE_LETTERS, usageRule } from "../core/keys/attribute-tables.js";
import { type KeyBlockHeader, kbpkAlgorithm, parseKeyBlock } from "../core/key-block/header.js";
import { type UnwrapOptions, unwrapKeyBlock } from "../core/key-block/unwrap.js";
import { wrapKeyBlock } from "../core/key-block/wrap.js";
import type { Io } from "./io.js";
import { Keys } from "./key-options.js";
import { type Options, type OptionTable, readOptions, Sources, usageError, withOptionValues } from "./options.js";
import { createStyle, table } from "./style.js";

export const usage = `usage: viopay-pos keyblock read   [BLOCK] [--json]
       viopay-pos keyblock unwrap --kbpk SOURCE [BLOCK] [--usage U] [--mode M] [--kcv HEX] [--hash H] [--any-case] [--report]
                                  [--expose] [--json]
       viopay-pos keyblock wrap   --kbpk SOURCE --key SOURCE --usage U [--algorithm A] [--hash H] [--mode M] [--version V]
                                  [--exportability E|N|S] [--key-version XX] [--context 0|1|2] [--label TEXT] [--with-kcv]

  BLOCK           the key block itself, file:PATH, or - (standard input, the default)
  SOURCE          a key in hex: file:PATH, env:NAME, or - (standard input)
  --usage U       two characters of ANSI X9.143 table 2, as P0; unwrap: what is expected
  --mode M        a letter of table 4; wrap: default N
  --algorithm A   AES (default), TDES or HMAC
  --hash H        of an HMAC key: SHA-1, SHA-224, SHA-256, SHA-384 or SHA-512; unwrap: where the block has no HM;
                  wrap: default SHA-256
  --version V     A to E, default D: A, B and C take a TDES key as KBPK, D and E an AES key
  --kcv HEX       the check value the key must have
  --any-case      accept small hex digits
  --report        list what breaks the standard's policy instead of refusing the block
  --with-kcv      add the key's and the KBPK's check values as optional blocks KC and KP
  --expose        print the key in clear
`;

const TABLES = {
  read: { json: "flag" },
  unwrap: {
    kbpk: "text",
    usage: "text",
    mode: "text",
    kcv: "text",
    hash: "text",
    "any-case": "flag",
    report: "flag",
    expose: "flag",
    json: "flag",
  },
  wrap: {
    kbpk: "text",
    key: "text",
    usage: "text",
    algorithm: "text",
    hash: "text",
    mode: "text",
    version: "text",
    exportability: "text",
    "key-version": "text",
    context: "text",
    label: "text",
    "with-kcv": "flag",
  },
} as const satisfies Record<string, OptionTable>;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const [action, ...rest] = args;
  if (action !== "read" && action !== "unwrap" && action !== "wrap") throw usageError("keyblock needs read, unwrap or wrap");
  const options = readOptions(rest, TABLES[action], action === "wrap" ? 0 : 1);
  const sources = new Sources(io);
  if (action === "read") return await read(options, sources, io);
  const kbpk = options.required("kbpk");
  await loadCrypto();
  const keys = new Keys(sources);
  try {
    return action === "unwrap" ? await unwrap(options, sources, keys, kbpk, io) : await wrap(options, keys, kbpk, io);
  } finally {
    keys.destroy();
  }
}

async function readBlock(options: Options, sources: Sources): Promise<string> {
  return (await sources.input("BLOCK", options.positionals[0])).trim();
}

/** Exit code 1 where the block cannot be read or no reader would accept it. */
async function read(options: Options, sources: Sources, io: Io): Promise<number> {
  const explanation = explainKeyBlock(await readBlock(options, sources));
  if (options.flag("json")) {
    const { text: _lines, ...rest } = explanation;
    io.out(`${JSON.stringify(rest)}\n`);
  } else {
    io.out(`${explanation.text}\n`);
  }
  return explanation.findings.some((finding) => finding.severity === "error") ? 1 : 0;
}

async function readKbpk(keys: Keys, source: string, version: KeyBlockHeader["version"]): Promise<SecretKey> {
  return await keys.read("kbpk", source, { algorithm: kbpkAlgorithm(version), usage: "K0" });
}

/** What no block can have is a mistake of the command line, and not the block's. Digits are for proprietary ones. */
function expectations(options: Options): { usageCode: string | undefined; mode: string | undefined } {
  const [usageCode, mode] = [options.text("usage"), options.text("mode")];
  if (usageCode !== undefined && usageRule(usageCode) === undefined && !/^[0-9][0-9A-Za-z]$/.test(usageCode)) {
    throw usageError("--usage must be a key usage of X9.143, or a proprietary one that begins with a digit");
  }
  if (mode !== undefined && !(mode.length === 1 && (MODE_LETTERS.includes(mode) || /[0-9]/.test(mode)))) {
    throw usageError(`--mode must be one of ${[...MODE_LETTERS].join(", ")}, or a digit`);
  }
  return { usageCode, mode };
}

async function unwrap(options: Options, sources: Sources, keys: Keys, kbpkSource: string, io: Io): Promise<number> {
  const block = await readBlock(options, sources);
  const kbpk = await readKbpk(keys, kbpkSource, parseKeyBlock(block).version);
  const expose = options.flag("expose");
  const { usageCode, mode } = expectations(options);
  const kcv = options.text("kcv");
  const hash = options.choice("hash", HASH_NAMES);
  const how: UnwrapOptions = {
    extractable: expose,
    hexCase: options.flag("any-case") ? "any" : "upper",
    policy: options.flag("report") ? "report" : "enforce",
    ...(usageCode === undefined ? {} : { expectUsage: usageCode }),
    ...(mode === undefined ? {} : { expectModeOfUse: mode }),
    ...(kcv === undefined ? {} : { kcv }),
    ...(hash === undefined ? {} : { hash }),
  };
  const { key, header, report } = await withOptionValues({ kcv: "kcv" }, () => unwrapKeyBlock(kbpk, block, how));
  keys.keep(key);
  const facts: Record<string, string> = {
    usage: header.usage,
    algorithm: `${key.algorithm}, ${key.bits} bits`,
    mode: header.modeOfUse,
    exportability: header.exportability,
    "key version": header.keyVersion,
    version: header.version,
  };
  const value = checkValue(key);
  if (value !== undefined) facts["kcv"] = value;
  if (expose) facts["key"] = clear(key);
  if (options.flag("json")) {
    io.out(
      `${JSON.stringify({ header, bits: key.bits, kcv: value, findings: report, ...(expose ? { key: facts["key"] } : {}) })}\n`,
    );
    return 0;
  }
  io.out(table(Object.entries(facts), createStyle(io.color)));
  for (const finding of report) io.out(`finding: ${finding.message} (${finding.clause})\n`);
  return 0;
}

function checkValue(key: SecretKey): string | undefined {
  const known: readonly KeyAlgorithm[] = ["AES", "TDES", "DES", "HMAC"];
  return known.includes(key.algorithm) ? keyCheckValue(key) : undefined;
}

function clear(key: SecretKey): string {
  const material = exposeKeyBytes(key);
  try {
    return encodeHex(material);
  } finally {
    wipe(material);
  }
}

/** Options of wrap by the arguments that their values become. */
const ARGUMENTS = {
  usage: "usage",
  modeOfUse: "mode",
  keyVersion: "key-version",
  KC: "with-kcv",
  KP: "with-kcv",
  "optional block LB": "label",
} as const;

async function wrap(options: Options, keys: Keys, kbpkSource: string, io: Io): Promise<number> {
  const version = options.choice("version", ["A", "B", "C", "D", "E"]) ?? "D";
  const algorithm = options.choice("algorithm", ["AES", "TDES", "HMAC"]) ?? "AES";
  const hash = options.choice("hash", HASH_NAMES);
  if (hash !== undefined && algorithm !== "HMAC") throw usageError("--hash needs --algorithm HMAC");
  const exportability = options.choice("exportability", ["E", "N", "S"]) ?? "N";
  const context = options.choice("context", ["0", "1", "2"]) ?? "0";
  const kbpk = await readKbpk(keys, kbpkSource, version);
  const attributes: KeyAttributes = {
    algorithm,
    usage: options.required("usage"),
    modeOfUse: options.text("mode") ?? "N",
    // What the block says may be narrower than what this one-time handle allows: it must be exportable to be wrapped.
    exportability: exportability === "S" ? "S" : "E",
    keyVersion: options.text("key-version") ?? "00",
    ...(hash === undefined ? {} : { hash }),
  };
  const keySource = options.required("key");
  const label = options.text("label");
  const checkValues = options.flag("with-kcv") ? [{ id: "KC" as const }, { id: "KP" as const }] : [];
  const optionalBlocks = [...checkValues, ...(label === undefined ? [] : [{ id: "LB" as const, data: label }])];
  const labelAt = `header.optionalBlocks[${checkValues.length}]`;
  const block = await withOptionValues({ ...ARGUMENTS, [labelAt]: "label", [`${labelAt}.data`]: "label" }, async () => {
    const key = await keys.read("key", keySource, attributes);
    return wrapKeyBlock(kbpk, key, { version, exportability, context, optionalBlocks });
  });
  io.out(`${block}\n`);
  return 0;
}
