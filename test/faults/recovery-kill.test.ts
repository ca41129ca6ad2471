/**
 * kill -9 of a terminal process with its store in a directory: at every operation on a file, in the middle of every write, around every
 * request, and at random times. What the next process recovers is held against what the host has done, and the directory is
 * searched for what must not be in it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";
import { afterAll, beforeAll, describe, it } from "vitest";
import { PosTerminal } from "../../ts/client/index.js";
import { FileStore } from "../../ts/client/store/file.js";
import { importKey } from "../../ts/core/keys/key.js";
import { createMockServer, type Listening, type MockServer } from "../../ts/mock/index.js";
import { ok, same } from "../harness.js";
import type { ChildTask } from "./recovery-child.js";
import { disagreements, INTENT_HEADER, type Intent, Ledger } from "./recovery-ledger.js";

const ledger = new Ledger();
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
let root: string;
let server: MockServer;
let listening: Listening;
let chargeId: string;
let amount = 1000;
const figures = { kills: 0, charges: 0, refunds: 0, recovered: 0, unknown: 0 };

function terminal(directory: string, hostDedupesRefunds: boolean): { terminal: PosTerminal; store: FileStore } {
  const { device_id, identity_key_id, identity_secret, zmk } = server.provision.devices[0]!;
  const store = new FileStore(directory);
  const made = new PosTerminal({
    baseUrl: "https://mock.test",
    deviceId: device_id,
    identityKeyId: identity_key_id,
    identityKey: importKey(identity_secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" }),
    zmk: importKey(zmk, { algorithm: "AES", usage: "K0", modeOfUse: "D" }),
    appVersion: "1.4.2",
    os: "Linux",
    model: "PAX-A920",
    fetch: (url, init) => server.fetch(new Request(url, init)),
    store,
    hostDedupesRefunds,
  });
  return { terminal: made, store };
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "viopay-kill-"));
  await build({
    input: path("./recovery-child.ts"),
    platform: "node",
    resolve: {
      alias: {
        "#wasm": path("../../ts/backend/wasm/module-inline.ts"),
        "#mock-node": path("../../ts/mock/http/platform-node.ts"),
      },
    },
    output: { file: join(root, "child.mjs"), format: "esm", codeSplitting: false },
    logLevel: "silent",
  });
  server = createMockServer({
    store: ledger.createStore(Date.now),
    // A host that does not honour the key of a refund never sees it.
    middleware: [
      async (context, next) => {
        const key = context.headers.get("Idempotency-Key");
        if (context.path?.endsWith("/refund") && !dedupes && key !== null) {
          context.headers.set(INTENT_HEADER, key);
          context.headers.delete("Idempotency-Key");
        }
        return await next();
      },
      ledger.middleware,
    ],
    terminalParameters: { emv: { scheme: "test" } },
  });
  listening = await server.listen();
  const { terminal: first, store } = terminal(join(root, "ready"), true);
  const token = await server.merchantToken();
  await first.setUp({
    pollMs: 1,
    onPairingCode: ({ code }) => {
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const body = JSON.stringify({ pairing_code: code });
      void server.fetch(new Request("https://mock.test/pos/claim", { method: "POST", headers, body }));
    },
  });
  const card = { number: "4111111111111111", expiry_year: 2032, expiry_month: 12 };
  const outcome = await first.charge({ card, amount: { value: "900000000", currency: "EUR" } });
  if (outcome.outcome !== "approved") throw new Error(outcome.outcome);
  chargeId = outcome.chargeId;
  await store.close();
});

afterAll(async () => {
  await listening?.close();
  await server?.close();
  await rm(root, { recursive: true, force: true });
});

/** Whether the host of the case at hand honours the key of a refund. */
let dedupes = true;

interface Run {
  readonly directory: string;
  readonly intents: Intent[];
  readonly printed: string;
  readonly killed: boolean;
}

