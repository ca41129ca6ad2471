/**
 * Who has a store's directory open, as the name of a lock file says it: a name is there whole or not at all, whatever a power loss
 * leaves of contents.
 *
 *     lock.PID.THREAD.START.BOOT.NAMESPACE.DEVICE.INTERVAL.TOKEN
 *
 * | part      | what                                                                        | `0` where unknown |
 * |-----------|-----------------------------------------------------------------------------|-------------------|
 * | PID       | of the process, as its own PID namespace numbers it                         |                   |
 * | THREAD    | of the thread; the main thread's is the PID                                 |                   |
 * | START     | when the thread started, in ticks since boot: a PID is given again          | yes               |
 * | BOOT      | the kernel's boot id: a kernel that was started again has another one       | yes               |
 * | NAMESPACE | the PID namespace's number: containers have their own                       | yes               |
 * | DEVICE    | of the directory, as the kernel numbers it                                  |                   |
 * | INTERVAL  | milliseconds between two heartbeats                                         |                   |
 * | TOKEN     | tells apart the openings by one thread; the socket has it in its name, too  |                   |
 *
 * Earlier names end after BOOT and TOKEN, and have neither socket nor heartbeat.
 */
import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { kill, pid } from "node:process";

export interface Owner {
  readonly pid: number;
  readonly thread: number;
  readonly start: string;
  readonly boot: string;
  readonly namespace: string;
  readonly device: string;
  /** 0 in earlier names: nothing will ever move. */
  readonly intervalMs: number;
  readonly token: string;
}

const NAME =
  /^lock\.(?<pid>\d+)\.(?<thread>\d+)\.(?<start>\d+)\.(?<boot>[0-9a-f]+)(?:\.(?<namespace>\d+)\.(?<device>\d+)\.(?<intervalMs>\d+))?\.(?<token>[0-9a-f]{32})$/;

export function lockName({ pid: owner, thread, start, boot, namespace, device, intervalMs, token }: Owner): string {
  return ["lock", owner, thread, start, boot, namespace, device, intervalMs, token].join(".");
}

/** `undefined` for a file that is no lock. */
export function ownerOf(name: string): Owner | undefined {
  const found = NAME.exec(name)?.groups;
  if (found === undefined) return undefined;
  const { start = "0", boot = "0", namespace = "0", device = "0", token = "" } = found;
  const [owner, thread, intervalMs] = [Number(found["pid"]), Number(found["thread"]), Number(found["intervalMs"] ?? 0)];
  return { pid: owner, thread, start, boot, namespace, device, intervalMs, token };
}

/** @param device of the directory */
export function thisOwner(device: bigint, intervalMs: number): Owner {
  // Asked for synchronously, and so by the thread itself: `PID/task/THREAD`.
  const thread = Number(told(() => /^\d+\/task\/(\d+)$/.exec(readlinkSync("/proc/thread-self"))?.[1]) ?? pid);
  const namespace = told(() => /\[(\d+)\]/.exec(readlinkSync("/proc/self/ns/pid"))?.[1]) ?? "0";
  const [start, boot, token] = [startOf(pid, thread) ?? "0", bootId() ?? "0", randomBytes(16).toString("hex")];
  return { pid, thread, start, boot, namespace, device: String(device), intervalMs, token };
}

/** Whether its kernel is ours; `undefined` where that cannot be told. */
export function isOfThisBoot({ boot }: Owner): boolean | undefined {
  const current = bootId();
  return boot === "0" || current === undefined ? undefined : boot === current;
}

/** Whether a thread of this kernel and this PID namespace has ended. */
export function hasEnded({ pid: owner, thread, start }: Owner): boolean {
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
