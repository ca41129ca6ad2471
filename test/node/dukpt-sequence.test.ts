/**
 * Terminal and host, counter after counter from the first: 20,000 of each scheme here. The long run, of all 1,048,575 TDES counters and
 * 5,000,000 of AES: `DUKPT_COUNTERS=5000000 npx vitest run --project node test/node/dukpt-sequence.test.ts`.
 */
import { expect, it } from "vitest";
import { currentBackend } from "../../ts/backend/select.js";
import { DukptTerminal, deriveDukptKeys, deriveInitialKey } from "../../ts/core/dukpt/index.js";
import { internals } from "../../ts/core/keys/handle.js";
import { importKey, loadCryptoSync, type SecretKey } from "../../ts/index.js";

const wanted = Number(process.env["DUKPT_COUNTERS"] ?? 20_000);
const schemes = [
  { algorithm: "TDES", bdk: "0123456789ABCDEFFEDCBA9876543210", ksn: "FFFF9876543210E00000", block: 8 },
  { algorithm: "AES", bdk: "FEDCBA9876543210F1F1F1F1F1F1F1F1", ksn: "123456789012345600000000", block: 16 },
] as const;

it.each(schemes)("$algorithm", { timeout: 3_600_000 }, ({ algorithm, bdk: material, ksn, block }) => {
  loadCryptoSync();
  const backend = currentBackend();
  const bdk = importKey(material, { algorithm, usage: "B0", modeOfUse: "X" });
  const terminal = DukptTerminal.load(deriveInitialKey(bdk, ksn), ksn);
  const zeros = new Uint8Array(block);
  const fingerprint = (key: SecretKey): Uint8Array => {
    const out = backend.encryptBlock(internals(key, "key").slot, zeros);
    key.destroy();
    return out;
  };
  let [compared, wrong] = [0, 0];
  const count = Math.min(wanted, terminal.remaining);
  for (; compared < count; compared++) {
    const made = terminal.next({ pin: true });
    const mine = fingerprint(made.pin);
    const theirs = fingerprint(deriveDukptKeys(bdk, made.ksn, { pin: true }).pin);
    if (!backend.equal(mine, theirs)) wrong += 1;
  }
  expect([compared, wrong]).toEqual([count, 0]);
  process.stdout.write(`DUKPT ${algorithm}: ${compared} counters, terminal = host, up to ${terminal.ksn}\n`);
  terminal.destroy();
  bdk.destroy();
});
