/**
 * DUKPT on both sides (ANSI X9.24-3:2017) for the noble backend: the calls of `Backend.dukpt`, with the same states of terminals
 * as the WebAssembly backends (assembly/dukpt.ts), so that one restores what another saved.
 *
 * Not constant-time, and in the JavaScript heap; keys that a call derives are wiped before it ends, registers when they are spent.
 */
import { wipe } from "../../base/bytes.js";
import type { DukptOperation, Slot, SlotKind } from "../contract.js";
import { wrongKind, wrongMaterialLength } from "../refusals.js";
import { type Chain, deriveInitial, deriveWorking, type Request, step, walk } from "./dukpt-derivation.js";
import { equalBytes } from "./key-block.js";

/** What the backend keeps of a slot. */
interface KeyEntry {
  readonly kind: SlotKind;
  readonly material: Uint8Array;
}

type Create = (kind: SlotKind, material: Uint8Array) => Slot;
type Destroy = (slot: Slot) => void;

const KINDS = ["AES", "TDES", "HMAC"] as const;
const FORMAT = 1;
const IDENTITY = 12;
const PUBLIC = 24;
const UPDATE = 32;
const REGISTERS = 64;
const MOST_REQUESTS = 8;
/** 6.3.2: key encryption, here of the update key, which is derived where no transaction ever is. */
const USE_KEY_ENCRYPTION = 0x0002;
const LAST = 0xffffffff;

/** Bytes of a terminal's state. */
export function stateLengthSuits(length: number): boolean {
  return [21 * 16, 32 * 16, 32 * 24, 32 * 32].includes(length - REGISTERS);
}

function ones(counter: number): number {
  let count = 0;
  for (let rest = counter; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}

function mostOnes(chain: Chain): number {
  return chain === "TDES" ? 10 : 16;
}

/** All ones: never a transaction. */
function ending(bits: number): number {
  return bits === 21 ? 0x1fffff : LAST;
}

function lowestOne(counter: number): number {
  return 31 - Math.clz32(counter & -counter);
}

function successor(counter: number, bits: number, chain: Chain): number {
  const end = ending(bits);
  let next = counter + 1;
  while (next < end && ones(next) > mostOnes(chain)) next += 2 ** lowestOne(next);
  return Math.min(next, end);
}

/** A base derivation key or an initial key; `undefined`: a TDEA key of two equal halves, parity aside. */
function chainKey({ kind, material }: KeyEntry): { chain: Chain; material: Uint8Array } | undefined {
  if (kind === "AES") return { chain: kind, material };
  if (kind !== "TDES" || material.length !== 16) throw wrongKind();
  const bare = material.map((byte) => byte & 0xfe);
  const halves = equalBytes(bare.subarray(0, 8), bare.subarray(8));
  wipe(bare);
  return halves ? undefined : { chain: kind, material };
}

function readRequests(chain: Chain, bytes: Uint8Array): Request[] {
  const count = bytes.length / 4;
  if (!Number.isInteger(count) || count === 0 || count > MOST_REQUESTS) throw wrongMaterialLength();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: count }, (_, i) => {
    const kind = KINDS[view.getUint8(4 * i) - 1];
    const length = view.getUint8(4 * i + 1);
    const suits = chain === "TDES" ? kind === "TDES" && length === 16 : [16, 24, 32].includes(length);
    if (kind === undefined || !suits || (kind === "TDES" && length === 32)) throw wrongMaterialLength();
    return { kind, bytes: length, use: view.getUint16(4 * i + 2) };
  });
}

function encodeSlots(slots: readonly Slot[]): Uint8Array {
  const out = new Uint8Array(4 * slots.length);
  const view = new DataView(out.buffer);
  slots.forEach((slot, i) => {
    view.setUint32(4 * i, slot);
  });
  return out;
}

