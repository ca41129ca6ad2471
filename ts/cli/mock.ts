/**
 * `viopay-pos mock`: the mock API on a port, until it is asked to stop.
 *
 * Provisioning holds the secrets both sides share. Without a file the mock makes one device and prints what a file would hold: that
 * output is as secret as the file.
 */
import { isLoopback } from "../base/loopback.js";
import { loadCrypto } from "../backend/select.js";
import {
  createMockServer,
  type Listening,
  type MockServer,
  type MockServerOptions,
  openRedisStore,
  type RequestEvent,
  toProvisionJson,
} from "../mock/index.js";
import { readFaults } from "./fault-options.js";
import type { Io } from "./io.js";
import { type Options, readOptions, usageError } from "./options.js";
import { Sources } from "./sources.js";
import { createStyle, milliseconds } from "./style.js";

export const usage = `usage: viopay-pos mock [--port N] [--host ADDRESS] [--provision FILE] [options]

  --port N           default 8787; 0 takes a free one
  --host ADDRESS     default 127.0.0.1; other addresses let the network in: the mock guards nothing of value
  --provision FILE   devices and secrets; without it one device with fresh ones, printed at start
  --redis URL        keeps the state in Redis, for several processes; URL, env:NAME or file:PATH; needs --provision
  --tpk AES|TDES     algorithm of the PIN keys it issues; default TDES
  --min-version V    the min_supported_version of bootstrap; default 1.3.5
  --fault SPEC       misbehaves on command, as in drop-after@charge:p=0.1,count=3; may be repeated. KIND@STEP[+STEP...] and
                     options: p chance, count times at most, skip requests first, ms milliseconds, key of the key set
  --seed N           repeats the faults' chances, as printed at start, 0 to 4294967295; it drives nothing else
  --cors ORIGIN      lets pages of this origin call, or of any: *
  --json             JSON lines: first {"listening", "provision", "merchant_token"}, then one a request

The merchant portal is at /portal, the faults at /mock/faults; from other machines only the portal is reached, with the token
printed at start.

examples:
  viopay-pos mock                                      one device with fresh secrets, which are printed
  viopay-pos mock --port 0 --provision devices.json --json
  viopay-pos mock --fault drop-after@charge:p=0.1 --seed 7
`;

const TABLE = {
  port: "text",
  host: "text",
  provision: "text",
  redis: "text",
  tpk: "text",
  "min-version": "text",
  cors: "text",
  fault: "texts",
  seed: "text",
  json: "flag",
} as const;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readOptions(args, TABLE);
  const port = options.wholeNumber("port", 0, 65535) ?? 8787;
  const host = options.text("host") ?? "127.0.0.1";
  const asJson = options.flag("json");
  const { settings, redisUrl } = await readSettings(options, io);
  const backend = await loadCrypto();
  const store = redisUrl === undefined ? undefined : await openRedisStore(redisUrl);
  try {
    const onRequest = asJson ? (event: RequestEvent) => io.out(`${JSON.stringify({ request: event })}\n`) : printer(io);
    const mock = createMockServer({ ...settings, portal: true, onRequest, ...(store === undefined ? {} : { store }) });
    try {
      const listening = await listen(mock, port, host);
      try {
        await announce(mock, listening.url, { made: settings.provision === undefined, asJson, backend: backend.name }, io);
        await stopped(io.signal);
      } finally {
        await listening.close();
      }
    } finally {
      await mock.close();
    }
  } finally {
    await store?.close();
  }
  return 0;
}

async function listen(mock: MockServer, port: number, host: string): Promise<Listening> {
  try {
    return await mock.listen(port, host);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === "getaddrinfo" || code === "EADDRNOTAVAIL") {
      throw usageError("--host must be an address of this machine, or a name of one");
    }
    throw error;
  }
}

async function readSettings(options: Options, io: Io): Promise<{ settings: MockServerOptions; redisUrl: string | undefined }> {
  const tpk = options.choice("tpk", ["AES", "TDES"]);
  const file = options.text("provision");
  const minimum = options.text("min-version");
  const cors = options.text("cors");
  if (minimum !== undefined && !/^\d+(?:\.\d+){0,3}$/.test(minimum))
    throw usageError("--min-version must be a version such as 1.3.5");
  const redis = options.text("redis");
  if (redis !== undefined && file === undefined)
    throw usageError("--redis needs --provision: every process must know the same secrets");
  const sources = new Sources(io);
  const redisUrl = redis === undefined ? undefined : (await sources.input("--redis", redis)).trim();
  if (redisUrl !== undefined && !/^rediss?:\/\/[^/]/.test(redisUrl)) throw usageError("--redis must be a redis: or rediss: URL");
  const provision = file === undefined ? undefined : await sources.input("--provision", `file:${file}`);
  const settings: MockServerOptions = {
    ...readFaults(options),
    ...(provision === undefined ? {} : { provision }),
    ...(tpk === undefined ? {} : { tpk }),
    ...(cors === undefined ? {} : { cors }),
    ...(minimum === undefined ? {} : { appVersionMin: minimum }),
  };
  return { settings, redisUrl };
}

interface Announcement {
  /** Whether the provisioning was made for this run. */
  readonly made: boolean;
  readonly asJson: boolean;
  readonly backend: string;
}

async function announce(mock: MockServer, url: string, { made, asJson, backend }: Announcement, io: Io): Promise<void> {
  // Tokens of a key set by URL come from its issuer.
  const token = "hs256_secret" in mock.provision.jwt ? await mock.merchantToken() : undefined;
  const { seed, faults } = mock.faults.report();
  const tokenNeeded = !isLoopback(new URL(url).hostname);
  const portal = `${url}/portal${tokenNeeded ? `#token=${mock.portalToken}` : ""}`;
  if (asJson) {
    const line = {
      listening: url,
      ...(made ? { provision: mock.provision } : {}),
      ...(token === undefined ? {} : { merchant_token: token }),
      ...(tokenNeeded ? { portal } : {}),
      ...(faults.length === 0 ? {} : { seed }),
    };
    io.out(`${JSON.stringify(line)}\n`);
    return;
  }
  const style = createStyle(io.color);
  io.out(`${style.bold("viopay-pos mock")} listening on ${style.cyan(url)}, backend ${backend}\n`);
  io.out(`merchant portal: ${style.cyan(portal)}\n`);
  if (made) io.out(`provisioning, made for this run:\n${toProvisionJson(mock.provision)}`);
  if (faults.length > 0) io.out(`faults: ${style.yellow(faults.map(({ text }) => text).join("  "))}, seed ${seed}\n`);
  if (token !== undefined) io.out(`merchant token, for POST /pos/claim:\n${token}\n`);
}

function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function printer(io: Io): (event: RequestEvent) => void {
  const style = createStyle(io.color);
  return ({ time, method, path, status, faults, durationMs, deviceId, terminalId }) => {
    const paint = status > 0 && status < 400 ? style.green : style.red;
    const who = terminalId ?? deviceId ?? "";
    const clock = style.dim(new Date(time).toISOString().slice(11, 23));
    io.out(
      `${clock}  ${paint(status === 0 ? "cut" : String(status))}  ${`${method} ${path}`.padEnd(48)}  ${who.padEnd(16)}  ` +
        `${milliseconds(durationMs)}${faults === undefined ? "" : `  ${style.yellow(faults.join(" "))}`}\n`,
    );
  };
}
