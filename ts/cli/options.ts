/**
 * Reading the command line. Mistakes are `ERR_COMMAND_LINE`, exit code 2, and never quote a value, not even of an option that is
 * public: it may be a key typed in the wrong place.
 */
import { parseArgs } from "node:util";
import { decodeUtf8 } from "../base/bytes.js";
import { PosCryptoError } from "../base/errors.js";
import type { Io } from "./io.js";

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
      throw usageError(/^[a-z][a-z-]{0,31}$/.test(name) ? `unknown option --${name}` : "unknown option");
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
    throw usageError(
      maxPositionals === 0
        ? "only options are expected here"
        : `at most ${maxPositionals} arguments besides options are expected`,
    );
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

/**
 * Where secrets and inputs come from: `file:PATH`, `env:NAME`, or `-` for standard input, which can be used once.
 * Secrets have no other form, so that none appears in a process list or a shell's history.
 */
export class Sources {
  readonly #io: Io;
  #stdinUsedBy: string | undefined;

  constructor(io: Io) {
    this.#io = io;
  }

  /** The text of a secret, blanks at its ends removed. `name` is the option. */
  async secret(name: string, source: string): Promise<string> {
    const bytes = await this.#read(`--${name}`, source);
    if (bytes === undefined) throw usageError(`--${name} must be file:PATH, env:NAME or - (standard input)`);
    const text = asText(`--${name}`, bytes).trim();
    if (text === "") throw usageError(`--${name} is empty`);
    return text;
  }

  /** Hexadecimal digits of a key; blanks between them are allowed. */
  async key(name: string, source: string): Promise<string> {
    return (await this.secret(name, source)).replace(/\s+/g, "");
  }

  /** Public or sealed input: a source as for secrets, or the text itself. */
  async input(what: string, argument: string | undefined): Promise<string> {
    const bytes = await this.#read(what, argument ?? "-");
    return bytes === undefined ? (argument as string) : asText(what, bytes);
  }

  async #read(what: string, source: string): Promise<Uint8Array | undefined> {
    if (source === "-") {
      if (this.#stdinUsedBy !== undefined) throw usageError(`standard input cannot be both ${this.#stdinUsedBy} and ${what}`);
      this.#stdinUsedBy = what;
      return await this.#io.readStdin();
    }
    if (source.startsWith("env:")) {
      const value = this.#io.env[source.slice(4)];
      if (value === undefined) throw usageError(`${what}: the environment variable is not set`);
      return new TextEncoder().encode(value);
    }
    if (!source.startsWith("file:")) return undefined;
    try {
      return await this.#io.readFile(source.slice(5));
    } catch (cause) {
      throw new PosCryptoError("ERR_COMMAND_LINE", `${what}: the file cannot be read`, { cause });
    }
  }
}

function asText(what: string, bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw usageError(`${what}: the input is not UTF-8 text`);
  return text;
}
