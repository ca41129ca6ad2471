/**
 * `viopay-pos keyblock rewrap`: a block under one KBPK becomes a block of the same key under another. The key goes from handle to
 * handle and is never printed. Its attributes stay or get narrower: the library refuses anything wider.
 */
import { loadCrypto } from "../../backend/select.js";
import { type KeyBlockHeader, parseKeyBlock } from "../../core/key-block/header.js";
import type { OptionalBlockInit } from "../../core/key-block/optional-write.js";
import { unwrapKeyBlock } from "../../core/key-block/unwrap.js";
import { type KeyBlockHeaderInit, wrapKeyBlock } from "../../core/key-block/wrap.js";
import type { Io } from "../io.js";
import { Keys } from "../key-options.js";
import { type Options, readOptions, usageError, withOptionValues } from "../options.js";
import { pastedCheckValue } from "../pasted.js";
import { Sources } from "../sources.js";
import { MOST_GROUPS, readBlock } from "./block-input.js";
import { CONTEXTS, EXPORTABILITIES, optionalBlockArguments, printBlock, VERSIONS } from "./header-options.js";
import { readKbpk } from "./kbpk.js";
import { KNOBS, readKnobs } from "./knobs.js";
import { readOptionalBlock } from "./optional-blocks.js";

const TABLE = {
  "from-kbpk": "text",
  "to-kbpk": "text",
  version: "text",
  usage: "text",
  mode: "text",
  exportability: "text",
  "key-version": "text",
  context: "text",
  block: "texts",
  without: "texts",
  kcv: "text",
  json: "flag",
  ...KNOBS,
} as const;

const ARGUMENTS = {
  "header.usage": "usage",
  "header.modeOfUse": "mode",
  "header.keyVersion": "key-version",
  kcv: "kcv",
} as const;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readOptions(args, TABLE, MOST_GROUPS);
  const version = options.choice("version", VERSIONS);
  const kcv = options.text("kcv");
  const how = { ...readKnobs(options), ...(kcv === undefined ? {} : { kcv: pastedCheckValue(kcv).text }) };
  const added = options.list("block").map(readOptionalBlock);
  const sources = new Sources(io);
  const keys = new Keys(sources);
  const block = await readBlock(options, sources, io);
  const from = parseKeyBlock(block).version;
  await loadCrypto();
  try {
    const oldKbpk = await readKbpk(keys, "from-kbpk", options.text("from-kbpk"), from);
    const newKbpk = await readKbpk(keys, "to-kbpk", options.text("to-kbpk"), version ?? from);
    const { key, header } = await withOptionValues(ARGUMENTS, () => unwrapKeyBlock(oldKbpk, block, how));
    keys.keep(key);
    const made = newHeader(header, added, options);
    const names = { ...ARGUMENTS, ...optionalBlockArguments(options, made.optionalBlocks ?? []) };
    printBlock(await withOptionValues(names, () => wrapKeyBlock(newKbpk, key, made)), key, options, io);
    return 0;
  } finally {
    keys.destroy();
  }
}

function newHeader(header: KeyBlockHeader, added: readonly OptionalBlockInit[], options: Options): KeyBlockHeaderInit {
  const [usage, modeOfUse, keyVersion] = [options.text("usage"), options.text("mode"), options.text("key-version")];
  return {
    version: options.choice("version", VERSIONS) ?? header.version,
    usage: usage ?? header.usage,
    algorithm: header.algorithm,
    modeOfUse: modeOfUse ?? header.modeOfUse,
    keyVersion: keyVersion ?? header.keyVersion,
    exportability: options.choice("exportability", EXPORTABILITIES) ?? header.exportability,
    context: options.choice("context", CONTEXTS) ?? header.context,
    optionalBlocks: [...kept(header, added, options.list("without")), ...added],
  };
}

/**
 * The old block's optional blocks, as they are but for three: PB is made anew, KP is the new KBPK's check value, TS is the time of
 * the new block (X9.143:2021 clause 6.3.6, table 7). `--block` replaces those of its id.
 */
function kept(
  { optionalBlocks }: KeyBlockHeader,
  added: readonly OptionalBlockInit[],
  without: readonly string[],
): readonly OptionalBlockInit[] {
  if (without.some((id) => !optionalBlocks.some((block) => block.id === id))) {
    throw usageError("--without names an optional block that the key block does not have");
  }
  const dropped = new Set(["PB", ...without, ...added.map(({ id }) => id)]);
  return optionalBlocks
    .filter(({ id }) => !dropped.has(id))
    .map(({ id, data, form }) => {
      if (id === "KP") return { id };
      return id === "TS" ? readOptionalBlock("TS=now") : { id, data, form };
    });
}
