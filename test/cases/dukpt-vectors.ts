/** Every published DUKPT value, on the host's side, and on the terminal's where it is one. */
import type { Backend } from "../../ts/backend/contract.js";
import { currentBackend } from "../../ts/backend/select.js";
import { setRandomSource } from "../../ts/base/random.js";
import {
  type DukptKeyType,
  DukptTerminal,
  type DukptWanted,
  deriveDukptKeys,
  deriveInitialKey,
  parseKsn,
} from "../../ts/core/dukpt/index.js";
import {
  aesCbcDecrypt,
  aesCbcEncrypt,
  aesCmac,
  decryptPinBlock,
  encryptPinBlock,
  exposeKeyBytes,
  hmacSha256,
  importKey,
  retailMac,
  type SecretKey,
  tdesCbcDecrypt,
  tdesCbcEncrypt,
  tdesCmac,
  verifyMac,
  wrapKeyBlock,
} from "../../ts/index.js";
import published from "../../vectors/dukpt.json" with { type: "json" };
import { type Cases, hex, ok, same, toHex } from "../harness.js";

interface Vector {
  id: string;
  scheme: string;
  bdk: string;
  ksn: string;
  result: string;
  value: string;
  key?: string;
  type?: string;
  data?: string;
  pin?: string;
  pan?: string;
  random?: string;
  format?: number;
  register?: number;
  dataKeys?: string;
  terminal?: boolean;
}

const vectors: readonly Vector[] = published.vectors;

const scheme = (vector: Vector): "TDES" | "AES" => (vector.scheme === "TDES" ? "TDES" : "AES");
const name = (vector: Vector): keyof DukptWanted => vector.key as keyof DukptWanted;
const wantedOf = (vector: Vector): DukptWanted => ({ [name(vector)]: vector.type as DukptKeyType });

function bdkOf(vector: Vector): SecretKey {
  return importKey(vector.bdk, { algorithm: scheme(vector), usage: "B0", modeOfUse: "X" });
}

/** Ones of a KSN's counter: one published counter has seventeen. */
const strictCounter = (ksn: string): boolean => !ksn.endsWith("0001FFFF");

/** The working key of a vector, on a side. */
function keyOf(vector: Vector, side: "host" | "terminal", extractable = false): SecretKey {
  const bdk = bdkOf(vector);
  const macUsage = vector.result === "cmac" ? "M6" : "M3";
  const options = {
    side,
    extractable,
    macUsage,
    strictCounter: strictCounter(vector.ksn),
    ...(vector.dataKeys === undefined ? {} : { dataKeys: vector.dataKeys as "pin-variant" }),
  } as const;
  const found = deriveDukptKeys(bdk, vector.ksn, wantedOf(vector), options);
  bdk.destroy();
  return (found as unknown as Record<string, SecretKey>)[name(vector)]!;
}

/** AES of one block under a clear key: enough to follow a published transaction key to what it gives. */
function encryptUnder(backend: Backend, key: string, block: Uint8Array): string {
  const slot = backend.createSlot("AES", hex(key));
  try {
    return toHex(backend.encryptBlock(slot, block));
  } finally {
    backend.destroySlot(slot);
  }
}

/** The derivation data of an AES-128 PIN key: X9.24-3:2017 6.3.2. */
function pinBlockOf(ksn: string): string {
  return `0101100000020080${ksn.slice(8)}`;
}

/** A published AES transaction key never shows; the AES-128 PIN key that follows from it does. */
function followsAes(vector: Vector, transactionKey: string, ksn: string): void {
  const pin = keyOf({ ...vector, ksn, key: "pin", type: "AES-128" }, "host", true);
  same(encryptUnder(currentBackend(), transactionKey, hex(pinBlockOf(ksn))), toHex(exposeKeyBytes(pin)), "PIN key");
  pin.destroy();
}

function followsTdes(vector: Vector): void {
  const pin = keyOf({ ...vector, key: "pin", type: "TDES-128" }, "host", true);
  const key = exposeKeyBytes(pin);
  for (const at of [7, 15]) key[at]! ^= 0xff;
  same(toHex(key), vector.value, "transaction key");
  pin.destroy();
}

const last = "FFFFFFFF";

function checkTransactionKey(vector: Vector): void {
  if (scheme(vector) === "TDES") followsTdes(vector);
  // No transaction: what an update key comes from, checked with the update keys.
  else if (vector.ksn.endsWith(last)) checkUpdateKey({ ...vector, type: "AES-128", value: updateKeyFrom(vector) });
  else followsAes(vector, vector.value, vector.ksn);
}

