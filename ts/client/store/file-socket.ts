/**
 * A socket in a store's directory that only says "somebody is here": whoever can connect to it knows at once that its opener lives,
 * across PID and network namespaces of one kernel, since the kernel finds it by its file. The kernel closes it with the process,
 * however that ends. Nothing is read from it or written to it.
 */
import { chmod, type FileHandle, open, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { platform } from "node:process";
import { encodeUtf8 } from "../../base/bytes.js";

/** `sun_path` has 108 bytes on Linux and 104 on others, and ends in a zero byte. */
const LONGEST_PATH = 103;
const OWNER_ONLY = 0o600;

/**
 * - `held`: somebody listens
 * - `left`: the file is there, and nobody of this kernel listens
 * - `none`: no file
 * - `unknown`: it cannot be asked
 */
export type SocketAnswer = "held" | "left" | "none" | "unknown";

export interface LivenessSocket {
  close(): Promise<void>;
}

/** `undefined` where the directory's file system, or the platform, has no such sockets. */
export async function openSocket(directory: string, name: string): Promise<LivenessSocket | undefined> {
  const path = join(directory, name);
  const server = createServer((connection) => connection.destroy());
  const listening = await atShortPath(directory, name, (short) => listen(server, short)).catch(() => false);
  if (!listening) return undefined;
  server.on("error", () => {});
  server.unref();
  // Who may not connect cannot ask, and waits for the heartbeat.
  await chmod(path, OWNER_ONLY).catch(() => {});
  return {
    async close() {
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(path, { force: true });
    },
  };
}

export async function askSocket(directory: string, name: string): Promise<SocketAnswer> {
  const code = await atShortPath(directory, name, reach).catch(() => "unknown");
  if (code === "connected" || code === "EAGAIN") return "held";
  if (code === "ECONNREFUSED") return "left";
  return code === "ENOENT" ? "none" : "unknown";
}

function listen(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(path, () => resolve(true));
  });
}

/** `connected`, or the error's code. */
function reach(path: string): Promise<string> {
  return new Promise((resolve) => {
    const connection = connect(path);
    connection.once("connect", () => resolve("connected"));
    connection.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    connection.once("close", () => resolve("unknown"));
    connection.once("connect", () => connection.destroy());
  });
}

/** `use` with a path of the file that fits into a socket's address: on Linux, an open directory's own. Rejects where there is none. */
async function atShortPath<T>(directory: string, name: string, use: (path: string) => Promise<T>): Promise<T> {
  if (platform === "win32") throw new Error("pipes have names of their own there");
  const path = join(directory, name);
  if (encodeUtf8(path).length <= LONGEST_PATH) return await use(path);
  if (platform !== "linux") throw new Error("too long a path");
  let handle: FileHandle | undefined;
  try {
    handle = await open(directory, "r");
    return await use(`/proc/self/fd/${handle.fd}/${name}`);
  } finally {
    await handle?.close();
  }
}
