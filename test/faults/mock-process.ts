/** `viopay-pos mock` in a process of its own, from the built package, and what it prints. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface MockProcess {
  readonly child: ChildProcess;
  readonly url: string;
  /** What it printed first. */
  readonly first: Readonly<Record<string, unknown>>;
  /** Every line so far. */
  readonly lines: readonly string[];
  /** Sends a signal and waits for the end: the exit code, or `null` for a signal's. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

export async function startMock(args: readonly string[]): Promise<MockProcess> {
  const child = spawn(process.execPath, [main, "mock", "--port", "0", "--json", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  let complaints = "";
  child.stderr.on("data", (part) => {
    complaints += part;
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => lines.push(line));
  await Promise.race([once(reader, "line"), ended.then(() => Promise.reject(new Error(`the mock ended: ${complaints}`)))]);
  const first = JSON.parse(lines[0] ?? "{}") as { listening: string };
  return {
    child,
    url: first.listening,
    first: first as unknown as Record<string, unknown>,
    lines,
    async end(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}
