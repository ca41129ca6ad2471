/** What a command may touch: output, input, environment. Passed in, so that tests run commands in their own process. */
import { readFile } from "node:fs/promises";
import { whenNpmEnds } from "./npm-parent.js";
import { InputTerminal, type Terminal } from "./terminal.js";

export interface Io {
  /** Writes to standard output; a line break is the caller's. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether standard output may be coloured. */
  readonly color: boolean;
  /** Columns of the terminal that standard output is, if it is one. */
  readonly columns?: number | undefined;
  /** All of standard input, where it is no terminal. */
  readonly readStdin: () => Promise<Uint8Array>;
  /** The person at standard input, where it is a terminal. */
  readonly terminal?: Terminal | undefined;
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** Aborted when the user asks the program to stop. */
  readonly signal: AbortSignal;
}

/** The process's own. Colours: a terminal, unless NO_COLOR is set (no-color.org) or TERM is `dumb`. */
export function processIo(): Io {
  const { stdout, stderr, stdin, env } = process;
  // Whoever reads the output may stop early, as `head` does.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  const err = (text: string): void => void stderr.write(text);
  let stop: AbortSignal | undefined;
  return {
    out: (text) => void stdout.write(text),
    err,
    env,
    color: stdout.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
    columns: stdout.isTTY === true && stdout.columns > 0 ? stdout.columns : undefined,
    readStdin: async () => {
      const parts: Uint8Array[] = [];
      for await (const part of stdin) parts.push(part as Uint8Array);
      return new Uint8Array(Buffer.concat(parts));
    },
    terminal: stdin.isTTY === true ? new InputTerminal(stdin, err) : undefined,
    readFile: async (path) => new Uint8Array(await readFile(path)),
    // Commands that do not ask for it end at once, as the system has it.
    get signal() {
      stop ??= untilStopped();
      return stop;
    },
  };
}

function untilStopped(): AbortSignal {
  const controller = new AbortController();
  const stop = () => controller.abort();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, stop);
  whenNpmEnds(process, stop);
  return controller.signal;
}
