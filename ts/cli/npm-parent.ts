/**
 * Whether this process was left behind by npm. `npx viopay-pos mock & kill $!` ends npm, which ends its shell, and neither passes the
 * signal on: the server would stay. So where npm's shell was asked to run this very command in the foreground, the end of that shell
 * ends the command, too. Daemons, containers, CI jobs, and commands that a script sends to the background keep running: they have
 * other parents, or another command line.
 */
import { readFileSync } from "node:fs";

export interface Process {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ppid: number;
}

/** How often the parent is looked at: its end makes no signal. */
const INTERVAL_MS = 250;

/** Processes that get the children of others: a parent of that name is none that started this one. */
const REAPERS = /^(?:systemd|init|launchd|tini|docker-init|dumb-init|catatonit)$/;

/** `npm_lifecycle_script` is the line that npm gives to its shell; a single `&` sends its command to the background. */
export function isInForegroundOfNpm({ env }: Process): boolean {
  const line = env["npm_lifecycle_script"] ?? "";
  return /\bviopay-pos\b/.test(line) && !/(?:^|[^&])&(?:[^&]|$)/.test(line) && !/\b(?:nohup|setsid)\b/.test(line);
}

/** Calls `ended` once, when the shell of npm that started this process is gone; it may be gone already. */
export function whenNpmEnds(process: Process, ended: () => void): void {
  if (!isInForegroundOfNpm(process)) return;
  const parent = process.ppid;
  if (parent === 1 && isReaper(parent)) {
    ended();
    return;
  }
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    ended();
  }, INTERVAL_MS);
  timer.unref();
}

/** npm itself may be process 1 of a container, and its shell may give way to the command: that is no orphan. */
function isReaper(pid: number): boolean {
  try {
    return REAPERS.test(readFileSync(`/proc/${pid}/comm`, "utf8").trim());
  } catch {
    return true;
  }
}
