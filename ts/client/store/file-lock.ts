/**
 * The lock of a store's directory. Every opening has a file of its own there, empty, whose name says whose it is, since a name is
 * there whole or not at all whatever a power loss leaves of contents:
 *
 *     lock.PID.THREAD.START.BOOT.TOKEN
 *
 * A pid alone says little after a restart, when another process has it. Linux tells when a thread started (in ticks since boot) and
 * which boot that was; elsewhere both are 0 and the pid decides. The token tells apart openings by one process or thread.
 *
 * Who opens makes its file first and looks for others' then: of two that open at once, at least one sees the other. What a thread
 * left that has ended is removed, which harms nobody, since no other opening will ever have that name.
 *
 * Threads that the operating system does not show count as ended: those of another machine on a network drive, of another container.
 */
import { randomBytes, randomInt } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { kill, pid } from "node:process";
import { PosCryptoError } from "../../base/errors.js";
import { sleep } from "../http/sleep.js";

interface Owner {
  readonly pid: number;
  /** The main thread's is the pid. */
  readonly thread: number;
  /** `0` where the platform does not tell, as for `boot`. */
  readonly start: string;
  readonly boot: string;
}

const OWNER_ONLY = 0o600;
/** Two that open at once may both see the other and step back: they try again, apart. */
const TRIES = 4;
const LONGEST_PAUSE_MS = 40;

const NAME = /^lock\.(\d+)\.(\d+)\.(\d+)\.([0-9a-f]+)\.[0-9a-f]{32}$/;
/** One file for all, with a pid in a line: earlier versions. */
const SHARED_NAME = "lock";

/**
 * Returns what gives the directory up again. Errors: `ERR_STORE` with `details: { process }` while anybody else has it, which includes
 * other openings by this process.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const { thread, start, boot } = thisThread();
  const name = ["lock", pid, thread, start, boot, randomBytes(16).toString("hex")].join(".");
  const release = () => rm(join(directory, name), { force: true });
  for (let tries = 1; ; tries++) {
    let other: number | undefined;
    try {
      await (await open(join(directory, name), "wx", OWNER_ONLY)).close();
      other = await findOther(directory, name);
    } catch (error) {
      await release().catch(() => {});
      throw error;
    }
    if (other === undefined) return release;
    await release();
    if (tries === TRIES) throw new PosCryptoError("ERR_STORE", "the store is open elsewhere", { details: { process: other } });
    await sleep(randomInt(1, LONGEST_PAUSE_MS), undefined);
  }
}

/** The pid of a living owner. Removes the locks of others. */
async function findOther(directory: string, own: string): Promise<number | undefined> {
  for (const name of await readdir(directory)) {
    if (name === own || (name !== SHARED_NAME && !NAME.test(name))) continue;
    const owner = name === SHARED_NAME ? await sharedOwner(join(directory, name)) : ownerOf(name);
    if (owner !== undefined && !hasEnded(owner)) return owner.pid;
    await rm(join(directory, name), { force: true });
  }
  return undefined;
}

function ownerOf(name: string): Owner {
  const [, owner = "", thread = "", start = "", boot = ""] = NAME.exec(name) ?? [];
  return { pid: Number(owner), thread: Number(thread), start, boot };
}

/** Earlier versions knew their own process's openings by themselves: a file with our pid is of a process that had it before. */
async function sharedOwner(path: string): Promise<Owner | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  // Without its line feed it is half of another number.
  const owner = text.endsWith("\n") ? Number(text) : 0;
  return owner > 0 && owner !== pid ? { pid: owner, thread: owner, start: "0", boot: "0" } : undefined;
}

function thisThread(): Owner {
  // Asked for synchronously, and so by the thread itself: `PID/task/THREAD`.
  const thread = Number(told(() => /^\d+\/task\/(\d+)$/.exec(readlinkSync("/proc/thread-self"))?.[1]) ?? pid);
  return { pid, thread, start: startOf(pid, thread) ?? "0", boot: bootId() ?? "0" };
}

function hasEnded({ pid: owner, thread, start, boot }: Owner): boolean {
  const current = bootId();
  if (boot !== "0" && current !== undefined && boot !== current) return true;
  if (!isAlive(owner)) return true;
  if (start === "0") return false;
  const found = startOf(owner, thread);
  if (found !== undefined) return found !== start;
  // No such thread, unless the process is one whose facts are hidden from us (proc's `hidepid`).
  return startOf(owner, owner) !== undefined;
}

function isAlive(owner: number): boolean {
  try {
    kill(owner, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === "EPERM";
  }
}

function bootId(): string | undefined {
  const id = told(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1"));
  return id === undefined ? undefined : /^[0-9a-f]{32}$/.exec(id.trim().replaceAll("-", ""))?.[0];
}

/** Field 22 of proc_pid_stat(5); `ended` for a thread that only waits to be asked for its exit code. */
function startOf(owner: number, thread: number): string | undefined {
  const stat = told(() => readFileSync(`/proc/${owner}/task/${thread}/stat`, "latin1"));
  // Field 2, the command, is in parentheses and may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields?.[0] === "Z" || fields?.[0] === "X") return "ended";
  const start = fields?.[19];
  return start !== undefined && /^\d+$/.test(start) ? start : undefined;
}

/** What the platform tells, if it does. */
function told<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