function updateKeyFrom(vector: Vector): string {
  return encryptUnder(currentBackend(), vector.value, hex(`0101000200020080${vector.ksn.slice(8, 16)}${last}`));
}

function terminalOf(vector: Vector): DukptTerminal {
  const bdk = bdkOf(vector);
  const terminal = DukptTerminal.load(deriveInitialKey(bdk, vector.ksn), `${vector.ksn.slice(0, 16)}00000000`);
  bdk.destroy();
  return terminal;
}

/** A terminal opens a new initial key under the published update key. */
function checkUpdateKey(vector: Vector): void {
  const [algorithm = ""] = (vector.type ?? "").split("-");
  const attributes = { algorithm: algorithm as "AES" | "TDES", usage: "K0" };
  const updateKey = importKey(vector.value, attributes);
  const bytes = algorithm === "AES" ? hex(vector.value).map((byte) => byte ^ 0x5a) : hex("00112233445566778899AABBCCDDEEFF");
  const ik = importKey(bytes, { ...attributes, usage: "B1", modeOfUse: "X", exportability: "E" });
  const ksn = algorithm === "AES" ? "ABCDEF0123456789" : "FFFF9876543210E00000";
  const optionalBlocks = [{ id: algorithm === "AES" ? "IK" : "KS", data: ksn }];
  const terminal = terminalOf(vector);
  terminal.update(wrapKeyBlock(updateKey, ik, { optionalBlocks }));
  same(terminal.ksn, algorithm === "AES" ? `${ksn}00000001` : "FFFF9876543210E00001");
  const { pin } = terminal.next({ pin: true }, { extractable: true });
  const { pin: expected } = deriveDukptKeys(
    ik,
    parseKsn(terminal.ksn).ksn.replace(/2$/, "1"),
    { pin: true },
    { extractable: true },
  );
  same(exposeKeyBytes(pin), exposeKeyBytes(expected), "PIN key of the new initial key");
  terminal.destroy();
  for (const key of [updateKey, ik, pin, expected]) key.destroy();
}

/** The key in a register is that of the next counter whose lowest one is its bit; an empty one has been spent. */
function checkRegister(vector: Vector): void {
  const next = parseKsn(vector.ksn).counter;
  const bit = 2 ** (vector.register ?? 0);
  if (vector.value === "") {
    ok(next > bit && next < 2 * bit + bit, "the register's counter is spent, and no later one is filled yet");
    return;
  }
  const counter = Math.ceil((next - bit) / (2 * bit)) * 2 * bit + bit;
  const ksn = vector.ksn.slice(0, 16) + counter.toString(16).toUpperCase().padStart(8, "0");
  followsAes(vector, vector.value, ksn);
  const terminal = terminalOf(vector);
  for (let spent = 1; spent < next; spent++) terminal.next({ pin: true }).pin.destroy();
  terminal.skipTo(counter);
  const { pin } = terminal.next({ pin: "AES-128" }, { extractable: true });
  same(encryptUnder(currentBackend(), vector.value, hex(pinBlockOf(ksn))), toHex(exposeKeyBytes(pin)), "terminal's PIN key");
  pin.destroy();
  terminal.destroy();
}

function checkPinBlock(vector: Vector): void {
  const [terminal, host] = [keyOf(vector, "terminal"), keyOf(vector, "host")];
  const options = { format: vector.format as 0 | 4, pan: vector.pan ?? "" };
  const before = vector.random === undefined ? undefined : setRandomSource((n) => hex(vector.random ?? "").slice(0, n));
  try {
    same(encryptPinBlock(terminal, { ...options, pin: vector.pin ?? "" }), vector.value, "block");
  } finally {
    if (vector.random !== undefined) setRandomSource(before);
  }
  same(decryptPinBlock(host, vector.value, options), vector.pin, "PIN");
  for (const key of [terminal, host]) key.destroy();
}

