/**
 * Reading the command line. Mistakes are `ERR_COMMAND_LINE`, exit code 2, and never quote a value, not even of an option that is
 * public: it may be a key typed in the wrong place.
 */
import { parseArgs } from "node:util";
import { PosCryptoError } from "../base/errors.js";
import { didYouMean } from "./did-you-mean.js";

export function usageError(message: string): PosCryptoError {
  return new PosCryptoError("ERR_COMMAND_LINE", message);
}

export type OptionTable = Readonly<Record<string, "text" | "texts" | "flag">>;

export interface Options {
  readonly positionals: readonly string[];
  readonly flag: (name: string) => boolean;
  readonly text: (name: string) => string | undefined;
  /** Every value of an option that may be repeated (`texts`), in order. */
  readonly list: (name: string) => readonly string[];
  readonly required: (name: string) => string;
  /** One of `choices`. */
  readonly choice: <T extends string>(name: string, choices: readonly T[]) => T | undefined;
  readonly wholeNumber: (name: string, min: number, max: number) => number | undefined;
}

/** What the library says of an argument: its name, what it must be, and what it got, which may be the value itself. */
const REFUSAL = /^"([^"]+)" must be (.+), got /s;

/** A refusal of an argument without what it got, or `undefined` for any other error. */
export function refusalOf(error: unknown): { readonly argument: string; readonly expected: string } | undefined {
  const isRefusal = error instanceof PosCryptoError && error.code === "ERR_INVALID_ARGUMENT";
  const [, argument, expected] = (isRefusal && REFUSAL.exec(error.message)) || [];
  return argument === undefined || expected === undefined ? undefined : { argument, expected };
}

/**
 * Runs what takes options' values for arguments: where it refuses one of them, the command line is wrong. `options` tells each
 * argument's option. Refusals of other arguments are not the command line's: a key in a file may be too short.
 */
export async function withOptionValues<T>(options: Readonly<Record<string, string>>, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined || !Object.hasOwn(options, refusal.argument)) throw error;
    throw usageError(`--${options[refusal.argument]} must be ${refusal.expected}`);
  }
}

/** Options of `table` and at most `maxPositionals` further arguments. */
export function readOptions(args: readonly string[], table: OptionTable, maxPositionals = 0): Options {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, kind]) => [name, { type: kind === "flag" ? ("boolean" as const) : ("string" as const) }]),
  );
  // Not strict: parseArgs' own messages quote what was typed.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const texts = new Map<string, string>();
  const lists = new Map<string, string[]>();
  const flags = new Set<string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const { name, value } = token;
    if (!Object.hasOwn(table, name)) {
      const shown = /^[a-z][a-z-]{0,31}$/.test(name) ? ` --${name}` : "";
      throw usageError(`unknown option${shown}${didYouMean(name, Object.keys(table), "--")}`);
    }
    if (texts.has(name) || flags.has(name)) throw usageError(`--${name} is given twice`);
    if (table[name] === "flag") {
      if (value !== undefined) throw usageError(`--${name} takes no value`);
      flags.add(name);
    } else {
      if (value === undefined || value === "") throw usageError(`--${name} needs a value`);
      if (value.startsWith("--")) throw usageError(`--${name} needs a value`);
      if (table[name] === "texts") lists.set(name, [...(lists.get(name) ?? []), value]);
      else texts.set(name, value);
    }
  }
  if (positionals.length > maxPositionals) {
    const atMost = maxPositionals === 1 ? "one argument besides options is" : `${maxPositionals} arguments besides options are`;
    throw usageError(maxPositionals === 0 ? "only options are expected here" : `at most ${atMost} expected`);
  }
  const text = (name: string) => texts.get(name);
  return {
    positionals,
    flag: (name) => flags.has(name),
    text,
    list: (name) => lists.get(name) ?? [],
    required: (name) => {
      const value = texts.get(name);
      if (value === undefined) throw usageError(`--${name} is missing`);
      return value;
    },
    choice: <T extends string>(name: string, choices: readonly T[]) => {
      const value = texts.get(name);
      if (value === undefined) return undefined;
      const chosen = choices.find((choice) => choice.toLowerCase() === value.toLowerCase());
      if (chosen === undefined) throw usageError(`--${name} must be one of ${choices.join(", ")}`);
      return chosen;
    },
    wholeNumber: (name, min, max) => {
      const value = texts.get(name);
      if (value === undefined) return undefined;
      const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
      if (!(number >= min && number <= max)) throw usageError(`--${name} must be a whole number from ${min} to ${max}`);
      return number;
    },
  };
}
