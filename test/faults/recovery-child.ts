/**
 * A terminal in a process of its own that kills itself (SIGKILL) at one of the points it passes: before each operation on a file,
 * in the middle of each write, before and after each request. Without a point it prints how many it has passed.
 */
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { type Fetch, PosTerminal } from "../../ts/client/index.js";
import { FileStore } from "../../ts/client/store/file.js";
import { importKey } from "../../ts/core/keys/key.js";

export interface ChildTask {
  readonly url: string;
  readonly directory: string;
  readonly deviceId: string;
  readonly identityKeyId: string;
  readonly identitySecret: string;
  readonly zmk: string;
  /** Amount of the charge to make, and of the refund of `chargeId` before it. */
  readonly charge: string;
  readonly refund: string;
  readonly chargeId: string;
  readonly hostDedupesRefunds: boolean;
  /** The point to end at, from 1; 0: none. */
  readonly killAt: number;
}

const task = JSON.parse(process.env["TASK"]!) as ChildTask;
let passed = 0;

/** Never returns at the point that was asked for. */
function point(): void {
  passed += 1;
  if (passed === task.killAt) process.kill(process.pid, "SIGKILL");
}

type Method = (...args: unknown[]) => Promise<unknown>;

function passBefore(owner: object, names: readonly string[]): void {
  const methods = owner as Record<string, Method>;
  for (const name of names) {
    const original = methods[name]!;
    methods[name] = function (this: unknown, ...args: unknown[]) {
      point();
      return original.apply(this, args);
    };
  }
}

async function armFiles(): Promise<void> {
  const file = await fs.open(process.execPath, "r");
  const prototype = Object.getPrototypeOf(file) as Record<string, Method>;
  await file.close();
  const write = prototype["write"]!;
  prototype["write"] = async function (this: unknown, ...args: unknown[]) {
    point();
    const [bytes, offset] = args as [Uint8Array, number];
    if (passed + 1 === task.killAt) await write.call(this, bytes, offset, (bytes.length - offset) >> 1);
    point();
    return await write.apply(this, args);
  };
  passBefore(prototype, ["sync", "datasync", "truncate"]);
  passBefore(fs, ["open", "rename", "rm"]);
  syncBuiltinESMExports();
}

const send: Fetch = async (url, init) => {
  point();
  const response = await fetch(url, init);
  point();
  return response;
};

await armFiles();
const terminal = new PosTerminal({
  baseUrl: task.url,
  deviceId: task.deviceId,
  identityKeyId: task.identityKeyId,
  identityKey: importKey(task.identitySecret, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" }),
  zmk: importKey(task.zmk, { algorithm: "AES", usage: "K0", modeOfUse: "D" }),
  appVersion: "1.4.2",
  os: "Linux",
  model: "PAX-A920",
  fetch: send,
  store: new FileStore(task.directory, { compactEveryLines: 2 }),
  hostDedupesRefunds: task.hostDedupesRefunds,
});
await terminal.recover();
const card = { number: "4111111111111111", expiry_year: 2032, expiry_month: 12 };
await terminal.refund(task.chargeId, { amount: { value: task.refund, currency: "EUR" } });
const pin_block = terminal.encryptPin({ pin: "4826", pan: card.number });
await terminal.charge({ card, amount: { value: task.charge, currency: "EUR" }, pin_block });
console.log(passed);
