/** The mock under npx and npm: it ends when they are ended, and it stays where it was sent to the background. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { isInForegroundOfNpm, whenNpmEnds } from "../../ts/cli/npm-parent.js";
import { ok, same } from "../harness.js";
import { MAIN } from "./pseudo-terminal.js";

const folder = mkdtempSync(join(tmpdir(), "viopay-pos-npm-"));
const PATIENCE_MS = 30_000;

beforeAll(() => {
  mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
  symlinkSync(MAIN, join(folder, "node_modules/.bin/viopay-pos"));
  chmodSync(MAIN, 0o755);
  const scripts = {
    host: "viopay-pos mock --port 0 --json > run.json",
    background: "viopay-pos mock --port 0 --json > background.json & echo $! > pid; sleep 60",
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "shop", version: "1.0.0", private: true, scripts }));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + PATIENCE_MS; ; ) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The address in the first line of a file, once it is there. */
function address(name: string): string | undefined {
  try {
    const [line, ...rest] = readFileSync(join(folder, name), "utf8").split("\n");
    return rest.length === 0 ? undefined : (JSON.parse(line!) as { listening: string }).listening;
  } catch {
    return undefined;
  }
}

async function answers(url: string): Promise<boolean> {
  return await fetch(`${url}/pos/status`).then(
    () => true,
    () => false,
  );
}

/** Starts a command in the folder, in a shell's background as `COMMAND & kill $!` has it: its process is npm's own. */
function start(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, args, { cwd: folder, stdio: "ignore", env: { ...process.env, npm_config_update_notifier: "false" } });
}

describe.skipIf(process.platform === "win32")("the mock under npm", () => {
  for (const [how, command, args, file] of [
    ["npx viopay-pos mock", "npx", ["-c", "viopay-pos mock --port 0 --json > npx.json"], "npx.json"],
    ["npm run", "npm", ["run", "--silent", "host"], "run.json"],
  ] as const) {
    it(`${how} & kill $!: no server is left`, async () => {
      const child = start(command, args);
      const url = await until("the first line", () => address(file));
      ok(await answers(url), "it answers");
      child.kill("SIGTERM");
      await until("the server's end", async () => ((await answers(url)) ? undefined : true));
    });
  }

  it("a server that a script sends to the background stays, and ends by its own signal", async () => {
    const child = start("npm", ["run", "--silent", "background"]);
    const url = await until("the first line", () => address("background.json"));
    child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    ok(await answers(url), "it still answers");
    process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), "SIGTERM");
    await until("the server's end", async () => ((await answers(url)) ? undefined : true));
  });

  it("only a command that npm's shell runs in the foreground looks at its parent", () => {
    const isWatched = (script?: string) => isInForegroundOfNpm({ env: { npm_lifecycle_script: script }, ppid: 7 });
    for (const script of [
      "viopay-pos mock",
      "'viopay-pos' mock --port 0",
      "npm run build && viopay-pos mock",
      "viopay-pos mock; true",
    ]) {
      same(isWatched(script), true, script);
    }
    for (const script of [
      undefined,
      "",
      "vitest",
      "viopay-pos mock &",
      "viopay-pos mock & vitest",
      "nohup viopay-pos mock",
      "setsid viopay-pos mock",
    ]) {
      same(isWatched(script), false, script ?? "none");
    }
  });

  it("the parent's end is told once", async () => {
    let [ppid, told] = [7, 0];
    const child = {
      env: { npm_lifecycle_script: "viopay-pos mock" },
      get ppid() {
        return ppid;
      },
    };
    whenNpmEnds(child, () => told++);
    await new Promise((resolve) => setTimeout(resolve, 400));
    same(told, 0, "as long as it lives");
    ppid = 1;
    await new Promise((resolve) => setTimeout(resolve, 900));
    same(told, 1);
  });
});
