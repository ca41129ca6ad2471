/** `viopay-pos keyblock unwrap`: opens a block and says what the key is. The key itself is printed with `--expose` only. */
import { loadCrypto } from "../../backend/select.js";
import { parseKeyBlock } from "../../core/key-block/header.js";
import { type UnwrapOptions, unwrapKeyBlock } from "../../core/key-block/unwrap.js";
import { MODE_LETTERS, usageRule } from "../../core/keys/attribute-tables.js";
import { HASH_NAMES } from "../../core/keys/attributes.js";
import { checkValueOf, clearKey } from "../clear-key.js";
import type { Io } from "../io.js";
import { Keys } from "../key-options.js";
import { type Options, readOptions, usageError, withOptionValues } from "../options.js";
import { pastedCheckValue } from "../pasted.js";
import { Sources } from "../sources.js";
import { createStyle, table } from "../style.js";
import { MOST_GROUPS, readBlock } from "./block-input.js";
import { readKbpk } from "./kbpk.js";
import { KNOBS, readKnobs } from "./knobs.js";

const TABLE = {
  kbpk: "text",
  usage: "text",
  mode: "text",
  kcv: "text",
  hash: "text",
  report: "flag",
  expose: "flag",
  json: "flag",
  ...KNOBS,
} as const;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readOptions(args, TABLE, MOST_GROUPS);
  const expose = options.flag("expose");
  const how: UnwrapOptions = { ...readKnobs(options), ...expectations(options), extractable: expose };
  const sources = new Sources(io);
  const keys = new Keys(sources);
  const block = await readBlock(options, sources, io);
  const { version } = parseKeyBlock(block);
  await loadCrypto();
  try {
    const kbpk = await readKbpk(keys, "kbpk", options.text("kbpk"), version);
    const { key, header, report } = await withOptionValues({ kcv: "kcv" }, () => unwrapKeyBlock(kbpk, block, how));
    keys.keep(key);
    const kcv = checkValueOf(key);
    const clear = expose ? { key: clearKey(key) } : {};
    if (options.flag("json")) {
      io.out(`${JSON.stringify({ header, bits: key.bits, kcv, findings: report, ...clear })}\n`);
      return 0;
    }
    const facts: Record<string, string> = {
      usage: header.usage,
      algorithm: `${key.algorithm}, ${key.bits} bits`,
      mode: header.modeOfUse,
      exportability: header.exportability,
      "key version": header.keyVersion,
      version: header.version,
      ...(kcv === undefined ? {} : { kcv }),
      ...clear,
    };
    io.out(table(Object.entries(facts), createStyle(io.color)));
    for (const finding of report) io.out(`finding: ${finding.message} (${finding.clause})\n`);
    return 0;
  } finally {
    keys.destroy();
  }
}

/** What no block can have is a mistake of the command line, and not the block's. Digits are for proprietary ones. */
function expectations(options: Options): UnwrapOptions {
  const [usage, mode, kcv] = [options.text("usage"), options.text("mode"), options.text("kcv")];
  if (usage !== undefined && usageRule(usage) === undefined && !/^[0-9][0-9A-Za-z]$/.test(usage)) {
    throw usageError("--usage must be a key usage of X9.143, or a proprietary one that begins with a digit");
  }
  if (mode !== undefined && !(mode.length === 1 && (MODE_LETTERS.includes(mode) || /[0-9]/.test(mode)))) {
    throw usageError(`--mode must be one of ${[...MODE_LETTERS].join(", ")}, or a digit`);
  }
  const hash = options.choice("hash", HASH_NAMES);
  return {
    policy: options.flag("report") ? "report" : "enforce",
    ...(usage === undefined ? {} : { expectUsage: usage }),
    ...(mode === undefined ? {} : { expectModeOfUse: mode }),
    ...(kcv === undefined ? {} : { kcv: pastedCheckValue(kcv).text }),
    ...(hash === undefined ? {} : { hash }),
  };
}