/** All working keys, or none. */
function workingKeys(
  chain: Chain,
  key: Uint8Array,
  identity: Uint8Array,
  counter: number,
  requests: readonly Request[],
  create: Create,
  destroy: Destroy,
): Uint8Array {
  const made: Slot[] = [];
  try {
    for (const wanted of requests) {
      const derived = deriveWorking(chain, key, identity, counter, wanted);
      try {
        made.push(create(wanted.kind, derived));
      } finally {
        wipe(derived);
      }
    }
    return encodeSlots(made);
  } catch (error) {
    for (const slot of made) destroy(slot);
    throw error;
  }
}

function createAndWipe(create: Create, kind: SlotKind, material: Uint8Array): Uint8Array {
  try {
    return encodeSlots([create(kind, material)]);
  } finally {
    wipe(material);
  }
}

/** A terminal's state, by name. */
class Terminal {
  readonly chain: Chain;
  readonly keyBytes: number;
  readonly bits: number;
  readonly identity: Uint8Array;
  readonly #state: Uint8Array;
  readonly #view: DataView;

  private constructor(state: Uint8Array) {
    this.#state = state;
    this.#view = new DataView(state.buffer, state.byteOffset, state.length);
    this.chain = state[0] === 2 ? "TDES" : "AES";
    this.keyBytes = state[1]!;
    this.bits = state[2]!;
    this.identity = state.subarray(12, 12 + IDENTITY);
  }

  /** `undefined`: the state cannot be one. */
  static of({ kind, material }: KeyEntry): Terminal | undefined {
    if (kind !== "DUKPT") throw wrongKind();
    const found = new Terminal(material);
    const [chain, keyBytes, bits, format] = material;
    const sizes = chain === 1 ? [16, 24, 32].includes(keyBytes!) : chain === 2 && keyBytes === 16;
    const counters = bits === 21 || (bits === 32 && chain === 1);
    const length = REGISTERS + (chain === 2 ? 21 : 32) * keyBytes!;
    if (!sizes || !counters || format !== FORMAT || material.length !== length) return undefined;
    return found.#isCounter(found.next) || found.ended ? found : undefined;
  }

  static load(chain: Chain, key: Uint8Array, identity: Uint8Array): Uint8Array {
    const bits = chain === "AES" && identity[10] === 32 ? 32 : 21;
    const state = new Uint8Array(REGISTERS + (chain === "TDES" ? 21 : 32) * key.length);
    state.set([chain === "TDES" ? 2 : 1, key.length, bits, FORMAT]);
    state.set(identity.subarray(0, 10), 12);
    state[22] = bits;
    const terminal = new Terminal(state);
    terminal.next = 1;
    terminal.full = ending(bits);
    for (let i = 0; i < bits; i++) terminal.#put(i, step(chain, key, terminal.identity, (1 << i) >>> 0));
    if (chain === "AES") {
      const last = walk(chain, key, terminal.identity, LAST);
      state.set(last, UPDATE);
      wipe(last);
    }
    return state;
  }

  get next(): number {
    return this.#view.getUint32(4);
  }

  set next(counter: number) {
    this.#view.setUint32(4, counter);
  }

  get full(): number {
    return this.#view.getUint32(8);
  }

  set full(registers: number) {
    this.#view.setUint32(8, registers);
  }

  get ended(): boolean {
    return this.next === ending(this.bits);
  }

  /** The key that update keys are derived from. */
  get update(): Uint8Array {
    return this.#state.subarray(UPDATE, UPDATE + this.keyBytes);
  }

  head(): Uint8Array {
    return this.#state.slice(0, PUBLIC);
  }

  /** Takes the key of the next counter, fills the registers of those that follow from it, and moves on; `undefined`: no key. */
  spend(): Uint8Array | undefined {
    const counter = this.next;
    const lowest = lowestOne(counter);
    if (((this.full >>> lowest) & 1) === 0) return undefined;
    const key = this.#register(lowest).slice();
    this.#empty(lowest);
    if (ones(counter) < mostOnes(this.chain)) {
      for (let j = 0; j < lowest; j++) this.#put(j, step(this.chain, key, this.identity, (counter | (1 << j)) >>> 0));
      this.full = (this.full | ((1 << lowest) - 1)) >>> 0;
    }
    this.next = successor(counter, this.bits, this.chain);
    return key;
  }

