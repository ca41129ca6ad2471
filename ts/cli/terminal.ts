/**
 * Asking a person at a terminal: the question goes to standard error, so that standard output holds results only, and a secret is
 * not echoed. The terminal is in raw mode while a question is open: a pasted line may be longer than the 4,096 characters that a
 * terminal keeps for a line, and nothing is shown unless it is shown here. Node restores the mode when a signal ends the process.
 *
 * Answers may be secrets. They are JavaScript strings and cannot be wiped.
 */
import type { ReadStream } from "node:tty";
import { LineEditor, type LineEnd } from "./line-editor.js";

/** A person who can be asked. */
export interface Terminal {
  /**
   * One line. `hidden`: nothing of it is shown. `undefined` where the person closed the input (Ctrl-D) without typing.
   *
   * @throws `Interrupted` on Ctrl-C
   */
  ask(question: string, how: { readonly hidden: boolean }): Promise<string | undefined>;
}

/** The person pressed Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** The terminal that is standard input. `show` writes to standard error. */
export class InputTerminal implements Terminal {
  readonly #input: ReadStream;
  readonly #show: (text: string) => void;
  readonly #decoder = new TextDecoder();
  /** Typed or pasted beyond the last line: the answer to the next question. It never goes back to the shell. */
  #ahead: string[] = [];

  constructor(input: ReadStream, show: (text: string) => void) {
    this.#input = input;
    this.#show = show;
  }

  async ask(question: string, { hidden }: { readonly hidden: boolean }): Promise<string | undefined> {
    const line = new LineEditor();
    this.#input.setRawMode(true);
    this.#show(question);
    try {
      const end = this.#typeAhead(line, hidden) ?? (await this.#read(line, hidden));
      this.#show("\n");
      if (end === "interrupted") throw new Interrupted("interrupted");
      return end === "closed" && line.text === "" ? undefined : line.text;
    } finally {
      this.#input.setRawMode(false);
    }
  }

  #read(line: LineEditor, hidden: boolean): Promise<LineEnd> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        this.#input.off("data", onData).off("end", onEnd).off("error", onError).pause();
        settle();
      };
      const onData = (bytes: Uint8Array) => {
        this.#ahead.push(...this.#decoder.decode(bytes, { stream: true }));
        const end = this.#typeAhead(line, hidden);
        if (end !== undefined) finish(() => resolve(end));
      };
      const onEnd = () => finish(() => resolve("closed"));
      const onError = (error: Error) => finish(() => reject(error));
      this.#input.on("data", onData).on("end", onEnd).on("error", onError).resume();
    });
  }

  /** Feeds what has come to the line, until it ends. */
  #typeAhead(line: LineEditor, hidden: boolean): LineEnd | undefined {
    for (let at = 0; at < this.#ahead.length; at++) {
      const result = line.type(this.#ahead[at]!);
      if ("end" in result) {
        const isPair = this.#ahead[at] === "\r" && this.#ahead[at + 1] === "\n";
        this.#ahead = this.#ahead.slice(at + (isPair ? 2 : 1));
        return result.end;
      }
      if (!hidden) this.#show("shown" in result ? result.shown : "\b \b".repeat(result.erased));
    }
    this.#ahead = [];
    return undefined;
  }
}
