/** The key block that a command is given: as arguments, from a file, or from standard input; in lines and groups, too. */
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
  const { text, dropped } = pastedBlock(given);
  if (dropped !== undefined) io.err(`note: ${dropped} were dropped from the key block\n`);
  return text;
}