/** One process over a copy of the ready terminal's directory. */
async function run(killAt: number, killAfterMs?: number): Promise<Run> {
  const charge = String(amount++);
  const refund = String(amount++);
  const directory = join(root, charge);
  await cp(join(root, "ready"), directory, { recursive: true });
  const { device_id, identity_key_id, identity_secret, zmk } = server.provision.devices[0]!;
  const task: ChildTask = {
    url: listening.url,
    directory,
    deviceId: device_id,
    identityKeyId: identity_key_id,
    identitySecret: identity_secret,
    zmk,
    charge,
    refund,
    chargeId,
    hostDedupesRefunds: dedupes,
    killAt,
  };
  const child = spawn(process.execPath, [join(root, "child.mjs")], {
    env: { ...process.env, TASK: JSON.stringify(task) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.on("data", (part) => {
    printed += part;
  });
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  clearTimeout(timer);
  ok(signal === "SIGKILL" || code === 0, `the process ended with ${code} ${signal}`);
  const intents: Intent[] = [
    { kind: "charge", amount: charge },
    { kind: "refund", amount: refund },
  ];
  return { directory, intents, printed, killed: signal === "SIGKILL" };
}

/** Every file below `directory`, as one text of Latin-1 characters. */
async function everything(directory: string): Promise<string> {
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return (await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), "latin1")))).join("\n");
}

async function noSecrets(directory: string): Promise<void> {
  const text = (await everything(directory)).toUpperCase();
  const { identity_secret, zmk } = server.provision.devices[0]!;
  ok(text.length > 1000, "something was searched");
  for (const secret of ["4111111111111111", "3431313131313131", "4826", "EXPIRY_YEAR", "PIN_BLOCK", identity_secret, zmk]) {
    // Any ciphertext can contain four digits, but not as a value of JSON.
    const needle = secret.length < 8 ? `"${secret}"` : secret.toUpperCase();
    ok(!text.includes(needle), "a secret in clear");
  }
}

async function recovered({ directory, intents }: Run): Promise<void> {
  await noSecrets(directory);
  const { terminal: next, store } = terminal(directory, dedupes);
  const { restored } = await next.recover();
  ok(restored, "no new pairing");
  const records = (await store.listRecords()).filter((record) => intents.some((intent) => intent.amount === record.amount));
  const amounts = new Set(intents.map((intent) => intent.amount));
  const own = new Ledger();
  for (const [name, entry] of ledger.entries) if (amounts.has(entry.amount)) own.entries.set(name, entry);
  own.stored = own.of("charge").length;
  same(disagreements(own, records, intents), []);
  const open = new Set<string>();
  for (const { kind, state, idempotencyKey } of records) {
    const honest = kind === "refund" && !dedupes && state === "unknown";
    ok(state === "approved" || honest, `a ${kind} is ${state} after recovery`);
    if (state === "unknown") open.add(idempotencyKey);
    figures[kind === "charge" ? "charges" : "refunds"] += 1;
    figures[state === "unknown" ? "unknown" : "recovered"] += 1;
  }
  same(await store.listPayloads(), [...open]);
  await noSecrets(directory);
  next.destroy();
  await store.close();
  await rm(directory, { recursive: true });
}

describe("kill -9", () => {
  for (const honoursKeys of [true, false]) {
    it(`at every point, ${honoursKeys ? "a host that honours" : "one that ignores"} the key of a refund`, {
      timeout: 200_000,
    }, async () => {
      dedupes = honoursKeys;
      const whole = await run(0);
      ok(!whole.killed, "a run to the end");
      const points = Number(whole.printed);
      ok(points > 40, `${points} points`);
      await recovered(whole);
      let next = 1;
      const worker = async () => {
        while (next <= points) {
          const result = await run(next++);
          ok(result.killed, "the process was killed");
          figures.kills += 1;
          await recovered(result);
        }
      };
      await Promise.all([worker(), worker()]);
    });
  }

  it("at random times", { timeout: 100_000 }, async () => {
    dedupes = true;
    for (let i = 0; i < 20; i++) {
      const result = await run(0, 60 + Math.floor(Math.random() * 300));
      if (result.killed) figures.kills += 1;
      await recovered(result);
    }
    console.log(JSON.stringify(figures));
    ok(figures.kills > 80, "kills");
  });
});