  /** Spends every counter below `counter`: whether that is a later one. */
  skip(counter: number): boolean {
    const end = ending(this.bits);
    if (counter < this.next || !(counter === end || this.#isCounter(counter))) return false;
    while (this.next < counter) {
      const lowest = lowestOne(this.next);
      if (counter - this.next < 2 ** lowest) {
        const key = this.spend();
        if (key === undefined) return false;
        wipe(key);
      } else {
        // The whole of what this register leads to lies before.
        this.#empty(lowest);
        this.next = Math.min(this.next + 2 ** lowest, end);
      }
    }
    return true;
  }

  #isCounter(counter: number): boolean {
    return counter > 0 && counter < ending(this.bits) && ones(counter) <= mostOnes(this.chain);
  }

  #register(i: number): Uint8Array {
    const at = REGISTERS + i * this.keyBytes;
    return this.#state.subarray(at, at + this.keyBytes);
  }

  #put(i: number, key: Uint8Array): void {
    this.#register(i).set(key);
    wipe(key);
  }

  #empty(i: number): void {
    wipe(this.#register(i));
    this.full = (this.full & ~(1 << i)) >>> 0;
  }
}

/** One call of `Backend.dukpt` on the slot that `entry` is. */
export function dukptCall(
  operation: DukptOperation,
  entry: KeyEntry,
  counter: number,
  input: Uint8Array,
  create: Create,
  destroy: Destroy,
): Uint8Array | undefined {
  if (operation === "dukptInitialKey" || operation === "dukptKeys" || operation === "dukptLoad") {
    return chainCall(operation, entry, counter, input, create, destroy);
  }
  const terminal = Terminal.of(entry);
  if (terminal === undefined) return undefined;
  const { chain, identity } = terminal;
  switch (operation) {
    case "dukptState":
      return terminal.head();
    case "dukptSkip":
      return terminal.skip(counter) ? new Uint8Array(0) : undefined;
    case "dukptUpdateKey": {
      if (chain !== "AES") throw wrongKind();
      const [wanted] = readRequests(chain, input);
      if (wanted === undefined || input.length !== 4 || wanted.kind === "HMAC") throw wrongMaterialLength();
      const asked = { ...wanted, use: USE_KEY_ENCRYPTION };
      return createAndWipe(create, wanted.kind, deriveWorking(chain, terminal.update, identity, LAST, asked));
    }
    default: {
      if (terminal.ended) return undefined;
      const requests = readRequests(chain, input);
      const spent = terminal.next;
      const key = terminal.spend();
      if (key === undefined) return undefined;
      try {
        return workingKeys(chain, key, identity, spent, requests, create, destroy);
      } finally {
        wipe(key);
      }
    }
  }
}

/** The calls on a base derivation key or an initial key. */
function chainCall(
  operation: "dukptInitialKey" | "dukptKeys" | "dukptLoad",
  entry: KeyEntry,
  counter: number,
  input: Uint8Array,
  create: Create,
  destroy: Destroy,
): Uint8Array | undefined {
  const whole = operation === "dukptKeys" ? input.length > IDENTITY && counter !== 0 : input.length === IDENTITY;
  if (!whole) throw wrongMaterialLength();
  const found = chainKey(entry);
  if (found === undefined) return undefined;
  const { chain, material } = found;
  const identity = input.slice(0, IDENTITY);
  if (operation === "dukptInitialKey") return createAndWipe(create, chain, deriveInitial(chain, material, identity));
  if (operation === "dukptLoad") return createAndWipe(create, "DUKPT", Terminal.load(chain, material, identity));
  const requests = readRequests(chain, input.subarray(IDENTITY));
  const initial = identity[11] === 1 ? deriveInitial(chain, material, identity) : material.slice();
  const key = walk(chain, initial, identity, counter);
  wipe(initial);
  try {
    return workingKeys(chain, key, identity, counter, requests, create, destroy);
  } finally {
    wipe(key);
  }
}
