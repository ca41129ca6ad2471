/** A command's surroundings for tests: output is kept, input and files are given. */
import type { Io } from "../../ts/cli/io.js";
import { run } from "../../ts/cli/run.js";

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly color?: boolean;
  readonly signal?: AbortSignal;
  /** Told of every piece of standard output. */
  readonly onOut?: (text: string) => void;
}

export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function command(args: readonly string[], around: Surroundings = {}): Promise<Result> {
  const { env = {}, files = {}, stdin = "", color = false, signal = new AbortController().signal, onOut } = around;
  let out = "";
  let err = "";
  const io: Io = {
    out: (text) => {
      out += text;
      onOut?.(text);
    },
    err: (text) => {
      err += text;
    },
    env,
    color,
    readStdin: async () => new TextEncoder().encode(stdin),
    readFile: async (path) => {
      const content = files[path];
      if (content === undefined) throw new Error("no such file");
      return new TextEncoder().encode(content);
    },
    signal,
  };
  const code = await run(args, io);
  return { code, out, err };
}
