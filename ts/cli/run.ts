/**
 * The command `viopay-pos`: picks a command, runs it, turns errors into exit codes: 0 done and right, 1 wrong or refused, 2 wrong
 * usage, 130 interrupted (128 and the number of SIGINT, as shells have it).
 */
import { PosCryptoError } from "../base/errors.js";
import { didYouMean } from "./did-you-mean.js";
import type { Io } from "./io.js";
import { usageError } from "./options.js";
import { inOwnWords } from "./own-words.js";
import { Interrupted } from "./terminal.js";
import { packageVersion } from "./version.js";

/** A command module. `run` returns the exit code. */
interface Command {
  readonly usage: string;
  readonly run: (args: readonly string[], io: Io) => Promise<number>;
}

/** Loaded when asked for, so that a check value does not load a server. */
const COMMANDS: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  demo: { summary: "a terminal's whole life against a mock host, every step checked", load: () => import("./demo.js") },
  mock: { summary: "run the mock API", load: () => import("./mock.js") },
  keyblock: { summary: "read, unwrap, wrap or rewrap a TR-31 key block", load: () => import("./keyblock.js") },
  key: { summary: "generate, combine or split keys", load: () => import("./key.js") },
  kcv: { summary: "check values of a key, or the check of one", load: () => import("./kcv.js") },
  pin: { summary: "encrypt, decrypt or translate a PIN block", load: () => import("./pin.js") },
  envelope: { summary: "seal JSON into an envelope, or open one", load: () => import("./envelope.js") },
  sign: { summary: "sign or verify a request or an attestation", load: () => import("./sign.js") },
};

const INTERRUPTED = 130;

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return [
    "usage: viopay-pos COMMAND [options]",
    "",
    ...lines,
    "",
    "viopay-pos COMMAND --help shows a command's options with examples, viopay-pos --version the version.",
    "Keys, PINs and card numbers are asked for on a terminal, or given as file:PATH, env:NAME or - (standard input),",
    "never as arguments. Exit codes: 0 done and right, 1 wrong or refused, 2 wrong usage.",
    "",
  ].join("\n");
}

export async function run(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    io.out(overview());
    return 0;
  }
  if (name === "--version" || name === "version") {
    io.out(`${packageVersion()}\n`);
    return 0;
  }
  if (name === undefined) {
    io.err(overview());
    return 2;
  }
  try {
    if (!Object.hasOwn(COMMANDS, name)) throw usageError(`unknown command${didYouMean(name, Object.keys(COMMANDS))}`);
    const command = await COMMANDS[name]!.load();
    if (rest.includes("--help") || rest.includes("-h")) {
      io.out(command.usage);
      return 0;
    }
    return await command.run(rest, io);
  } catch (error) {
    return failed(error, Object.hasOwn(COMMANDS, name) ? `viopay-pos ${name}` : "viopay-pos", io);
  }
}

/** One line for the error, one for where to read on. Returns the exit code. */
function failed(error: unknown, command: string, io: Io): number {
  if (error instanceof Interrupted) return INTERRUPTED;
  if (!(error instanceof PosCryptoError)) {
    io.err(`viopay-pos: ${describe(error)}\n`);
    return 1;
  }
  if (error.code !== "ERR_COMMAND_LINE") {
    io.err(`viopay-pos: ${error.code}: ${inOwnWords(error.message)}\n`);
    return 1;
  }
  io.err(`viopay-pos: ${error.message}\nsee ${command} --help\n`);
  return 2;
}

/** The system's messages repeat paths, hosts and ports as they were typed: its codes say as much. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "failed";
  const { code, syscall } = error as NodeJS.ErrnoException;
  return typeof code === "string" && typeof syscall === "string"
    ? `${syscall} failed: ${code}`
    : `${error.name}: ${error.message}`;
}
