/** The key block that a command is given: as arguments, from a file, or from standard input; in lines and groups, too. */
import { identifyMaterial } from "../../core/key-block/identify.js";
import type { Io } from "../io.js";
import type { Options } from "../options.js";
import { pastedBlock } from "../pasted.js";
import type { Sources } from "../sources.js";

/** A block has at most 9,999 characters: so many groups of one. */
export const MOST_GROUPS = 9999;

/** Several arguments are groups of one block. What was dropped is said on standard error. */
export async function readBlock(options: Options, sources: Sources, io: Io): Promise<string> {
  const groups = options.positionals;
  const given = groups.length > 1 ? groups.join(" ") : await sources.input("key block", groups[0]);
  const named = identifyMaterial(given);
  // What has a label or stray marks around it is a block by its form; lines and groups are judged by the length that it states.
  const isLabelled = named.kind === "tr31-key-block" && named.stripped.includes("a label");
  const { text, dropped } = isLabelled ? { text: named.text, dropped: named.stripped.join(", ") } : pastedBlock(given);
  if (dropped !== undefined) io.err(`note: ${dropped} ${dropped === "a label" ? "was" : "were"} dropped from the key block\n`);
  return text;
}
