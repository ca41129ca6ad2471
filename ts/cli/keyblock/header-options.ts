/** The options that say what a key block's header is to hold, shared by the commands that make one. */
import type { KeyBlockVersion } from "../../backend/contract.js";
import type { OptionalBlockInit } from "../../core/key-block/optional-write.js";
import { type KeyBlockHeaderInit, wrapKeyBlock } from "../../core/key-block/wrap.js";
import { HASH_NAMES } from "../../core/keys/attributes.js";
import type { KeyAttributes, SecretKey } from "../../core/keys/key.js";
import type { Io } from "../io.js";
import type { Keys } from "../key-options.js";
import { type Options, usageError, withOptionValues } from "../options.js";
import { checkValueOf } from "../clear-key.js";
import { readKbpk } from "./kbpk.js";
import { readOptionalBlock } from "./optional-blocks.js";

export const HEADER_OPTIONS = {
  usage: "text",
  algorithm: "text",
  hash: "text",
  mode: "text",
  version: "text",
  exportability: "text",
  "key-version": "text",
  context: "text",
  label: "text",
  block: "texts",
  "with-kcv": "flag",
} as const;

export const VERSIONS: readonly KeyBlockVersion[] = ["A", "B", "C", "D", "E"];
export const EXPORTABILITIES = ["E", "N", "S"] as const;
export const CONTEXTS = ["0", "1", "2"] as const;

/** What the key is to be, and what its block is to say. */
export interface Wanted {
  readonly attributes: KeyAttributes & { readonly algorithm: "AES" | "TDES" | "HMAC" };
  readonly header: KeyBlockHeaderInit & {
    readonly version: KeyBlockVersion;
    readonly optionalBlocks: readonly OptionalBlockInit[];
  };
}

export function readWanted(options: Options): Wanted {
  const algorithm = options.choice("algorithm", ["AES", "TDES", "HMAC"]) ?? "AES";
  const hash = options.choice("hash", HASH_NAMES);
  if (hash !== undefined && algorithm !== "HMAC") throw usageError("--hash needs --algorithm HMAC");
  const exportability = options.choice("exportability", EXPORTABILITIES) ?? "N";
  const label = options.text("label");
  return {
    attributes: {
      algorithm,
      usage: options.required("usage"),
      modeOfUse: options.text("mode") ?? "N",
      // What the block says may be narrower than what this one-time handle allows: it must be exportable to be wrapped.
      exportability: exportability === "S" ? "S" : "E",
      keyVersion: options.text("key-version") ?? "00",
      ...(hash === undefined ? {} : { hash }),
    },
    header: {
      version: options.choice("version", VERSIONS) ?? "D",
      exportability,
      context: options.choice("context", CONTEXTS) ?? "0",
      optionalBlocks: [
        ...(options.flag("with-kcv") ? [{ id: "KC" as const }, { id: "KP" as const }] : []),
        ...options.list("block").map(readOptionalBlock),
        ...(label === undefined ? [] : [{ id: "LB" as const, data: label }]),
      ],
    },
  };
}

/** Options by the arguments that their values become. */
export const ATTRIBUTE_ARGUMENTS = { usage: "usage", modeOfUse: "mode", keyVersion: "key-version" } as const;

/** The same for optional blocks: a refusal names the option that the block came from. */
export function optionalBlockArguments(options: Options, blocks: readonly OptionalBlockInit[]): Readonly<Record<string, string>> {
  const fromFlag = options.flag("with-kcv") ? 2 : 0;
  const checkValues = options.flag("with-kcv") ? "with-kcv" : "block";
  const names: Record<string, string> = { KC: checkValues, KP: checkValues, "header.optionalBlocks": "block" };
  blocks.forEach(({ id }, i) => {
    const isLabel = i === blocks.length - 1 && options.text("label") !== undefined;
    const option = i < fromFlag ? "with-kcv" : isLabel ? "label" : "block";
    for (const part of ["", ".id", ".data", ".form"]) names[`header.optionalBlocks[${i}]${part}`] = option;
    names[`optional block ${id}`] = option;
  });
  return names;
}

/** Wraps `key` under the KBPK of option `kbpk` and prints the block: the block alone, or a JSON line. */
export async function printWrapped(
  key: SecretKey,
  { header }: Pick<Wanted, "header">,
  { options, keys, io }: { readonly options: Options; readonly keys: Keys; readonly io: Io },
): Promise<void> {
  const kbpk = await readKbpk(keys, "kbpk", options.text("kbpk"), header.version);
  const block = await withOptionValues(optionalBlockArguments(options, header.optionalBlocks), () => {
    return wrapKeyBlock(kbpk, key, header);
  });
  printBlock(block, key, options, io);
}

export function printBlock(block: string, key: SecretKey, options: Options, io: Io): void {
  const kcv = checkValueOf(key);
  const line = { block, algorithm: key.algorithm, bits: key.bits, ...(kcv === undefined ? {} : { kcv }) };
  io.out(options.flag("json") ? `${JSON.stringify(line)}\n` : `${block}\n`);
}
