/**
 * Where secrets and inputs come from: `file:PATH`, `env:NAME`, or `-` for standard input. Secrets have no other form, so that none
 * appears in a process list or a shell's history. Where standard input is a terminal, the person is asked: a secret is not echoed.
 */
import { own } from "../base/arguments.js";
import { decodeUtf8 } from "../base/bytes.js";
import { PosCryptoError } from "../base/errors.js";
import type { Io } from "./io.js";
import { usageError } from "./options.js";
import type { Terminal } from "./terminal.js";

export class Sources {
  readonly #io: Io;
  #stdinUsedBy: string | undefined;

  constructor(io: Io) {
    this.#io = io;
  }

  get #terminal(): Terminal | undefined {
    return own(this.#io, "terminal");
  }

  /** Whether a person can be asked. */
  get interactive(): boolean {
    return this.#terminal !== undefined;
  }

  /**
   * The text of a secret, without white space at its ends. `name` is the option, `source` its value; without one the person is
   * asked. `question`: what the person is asked for, as `KBPK in hex`.
   */
  async secret(name: string, source: string | undefined, question: string): Promise<string> {
    const text = await this.#secretText(name, source, question);
    if (text === "") throw usageError(`--${name} is empty`);
    return text;
  }

  /** As `secret`, with the empty text for a person who only pressed Enter. */
  async optionalSecret(name: string, source: string | undefined, question: string): Promise<string> {
    return await this.#secretText(name, source, question);
  }

  /** Hexadecimal digits of a key; white space between them is allowed. */
  async key(name: string, source: string | undefined, question: string): Promise<string> {
    return (await this.secret(name, source, question)).replace(/\s+/g, "");
  }

  /** One visible line of the person at the terminal; `undefined` where there is none, or none who answers. */
  async ask(question: string): Promise<string | undefined> {
    return await this.#terminal?.ask(question, { hidden: false });
  }

  /** Public or sealed input: a source as for secrets, or the text itself. A terminal's lines end with an empty one. */
  async input(what: string, argument: string | undefined): Promise<string> {
    const source = argument ?? "-";
    if (source === "-" && this.interactive) return await this.#lines(`${what} (an empty line ends it): `);
    const bytes = await this.#read(what, source);
    return bytes === undefined ? source : asText(what, bytes);
  }

  async #secretText(name: string, source: string | undefined, question: string): Promise<string> {
    const terminal = this.#terminal;
    if (terminal !== undefined && (source === undefined || source === "-")) {
      const answer = await terminal.ask(`${question} (not shown): `, { hidden: true });
      if (answer === undefined) throw usageError(`--${name}: nothing was entered`);
      return answer.trim();
    }
    if (source === undefined) throw usageError(`--${name} is missing`);
    const bytes = await this.#read(`--${name}`, source);
    if (bytes === undefined) throw usageError(`--${name} must be file:PATH, env:NAME or - (standard input)`);
    return asText(`--${name}`, bytes).trim();
  }

  async #lines(question: string): Promise<string> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.ask(lines.length === 0 ? question : "");
      if (line === undefined || line.trim() === "") return lines.join("\n");
      lines.push(line);
    }
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