function checkMac(vector: Vector): void {
  const data = hex(vector.data ?? "");
  const [terminal, host] = [keyOf(vector, "terminal"), keyOf(vector, "host")];
  const [maker, verifier] = vector.key === "macResponse" ? [host, terminal] : [terminal, host];
  const cmac = scheme(vector) === "AES" ? aesCmac : tdesCmac;
  const make = vector.result === "hmac" ? hmacSha256 : vector.result === "cmac" ? cmac : retailMac;
  const mac = make(maker, data);
  same(toHex(mac.subarray(0, vector.value.length / 2)), vector.value, "MAC");
  const algorithm = vector.result === "hmac" ? "HMAC-SHA-256" : vector.result === "cmac" ? "CMAC" : "RETAIL-MAC";
  const how = algorithm === "RETAIL-MAC" ? ({ algorithm, padding: "method1" } as const) : { algorithm };
  ok(verifyMac(verifier, data, mac, how as Parameters<typeof verifyMac>[3]), "the other side verifies");
  for (const key of [terminal, host]) key.destroy();
}

function checkCbc(vector: Vector): void {
  const unit = scheme(vector) === "AES" ? 16 : 8;
  const data = hex(vector.data ?? "");
  const padded = new Uint8Array(Math.ceil(data.length / unit) * unit);
  padded.set(data);
  const [terminal, host] = [keyOf(vector, "terminal"), keyOf(vector, "host")];
  const [sender, receiver] = vector.key === "dataResponse" ? [host, terminal] : [terminal, host];
  const [encrypt, decrypt] = unit === 16 ? [aesCbcEncrypt, aesCbcDecrypt] : [tdesCbcEncrypt, tdesCbcDecrypt];
  same(toHex(encrypt(sender, new Uint8Array(unit), padded, { padding: "none" })), vector.value, "ciphertext");
  same(decrypt(receiver, new Uint8Array(unit), hex(vector.value), { padding: "none" }), padded, "data");
  for (const key of [terminal, host]) key.destroy();
}

/** The block that is encrypted under the transaction key published beside it. */
function checkDerivationData(vector: Vector): void {
  const known = vectors.find(({ result, bdk, ksn }) => result === "transactionKey" && bdk === vector.bdk && ksn === vector.ksn);
  if (known === undefined) throw new Error("no transaction key beside it");
  const key = keyOf(vector, "host", true);
  const at = 32 * (hex(vector.value)[1]! - 1);
  const part = toHex(exposeKeyBytes(key)).slice(at, at + 32);
  same(encryptUnder(currentBackend(), known.value, hex(vector.value)), part, "that block of the key");
  key.destroy();
}

function checkKey(vector: Vector): void {
  for (const side of ["host", "terminal"] as const) {
    const key = keyOf(vector, side, true);
    same(toHex(exposeKeyBytes(key)), vector.value, `${side}'s key`);
    key.destroy();
  }
}

function checkInitialKey(vector: Vector): void {
  const bdk = bdkOf(vector);
  const ik = deriveInitialKey(bdk, vector.ksn, { extractable: true });
  same(toHex(exposeKeyBytes(ik)), vector.value, "initial key");
  for (const key of [bdk, ik]) key.destroy();
}

const CHECKS: Readonly<Record<string, (vector: Vector) => void>> = {
  initialKey: checkInitialKey,
  transactionKey: checkTransactionKey,
  updateKey: checkUpdateKey,
  register: checkRegister,
  key: checkKey,
  derivationData: checkDerivationData,
  pinBlock: checkPinBlock,
  retailMac: checkMac,
  cmac: checkMac,
  hmac: checkMac,
  cbc: checkCbc,
  initialKeyId: (vector) => same(parseKsn(vector.ksn, "AES").initialKeyId, vector.value),
  counter: (vector) => same(parseKsn(vector.ksn, "AES").counter, Number.parseInt(vector.value, 16)),
};

export const dukptVectorCases: Cases = (suite) => {
  suite.group("DUKPT, published values", () => {
    for (const vector of vectors) {
      suite.test(vector.id, () => {
        const check = CHECKS[vector.result];
        if (check === undefined) throw new Error(`unknown result ${vector.result}`);
        check(vector);
      });
    }
    suite.test("a terminal's first 99 PIN keys in sequence", () => {
      const sequence = vectors.filter(({ terminal }) => terminal === true);
      same(sequence.length, 99);
      const terminal = terminalOf(sequence[0]!);
      for (const vector of sequence) {
        const { ksn, pin } = terminal.next({ pin: "AES-128" }, { extractable: true });
        same(ksn, vector.ksn);
        same(toHex(exposeKeyBytes(pin)), vector.value);
        pin.destroy();
      }
      terminal.destroy();
    });
  });
};
