/** `viopay-pos keyblock read`: what a block says of itself, without any key. Nothing of it is authentic. */
import { explainKeyBlock, type KeyBlockExplanation } from "../../core/key-block/explain.js";
import type { Io } from "../io.js";
import { readOptions } from "../options.js";
import { inOwnWords } from "../own-words.js";
import { Sources } from "../sources.js";
import { createStyle, type Style } from "../style.js";
import { MOST_GROUPS, readBlock } from "./block-input.js";
import { KNOBS, readKnobs } from "./knobs.js";

/** Exit code 1 where the block cannot be read, or would be refused. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readOptions(args, { json: "flag", ...KNOBS }, MOST_GROUPS);
  const knobs = readKnobs(options);
  const explanation = explainKeyBlock(await readBlock(options, new Sources(io), io), knobs);
  if (options.flag("json")) {
    const { text: _lines, ...rest } = explanation;
    io.out(`${JSON.stringify(rest)}\n`);
  } else {
    io.out(screen(explanation, createStyle(io.color)));
  }
  return explanation.findings.some(({ severity }) => severity !== "notice") ? 1 : 0;
}

/** Characters of a field that are shown: of a ciphertext, the beginning. */
const SHOWN = 24;

/** Fields in columns, then findings in the colour of their severity. */
function screen({ fields, findings }: KeyBlockExplanation, style: Style): string {
  const shown = fields.map((field) => ({
    ...field,
    text: field.text.length > SHOWN ? `${field.text.slice(0, SHOWN - 3)}...` : field.text,
  }));
  const widest = (of: "name" | "text") => Math.max(0, ...shown.map((field) => field[of].length));
  const [names, texts] = [widest("name"), widest("text")];
  const rows = shown.map(({ offset, name, text, meaning }) => {
    return `${style.dim(String(offset).padStart(4))}  ${name.padEnd(names)}  ${style.bold(text.padEnd(texts))}  ${meaning}\n`;
  });
  const paint = { error: style.red, violation: style.yellow, notice: style.cyan };
  const notes = findings.map(({ severity, message, clause }) => {
    return `${paint[severity](severity.padEnd(9))}  ${inOwnWords(message)}${clause === "" ? "" : style.dim(` (${clause})`)}\n`;
  });
  return [...rows, rows.length > 0 && notes.length > 0 ? "\n" : "", ...notes].join("");
}
