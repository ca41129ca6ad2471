/**
 * `viopay-pos mock`: the mock API on a port, until it is asked to stop.
 *
 * Provisioning holds the secrets both sides share. Without a file the mock makes one device and prints what a file would hold: that
 * output is as secret as the file.
 */
import { loadCrypto } from "../backend/select.js";
import { createMockServer, type MockServerOptions, type RequestEvent, toProvisionJson } from "../mock/index.js";
import type { Io } from "./io.js";
import { readOptions, Sources, usageError } from "./options.js";
import { createStyle, milliseconds } from "./style.js";

export const usage = `usage: viopay-pos mock [--port N] [--host ADDRESS] [--provision FILE] [options]

  --port N           default 8787; 0 takes a free one
  --host ADDRESS     default 127.0.0.1; other addresses let the network in: the mock guards nothing of value
  --provision FILE   devices and secrets; without it one device with fresh ones, printed at start
  --tpk AES|TDES     algorithm of the PIN keys it issues; default TDES
  --min-version V    the min_supported_version of bootstrap; default 1.3.5
  --cors ORIGIN      lets pages of this origin call, or of any: *
  --json             JSON lines: first {"listening", "provision", "merchant_token"}, then one a request
`;

const TABLE = {
  port: "text",
  host: "text",
  provision: "text",
  tpk: "text",
  "min-version": "text",
  cors: "text",
  json: "flag",
} as const;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readOptions(args, TABLE);
  const port = options.wholeNumber("port", 0, 65535) ?? 8787;
  const host = options.text("host") ?? "127.0.0.1";
  const tpk = options.choice("tpk", ["AES", "TDES"]);
  const file = options.text("provision");
  const minimum = options.text("min-version");
  const cors = options.text("cors");
  if (minimum !== undefined && !/^\d+(?:\.\d+){0,3}$/.test(minimum))
    throw usageError("--min-version must be a version such as 1.3.5");
  const provision = file === undefined ? undefined : await new Sources(io).input("--provision", `file:${file}`);
  const backend = await loadCrypto();
  const asJson = options.flag("json");
  const settings: MockServerOptions = {
    onRequest: asJson ? (event) => io.out(`${JSON.stringify({ request: event })}\n`) : printer(io),
    ...(provision === undefined ? {} : { provision }),
    ...(tpk === undefined ? {} : { tpk }),
    ...(cors === undefined ? {} : { cors }),
    ...(minimum === undefined ? {} : { appVersionMin: minimum }),
  };
  const mock = createMockServer(settings);
  try {
    const listening = await mock.listen(port, host);
    try {
      // Tokens of a key set by URL come from its issuer.
      const token = "hs256_secret" in mock.provision.jwt ? await mock.merchantToken() : undefined;
      if (asJson) {
        const made = provision === undefined ? { provision: mock.provision } : {};
        io.out(
          `${JSON.stringify({ listening: listening.url, ...made, ...(token === undefined ? {} : { merchant_token: token }) })}\n`,
        );
      } else {
        const style = createStyle(io.color);
        io.out(`${style.bold("viopay-pos mock")} listening on ${style.cyan(listening.url)}, backend ${backend.name}\n`);
        if (provision === undefined) io.out(`provisioning, made for this run:\n${toProvisionJson(mock.provision)}`);
        if (token !== undefined) io.out(`merchant token, for POST /pos/claim:\n${token}\n`);
      }
      await stopped(io.signal);
    } finally {
      await listening.close();
    }
  } finally {
    await mock.close();
  }
  return 0;
}

function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function printer(io: Io): (event: RequestEvent) => void {
  const style = createStyle(io.color);
  return ({ time, method, path, status, durationMs, deviceId, terminalId }) => {
    const paint = status < 400 ? style.green : style.red;
    const who = terminalId ?? deviceId ?? "";
    const clock = style.dim(new Date(time).toISOString().slice(11, 23));
    io.out(
      `${clock}  ${paint(String(status))}  ${`${method} ${path}`.padEnd(48)}  ${who.padEnd(16)}  ${milliseconds(durationMs)}\n`,
    );
  };
}
