/** The command `viopay-pos`: picks a command, runs it, turns errors into exit codes: 0 done, 1 failed, 2 wrong usage. */
import { PosCryptoError } from "../base/errors.js";
import type { Io } from "./io.js";
import { usageError } from "./options.js";

/** A command module. `run` returns the exit code. */
interface Command {
  readonly usage: string;
  readonly run: (args: readonly string[], io: Io) => Promise<number>;
}

/** Loaded when asked for, so that a check value does not load a server. */
const COMMANDS: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  demo: { summary: "a terminal's whole life against a mock host, every step checked", load: () => import("./demo.js") },
  mock: { summary: "run the mock API", load: () => import("./mock.js") },
  keyblock: { summary: "read, unwrap or wrap a TR-31 key block", load: () => import("./keyblock.js") },
  kcv: { summary: "check values of a key", load: () => import("./kcv.js") },
  pin: { summary: "encrypt, decrypt or translate a PIN block", load: () => import("./pin.js") },
  envelope: { summary: "seal JSON into an envelope, or open one", load: () => import("./envelope.js") },
  sign: { summary: "sign or verify a request or an attestation", load: () => import("./sign.js") },
};

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return [
    "usage: viopay-pos COMMAND [options]",
    "",
    ...lines,
    "",
    "viopay-pos COMMAND --help tells a command's options. Keys, PINs and card numbers are given as file:PATH,",
    "env:NAME or - (standard input), never as arguments. Exit codes: 0 done, 1 failed, 2 wrong usage.",
    "",
  ].join("\n");
}

export async function run(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    io.out(overview());
    return 0;
  }
  if (name === undefined) {
    io.err(overview());
    return 2;
  }
  let command: Command | undefined;
  try {
    if (!Object.hasOwn(COMMANDS, name)) throw usageError("unknown command");
    command = await COMMANDS[name]!.load();
    if (rest.includes("--help") || rest.includes("-h")) {
      io.out(command.usage);
      return 0;
    }
    return await command.run(rest, io);
  } catch (error) {
    if (error instanceof PosCryptoError) {
      io.err(`viopay-pos: ${error.code === "ERR_COMMAND_LINE" ? "" : `${error.code}: `}${error.message}\n`);
      if (error.code !== "ERR_COMMAND_LINE") return 1;
      io.err(`\n${command?.usage ?? overview()}`);
      return 2;
    }
    io.err(`viopay-pos: ${describe(error)}\n`);
    return 1;
  }
}

/** The system's messages repeat paths, hosts and ports as they were typed: its codes say as much. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "failed";
  const { code, syscall } = error as NodeJS.ErrnoException;
  return typeof code === "string" && typeof syscall === "string"
    ? `${syscall} failed: ${code}`
    : `${error.name}: ${error.message}`;
}
