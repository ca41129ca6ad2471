/** How the demo's steps look: for people, or one JSON line each. */
import type { BackendInfo } from "../../backend/select.js";
import type { Io } from "../io.js";
import { bytes, createStyle, grouped, milliseconds } from "../style.js";
import type { Protection, Step } from "./step.js";

interface Summary {
  readonly backend: BackendInfo;
  readonly steps: number;
  readonly checks: number;
  readonly failed: number;
  readonly ms: number;
}

interface Opening {
  readonly backend: BackendInfo;
  readonly host: string;
  readonly deviceId: string;
}

export interface Reporter {
  opening(opening: Opening): void;
  step(step: Step): void;
  /** An error that ended the walk. */
  failure(during: string, error: unknown): void;
  summary(summary: Summary): void;
}

const WIDTH = 112;
const INDENT = "      ";

export function textReporter(io: Io): Reporter {
  const style = createStyle(io.color);
  let phase = "";
  return {
    opening({ backend, host, deviceId }) {
      const time = backend.constantTime ? "constant time" : "not constant time";
      io.out(`${style.bold("viopay-pos demo")}: a terminal's life from first boot to payments\n`);
      io.out(`${style.dim("host    ")}mock API at ${host}\n`);
      io.out(`${style.dim("device  ")}${deviceId}\n`);
      io.out(`${style.dim("backend ")}${backend.name}, ${time} (${backend.reason})\n`);
    },
    step(step) {
      if (step.phase !== phase) {
        phase = step.phase;
        io.out(`\n${style.bold(style.cyan(phase))}\n`);
      }
      const number = String(step.number).padStart(2);
      const status = String(step.status);
      const left = `${step.name.padEnd(24)}  ${step.request}`;
      const right = `${status}  ${milliseconds(step.ms).padStart(10)}`;
      const gap = " ".repeat(Math.max(2, WIDTH - number.length - 2 - left.length - right.length));
      const paint = step.status >= 200 && step.status <= 299 ? style.green : style.red;
      io.out(
        `${style.dim(number)}  ${style.bold(step.name.padEnd(24))}  ${step.request}${gap}${paint(status)}  ${milliseconds(step.ms).padStart(10)}\n`,
      );
      for (const item of step.protection) {
        const { what, how } = describe(item);
        const parts = [style.yellow(item.action.padEnd(11)) + what.padEnd(42), ...(how === "" ? [] : [style.dim(how)])];
        io.out(`${INDENT}${parts.join(" ").trimEnd()}\n`);
      }
      for (const line of wrap(step.checks.map(({ what, passed }) => `${passed ? "✓" : "✗"} ${what}`))) {
        io.out(`${INDENT}${line.replace(/[✓✗]/g, (mark) => (mark === "✓" ? style.green(mark) : style.red(mark)))}\n`);
      }
    },
    failure(during, error) {
      io.out(`${INDENT}${style.red("✗")} ${during} failed: ${errorText(error)}\n`);
    },
    summary({ backend, steps, checks, failed, ms }) {
      const text = `${steps} steps, ${checks} checks passed, ${failed} failed, ${milliseconds(ms)}, ${backend.name}`;
      io.out(`\n${style.bold(failed === 0 ? style.green(text) : style.red(text))}\n`);
    },
  };
}

export function jsonReporter(io: Io): Reporter {
  const line = (value: unknown) => io.out(`${JSON.stringify(value)}\n`);
  return {
    opening: ({ backend, host, deviceId }) => line({ host, device_id: deviceId, backend }),
    step: ({ sentBytes, receivedBytes, protection, ...step }) =>
      line({
        ...step,
        ms: round(step.ms),
        sent_bytes: sentBytes,
        received_bytes: receivedBytes,
        protection: protection.map(({ plainBytes, wireBytes, ...item }) => ({
          ...item,
          plain_bytes: plainBytes,
          wire_bytes: wireBytes,
        })),
      }),
    failure: (during, error) => line({ failure: during, error: errorText(error) }),
    summary: ({ backend, steps, checks, failed, ms }) =>
      line({
        summary: {
          steps,
          checks_passed: checks,
          failed,
          ms: round(ms),
          backend: backend.name,
          constant_time: backend.constantTime,
        },
      }),
  };
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function describe(item: Protection): { what: string; how: string } {
  const { plainBytes, wireBytes, method, key, kcv, backend } = item;
  let what = item.what;
  if (plainBytes !== undefined && wireBytes !== undefined) {
    const [from, to] = item.action === "opened" ? [wireBytes, plainBytes] : [plainBytes, wireBytes];
    what += `, ${grouped(from)} → ${bytes(to)}`;
  } else if (wireBytes !== undefined) what += `, ${bytes(wireBytes)}`;
  const under = key === undefined ? "" : `under ${key}${kcv === undefined ? "" : ` KCV ${kcv}`}`;
  const by = backend === undefined ? "" : `[${backend}]`;
  return { what, how: [method, under, by].filter((part) => part !== undefined && part !== "").join(" ") };
}

/** Fills lines with items, two spaces apart. */
function wrap(items: readonly string[]): string[] {
  const lines: string[] = [];
  let line = "";
  for (const item of items) {
    if (line !== "" && INDENT.length + line.length + 2 + item.length > WIDTH) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? item : `  ${item}`;
  }
  return line === "" ? lines : [...lines, line];
}

/** Class, code and message: the library's messages hold no secrets. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const code = (error as { code?: unknown }).code;
  return `${error.name}${typeof code === "string" ? ` ${code}` : ""}: ${error.message}`;
}
