/**
 * The calls of `Backend.dukpt` (ts/backend/contract.ts): public identities, counters and requests in, handles out. Before the first
 * call on a backend its DUKPT is tried against published values.
 *
 * Secret keys stay inside the backend throughout.
 */
import { KINDS } from "../../backend/abi.gen.js";
import type { Backend, Slot } from "../../backend/contract.js";
import { encodeHex } from "../../base/bytes.js";
import { PosCryptoError } from "../../base/errors.js";
import { counterBits, type Ksn, parseKsn } from "./ksn.js";

/** A working key, as a backend is asked for it. */
export interface KeyRequest {
  readonly kind: "AES" | "TDES" | "HMAC";
  readonly bytes: number;
  readonly use: number;
}

/** 12 bytes that name the initial key, and say what the key beside them is. */
function identityOf(ksn: Ksn, isBdk: boolean): Uint8Array {
  const identity = new Uint8Array(12);
  for (let i = 0; i < 8; i++) identity[i] = Number.parseInt(ksn.initialKeyId.slice(2 * i, 2 * i + 2), 16);
  identity[10] = counterBits(ksn);
  identity[11] = isBdk ? 1 : 0;
  return identity;
}

function requestsOf(requests: readonly KeyRequest[], before: ArrayLike<number> = []): Uint8Array {
  const bytes = Array.from(before);
  for (const { kind, bytes: length, use } of requests) bytes.push(KINDS[kind], length, use >> 8, use & 0xff);
  return Uint8Array.from(bytes);
}

function slotsOf(answer: Uint8Array): Slot[] {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.length);
  return Array.from({ length: answer.length / 4 }, (_, i) => view.getUint32(4 * i));
}

function equalHalves(): PosCryptoError {
  return new PosCryptoError("ERR_KEY_USAGE", '"key" has two equal halves, which is single DES; DUKPT needs a key of two parts');
}

/** The initial key of `ksn` under the base derivation key `bdk`. */
export function initialKeySlot(backend: Backend, bdk: Slot, ksn: Ksn): Slot {
  const answer = backend.dukpt("dukptInitialKey", bdk, 0, identityOf(ksn, true));
  if (answer === undefined) throw equalHalves();
  return slotsOf(answer)[0]!;
}

/** Working keys of one transaction, in the order of the requests: all of them, or none. */
export function workingSlots(backend: Backend, key: Slot, isBdk: boolean, ksn: Ksn, requests: readonly KeyRequest[]): Slot[] {
  const answer = backend.dukpt("dukptKeys", key, ksn.counter, requestsOf(requests, identityOf(ksn, isBdk)));
  if (answer === undefined) throw equalHalves();
  return slotsOf(answer);
}

/** A terminal at counter 1. */
export function terminalSlot(backend: Backend, ik: Slot, ksn: Ksn): Slot {
  const answer = backend.dukpt("dukptLoad", ik, 0, identityOf(ksn, false));
  if (answer === undefined) throw equalHalves();
  return slotsOf(answer)[0]!;
}

/** What a terminal's state says of itself. */
export interface TerminalState {
  readonly scheme: "TDES" | "AES";
  readonly keyBytes: number;
  readonly bits: number;
  readonly counter: number;
  /** The 8 bytes of the initial key ID, in hex. */
  readonly initialKeyId: string;
}

/** `undefined`: the state cannot be one. */
export function terminalState(backend: Backend, terminal: Slot): TerminalState | undefined {
  const head = backend.dukpt("dukptState", terminal, 0, new Uint8Array(0));
  if (head === undefined) return undefined;
  const [kind, keyBytes = 0, bits = 0] = head;
  const counter = new DataView(head.buffer, head.byteOffset, head.length).getUint32(4);
  const scheme = kind === KINDS.TDES ? "TDES" : "AES";
  return { scheme, keyBytes, bits, counter, initialKeyId: encodeHex(head.subarray(12, 20)) };
}

/** Working keys of the next transaction; `undefined`: there is none, or the state cannot be one. */
export function nextSlots(backend: Backend, terminal: Slot, requests: readonly KeyRequest[]): Slot[] | undefined {
  const answer = backend.dukpt("dukptNext", terminal, 0, requestsOf(requests));
  return answer === undefined ? undefined : slotsOf(answer);
}

/** Spends all counters before: whether `counter` is a later one. */
export function skipSlots(backend: Backend, terminal: Slot, counter: number): boolean {
  return backend.dukpt("dukptSkip", terminal, counter, new Uint8Array(0)) !== undefined;
}

/** An update key of `bytes` bytes. */
export function updateKeySlot(backend: Backend, terminal: Slot, kind: "AES" | "TDES", bytes: number): Slot | undefined {
  const answer = backend.dukpt("dukptUpdateKey", terminal, 0, requestsOf([{ kind, bytes, use: 0 }]));
  return answer === undefined ? undefined : slotsOf(answer)[0];
}

/** X9.24-3:2017 supplement and X9.24-1:2009 A.4, counter 3: what the PIN key makes of a block of zeros. */
const KNOWN = [
  {
    kind: "AES",
    bdk: "FEDCBA9876543210F1F1F1F1F1F1F1F1",
    ksn: "123456789012345600000003",
    use: 0x1000,
    answer: "4EE2A3C92C44399DDAAF9E186648C064",
  },
  { kind: "TDES", bdk: "0123456789ABCDEFFEDCBA9876543210", ksn: "FFFF9876543210E00003", use: 0, answer: "D2D308840B59070D" },
] as const;

const tried = new WeakSet<Backend>();

/** Throws `ERR_BACKEND_UNAVAILABLE` for a backend that derives wrongly; looks once. */
export function tryDukpt(backend: Backend): void {
  if (tried.has(backend)) return;
  for (const { kind, bdk, ksn, use, answer } of KNOWN) {
    const made: Slot[] = [];
    try {
      made.push(backend.createSlot(kind, backend.decodeHex(bdk)!));
      made.push(...workingSlots(backend, made[0]!, true, parseKsn(ksn), [{ kind, bytes: 16, use }]));
      const block = backend.encryptBlock(made[1]!, new Uint8Array(answer.length / 2));
      if (encodeHex(block) !== answer) {
        throw new PosCryptoError("ERR_BACKEND_UNAVAILABLE", `the backend fails the known-answer test of ${kind} DUKPT`);
      }
    } finally {
      for (const slot of made) backend.destroySlot(slot);
    }
  }
  tried.add(backend);
}
