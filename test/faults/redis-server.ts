/** A redis-server of the tests' own, on a free port of loopback, without persistence; ends with the tests. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RedisServer {
  readonly url: string;
  /** Ends it at once and takes what it held with it. */
  stop(): Promise<void>;
}

/**
 * Whether this machine has a redis-server. Where CI must have one, its absence is an error; elsewhere the caller skips, and this
 * says so once.
 */
export function hasRedis(): boolean {
  const present = spawnSync("redis-server", ["--version"]).status === 0;
  if (!present && process.env["CI"] === "true") throw new Error("redis-server is not installed: apt-get install redis-server");
  if (!present) console.warn("redis-server is not installed: the tests that need it are skipped (apt-get install redis-server)");
  return present;
}

/** @param port a free one, unless told otherwise */
export async function startRedis(port?: number): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "viopay-pos-redis-"));
  const chosen = port ?? (await freePort());
  const args = ["--port", String(chosen), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
  await ready(child);
  return {
    url: `redis://127.0.0.1:${chosen}`,
    async stop() {
      const ended = child.exitCode === null ? once(child, "exit") : Promise.resolve();
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout?.on("data", (part) => {
      output += part;
      if (output.includes("Ready to accept connections")) resolve();
    });
    child.once("exit", () => reject(new Error(`redis-server ended: ${output}`)));
    child.once("error", reject);
  });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
