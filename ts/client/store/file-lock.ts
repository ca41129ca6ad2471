/**
 * The lock of a store's directory: one opening at a time, of all threads, processes, containers and machines that reach it. Every
 * opening has a file of its own there, whose name says whose it is (file-owner.ts), and which will never be another opening's. Who
 * opens looks for others' files first, makes its own, and looks again: of two that open at once, at least one sees the other.
 *
 * What decides whether another's opening is still alive, without any option, after a crash, a SIGKILL or a power loss alike:
 *
 * 1. A socket in the directory that somebody answers at (file-socket.ts): it is. Nobody answers, and the kernel is the same one and
 *    sees the same directory: it has ended.
 * 2. No socket, but the same kernel and PID namespace: what the kernel says of that process and thread.
 * 3. Otherwise, as on a volume that machines share or after a restart: its heartbeat, a number that the holder writes into its file
 *    at each interval. Whoever waits watches it for two intervals by its own monotonic clock; clocks are not compared. One that does
 *    not move belongs to a holder that has ended.
 *
 * A holder that was stopped for longer than that, and has lost the directory meanwhile, finds its file gone before it writes again.
 */
import { randomInt } from "node:crypto";
import { open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { pid } from "node:process";
import { PosCryptoError } from "../../base/errors.js";
import { sleep } from "../http/sleep.js";
import { hasEnded, isOfThisBoot, lockName, type Owner, ownerOf, thisOwner } from "./file-owner.js";
import { askSocket, type LivenessSocket, openSocket } from "./file-socket.js";

export interface DirectoryLock {
  /** Errors: `ERR_STORE` where the directory was taken over, since nothing was heard of this opening for two intervals. */
  confirm(): Promise<void>;
  /** Gives the directory up. */
  release(): Promise<void>;
}

type Verdict = "alive" | "ended" | "to be watched";

const OWNER_ONLY = 0o600;
/** Two that open at once may both see the other and step back: they try again, apart. */
const TRIES = 4;
const LONGEST_PAUSE_MS = 40;
const LOOKS_PER_INTERVAL = 5;
/** One file for all, with a pid in a line: earlier versions. */
const SHARED_NAME = "lock";

/**
 * Errors: `ERR_STORE` while anybody else has the directory, which includes other openings by this process; `details` has `process`,
 * and `host` and `since` (RFC 3339, by the holder's clock) where the holder's file tells them.
 */
export async function lockDirectory(directory: string, intervalMs: number): Promise<DirectoryLock> {
  const { dev } = await stat(directory, { bigint: true });
  for (let tries = 1; ; tries++) {
    let holder = await findHolder(directory, undefined, dev);
    if (holder === undefined) {
      const own = await Opening.make(directory, thisOwner(dev, intervalMs));
      try {
        holder = await findHolder(directory, own.name, dev);
      } catch (error) {
        await own.release().catch(() => {});
        throw error;
      }
      if (holder === undefined) return own;
      await own.release();
    }
    if (tries === TRIES || holder.isSure) throw await heldBy(directory, holder);
    await sleep(randomInt(1, LONGEST_PAUSE_MS), undefined);
  }
}

interface Holder {
  readonly name: string;
  readonly pid: number;
  /** Whether it has had the directory for longer than one that only looks. */
  readonly isSure: boolean;
}

/** A living opening other than `own`. Removes what was left by others. */
async function findHolder(directory: string, own: string | undefined, device: bigint): Promise<Holder | undefined> {
  for (const name of await readdir(directory)) {
    if (name === own) continue;
    if (name === SHARED_NAME) {
      const shared = await sharedOwner(join(directory, name));
      if (shared !== undefined) return { name, pid: shared, isSure: false };
      await rm(join(directory, name), { force: true });
      continue;
    }
    const owner = ownerOf(name);
    if (owner === undefined) continue;
    let verdict = await judge(directory, owner, device);
    const watched = verdict === "to be watched";
    if (watched) verdict = await watch(join(directory, name), owner);
    if (verdict === "alive") return { name, pid: owner.pid, isSure: watched };
    await rm(join(directory, socketName(owner)), { force: true });
    await rm(join(directory, name), { force: true });
  }
  return undefined;
}

async function judge(directory: string, owner: Owner, device: bigint): Promise<Verdict> {
  const answer = await askSocket(directory, socketName(owner));
  if (answer === "held") return "alive";
  const sameBoot = isOfThisBoot(owner);
  if (sameBoot === true && answer === "left" && owner.device === String(device)) return "ended";
  const own = thisOwner(device, 0);
  const sameNamespace = owner.namespace === own.namespace || owner.namespace === "0";
  if (sameBoot === true && sameNamespace) return hasEnded(owner) ? "ended" : "alive";
  if (owner.intervalMs > 0) return "to be watched";
  // Of an earlier version, which has no heartbeat: its pid is all there is.
  return sameBoot === false || hasEnded(owner) ? "ended" : "alive";
}

/** Two intervals by the monotonic clock. A file that goes while it is watched was given up. */
async function watch(path: string, { intervalMs }: Owner): Promise<Verdict> {
  const before = await heartbeat(path);
  for (let looks = 0; looks < 2 * LOOKS_PER_INTERVAL; looks++) {
    const now = await heartbeat(path);
    if (now === undefined) return "ended";
    if (now !== before) return "alive";
    await sleep(intervalMs / LOOKS_PER_INTERVAL, undefined);
  }
  return (await heartbeat(path)) === before ? "ended" : "alive";
}

/** Whatever changes. Opened anew each time: a network drive then asks its server. `undefined` where the file is gone. */
async function heartbeat(path: string): Promise<string | undefined> {
  return await readFile(path, "latin1").catch((error: unknown) => {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  });
}

/** What a holder writes into its file: for people, but for the number, which only has to change. */
interface Told {
  readonly host: string;
  readonly since: string;
  readonly beat: number;
}

class Opening implements DirectoryLock {
  readonly name: string;
  readonly #path: string;
  readonly #told: Omit<Told, "beat">;
  readonly #intervalMs: number;
  readonly #socket: LivenessSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #beat = 0;
  /** By the monotonic clock. */
  #beatAt = performance.now();
  #lost = false;

  /** The socket first: whoever sees the file can ask. */
  static async make(directory: string, owner: Owner): Promise<Opening> {
    const socket = await openSocket(directory, socketName(owner));
    const opening = new Opening(directory, owner, socket);
    try {
      await writeFile(opening.#path, opening.#text(), { flag: "wx", mode: OWNER_ONLY });
    } catch (error) {
      await opening.release().catch(() => {});
      throw error;
    }
    opening.#timer = setInterval(() => void opening.#show().catch(() => {}), owner.intervalMs);
    opening.#timer.unref();
    return opening;
  }

  private constructor(directory: string, owner: Owner, socket: LivenessSocket | undefined) {
    this.name = lockName(owner);
    this.#path = join(directory, this.name);
    this.#told = { host: hostname(), since: new Date().toISOString() };
    this.#intervalMs = owner.intervalMs;
    this.#socket = socket;
  }

  async confirm(): Promise<void> {
    // Nobody waits for less than two intervals: one that has just been seen is still ours.
    if (!this.#lost && performance.now() - this.#beatAt >= this.#intervalMs) await this.#show();
    if (this.#lost) {
      throw new PosCryptoError(
        "ERR_STORE",
        "the store was taken over by another process while this one was stopped: open it again",
      );
    }
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await rm(this.#path, { force: true });
    await this.#socket?.close();
  }

  /** Writes the next heartbeat, unless the file is gone. */
  async #show(): Promise<void> {
    const at = performance.now();
    try {
      const file = await open(this.#path, "r+");
      try {
        this.#beat += 1;
        await file.write(this.#text(), 0);
      } finally {
        await file.close();
      }
      this.#beatAt = at;
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ENOENT") throw error;
      this.#lost = true;
      clearInterval(this.#timer);
    }
  }

  /** Of one length, so that each replaces the one before. */
  #text(): string {
    const beat = String(this.#beat % 1e9).padStart(9, "0");
    return `${JSON.stringify({ ...this.#told, beat })}\n`;
  }
}

function socketName({ token }: Owner): string {
  return `socket.${token}`;
}

async function heldBy(directory: string, { name, pid: owner }: Holder): Promise<PosCryptoError> {
  const { host, since } = await toldBy(join(directory, name));
  const where = host === undefined ? "" : ` on ${host}`;
  const when = since === undefined ? "" : ` since ${since}`;
  return new PosCryptoError("ERR_STORE", `the store is open elsewhere: process ${owner}${where} has it${when}`, {
    details: { process: owner, ...(host === undefined ? {} : { host }), ...(since === undefined ? {} : { since }) },
  });
}

/** Nothing where the file holds something else, as that of earlier versions or after a power loss. */
async function toldBy(path: string): Promise<Partial<Told>> {
  try {
    const { host, since } = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
    return typeof host === "string" && typeof since === "string" ? { host, since } : {};
  } catch {
    return {};
  }
}

/** Earlier versions knew their own process's openings by themselves: a file with our pid is of a process that had it before. */
async function sharedOwner(path: string): Promise<number | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  // Without its line feed it is half of another number.
  const owner = text.endsWith("\n") ? Number(text) : 0;
  if (!(owner > 0) || owner === pid) return undefined;
  const ended = hasEnded({
    pid: owner,
    thread: owner,
    start: "0",
    boot: "0",
    namespace: "0",
    device: "0",
    intervalMs: 0,
    token: "",
  });
  return ended ? undefined : owner;
}
