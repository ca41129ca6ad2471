/**
 * One line typed at a terminal in raw mode: which characters are text, and which end the line, edit it or mean nothing.
 *
 * The line may be a secret. It is a JavaScript string and cannot be wiped; nothing here repeats it.
 */

/** `enter`: the line is complete. `closed`: Ctrl-D, which completes it, too. `interrupted`: Ctrl-C. */
export type LineEnd = "enter" | "closed" | "interrupted";

const BACKSPACE = new Set(["\b", "\u007f"]);
const ERASE_LINE = "\u0015";
const ERASE_WORD = "\u0017";
const ESCAPE = "\u001b";
/** The last character of a control sequence, as of an arrow key: ECMA-48 clause 5.4. */
const FINAL = /[@-~]/;

export class LineEditor {
  readonly #characters: string[] = [];
  /** Where in an escape sequence the last character was. */
  #sequence: "none" | "escape" | "control" = "none";

  get text(): string {
    return this.#characters.join("");
  }

  /** Takes one character. Returns what it ended, or what a visible line shows for it: text, or how many characters to erase. */
  type(character: string): { readonly end: LineEnd } | { readonly shown: string } | { readonly erased: number } {
    if (this.#isWithinSequence(character)) return { shown: "" };
    if (character === "\r" || character === "\n") return { end: "enter" };
    if (character === "\u0003") return { end: "interrupted" };
    if (character === "\u0004") return { end: "closed" };
    if (BACKSPACE.has(character)) return this.#erase(1);
    if (character === ERASE_LINE) return this.#erase(this.#characters.length);
    if (character === ERASE_WORD) return this.#erase(/\S*\s*$/.exec(this.text)![0].length);
    const shown = character === "\t" ? " " : character;
    if (shown < " ") return { shown: "" };
    this.#characters.push(shown);
    return { shown };
  }

  #erase(count: number): { readonly erased: number } {
    return { erased: this.#characters.splice(Math.max(0, this.#characters.length - count)).length };
  }

  /** Arrow keys and the marks around a paste are sequences of several characters, none of which is text. */
  #isWithinSequence(character: string): boolean {
    if (character === ESCAPE) {
      this.#sequence = "escape";
      return true;
    }
    if (this.#sequence === "none") return false;
    const isIntroducer = this.#sequence === "escape" && (character === "[" || character === "O");
    if (isIntroducer) this.#sequence = "control";
    else if (this.#sequence === "escape" || FINAL.test(character)) this.#sequence = "none";
    return true;
  }
}
