/**
 * The built command at a real pseudo-terminal, as a person sees it and types: `script` of util-linux makes the terminal. Its own echo
 * is on, as a shell leaves it, so that a secret shows unless the command prevents it.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const { bin } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8")) as { bin: Record<string, string> };

/** The built command. */
export const MAIN = ROOT + bin["viopay-pos"];

/** Why there is no pseudo-terminal here, or `undefined`. `--echo` is of util-linux 2.35. */
export const noTerminal: string | undefined = (() => {
  if (process.platform !== "linux") return "needs script of util-linux";
  const { status, stdout } = spawnSync("script", ["--help"], { encoding: "utf8" });
  if (status !== 0 || !stdout.includes("--echo")) return "needs script of util-linux 2.35 or later";
  return undefined;
})();

const PATIENCE_MS = 20_000;

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

export class PseudoTerminal {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #screen = "";
  /** Where the next search begins. */
  #seen = 0;

  /** Runs `viopay-pos` with `args`; `after`: shell text behind the command, as a redirection. */
  constructor(args: readonly string[], { env = {}, after = "" }: { env?: Record<string, string>; after?: string } = {}) {
    const line = [process.execPath, MAIN, ...args].map(quote).join(" ");
    const { NO_COLOR: _none, FORCE_COLOR: _forced, ...inherited } = process.env;
    this.#child = spawn("script", ["--quiet", "--return", "--echo", "always", "--command", `${line} ${after}`, "/dev/null"], {
      env: { ...inherited, TERM: "xterm", ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child.stdout!.on("data", (bytes: Buffer) => {
      this.#screen += bytes.toString("utf8");
    });
    this.#ended = new Promise((resolve) => this.#child.once("close", (code) => resolve(code)));
  }

  /** Everything that was shown, with plain line ends. */
  get screen(): string {
    return this.#screen.replaceAll("\r\n", "\n");
  }

  /** The same without colours. */
  get text(): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
    return this.screen.replace(/\u001b\[\d+m/g, "");
  }

  type(text: string): void {
    this.#child.stdin!.write(text);
  }

  /** Waits until `words` are shown after what was seen last. */
  async sees(words: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (this.#screen.indexOf(words, this.#seen) < 0) {
      if (Date.now() > deadline || this.#child.exitCode !== null)
        throw new Error(`not shown: ${words}; the screen:\n${this.screen}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.#seen = this.#screen.indexOf(words, this.#seen) + words.length;
  }

  /** Answers a question: waits for it, types the line and Enter. */
  async answer(question: string, line: string): Promise<void> {
    await this.sees(question);
    this.type(`${line}\r`);
  }

  /** Exit code of the command. */
  async end(): Promise<number | null> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE_MS);
    try {
      return await this.#ended;
    } finally {
      clearTimeout(timer);
    }
  }
}
