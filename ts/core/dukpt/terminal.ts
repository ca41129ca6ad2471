/**
 * DUKPT on the terminal (X9.24-3:2017 clause 6, annex C): one key for each transaction, never the same twice.
 *
 * Registers live in a slot of the backend and never leave it but in a key block. What may lead back to a spent key is wiped before the
 * key is used: whoever opens a terminal finds neither the initial key nor any key of a counter that is spent. Public: KSN, counter.
 */
import { unwrapKeyBlock, type UnwrappedKey } from "../key-block/unwrap.js";
import { type KeyBlockHeader, readKeyBlock } from "../key-block/header.js";
import { requireKbpk } from "../key-block/kbpk.js";
import { wrapKeyBlock } from "../key-block/wrap.js";
import { assertObject, flag, refusal, numberRefusal, text as textOption } from "../../base/arguments.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import { resolveAttributes } from "../keys/attributes.js";
import { internals, makeKey, SecretKey } from "../keys/handle.js";
import { nextSlots, skipSlots, terminalSlot, terminalState, tryDukpt, updateKeySlot } from "./calls.js";
import { ksnBlock, requireInitialKey } from "./host.js";
import { badKsn, checkCounter, type DukptScheme, endOfCounters, type Ksn, ksnAt, parseKsn, transactionsFrom } from "./ksn.js";
import {
  type Chain,
  type DukptKeyOptions,
  type DukptKeys,
  type DukptWanted,
  handlesOf,
  planKeys,
  requestsOf,
} from "./working-keys.js";

/** Options of `DukptTerminal.load`. */
export interface LoadTerminalOptions {
  /** Leaves the initial key's handle alive. Default false: it is destroyed. */
  keep?: boolean;
}

/** Options of `DukptTerminal.restore`. */
export interface RestoreTerminalOptions {
  /** A KSN that the state must have reached: that of the next transaction, as far as it is known. Older states are refused. */
  notBefore?: string;
}

/** A saved state's header: a proprietary usage and algorithm (X9.143 clause 6.3.1), so that no other reader takes it for a key. */
const STATE_USAGE = "10";
const STATE_ALGORITHM = "0";

/** The errors of `ERR_DUKPT_STATE`. */
function badState(what: string, cause?: unknown): PosCryptoError {
  return new PosCryptoError("ERR_DUKPT_STATE", `DUKPT state: ${what}`, cause === undefined ? {} : { cause });
}

/** What `new DukptTerminal` must be given: made here only. */
const issued: { made?: { key: SecretKey; ksn: Ksn; chain: Chain } } = {};

/** The KSN in a block's header; `undefined` where it has none. */
function headerKsn(header: KeyBlockHeader, scheme: DukptScheme): Ksn | undefined {
  for (const block of header.optionalBlocks) {
    if (block.id === "IK") return parseKsn(`${block.data}00000000`, scheme);
    if (block.id === "KS") return parseKsn(block.data, scheme);
  }
  return undefined;
}

/** The KSN to load with: the block's, the caller's, or both if they agree. */
function loadKsn(given: string | Uint8Array | undefined, stated: Ksn | undefined, scheme: DukptScheme): Ksn {
  const parsed = given === undefined ? undefined : parseKsn(given, scheme);
  const found = parsed ?? stated;
  if (found === undefined) throw badKsn("the key block states none in IK or KS; pass the terminal's KSN");
  if (stated !== undefined && (found.initialKeyId !== stated.initialKeyId || found.ksn.length !== stated.ksn.length)) {
    throw badKsn("the one given is not that of the key block");
  }
  return found;
}

/** A counter to start at: 0 and 1 are the first. */
function startOf(ksn: Ksn): number {
  if (ksn.counter > 1) checkCounter(ksn);
  return Math.max(ksn.counter, 1);
}

/** Puts the registers of `key` into a slot, moved on to the counter of `ksn`. */
function makeTerminal(key: SecretKey, given: Ksn): { key: SecretKey; ksn: Ksn; chain: Chain } {
  const { backend, slot, chain } = requireInitialKey(key, "ik");
  const counter = startOf(given);
  const terminal = ownSlot(backend, terminalSlot(backend, slot, given));
  if (counter > 1 && !skipSlots(backend, internals(terminal, "terminal").slot, counter)) {
    terminal.destroy();
    throw badKsn("the counter cannot be reached");
  }
  return { key: terminal, ksn: { ...given, counter, ksn: ksnAt(given, counter) }, chain };
}

/** The handle that a terminal keeps to itself: it frees the slot, and lets the state be wrapped as a block is. */
function ownSlot(backend: Parameters<typeof makeKey>[0], slot: number): SecretKey {
  const attributes = resolveAttributes({ algorithm: "OPAQUE", usage: STATE_USAGE, exportability: "E", backend }, false);
  return makeKey(backend, slot, { ...attributes, letter: STATE_ALGORITHM });
}

/**
 * The terminal's side of DUKPT. It does no input or output: `save()` after each `next()` is what makes a counter spent for good, and
 * `DukptStore` of `./client` does that over a store. Two objects restored from one state would use the same keys twice.
 *
 * @example
 * ```ts
 * import { encryptPinBlock, generateKey, importKey } from "viopay-pos-crypto";
 * import { DukptTerminal } from "viopay-pos-crypto/dukpt";
 *
 * const ik = importKey("1273671EA26AC29AFA4D1084127652A1", { algorithm: "AES", usage: "B1", modeOfUse: "X" });
 * const storageKey = generateKey({ algorithm: "AES", usage: "K0", bits: 256 });
 * const terminal = DukptTerminal.load(ik, "123456789012345600000000");
 * const { ksn, pin } = terminal.next({ pin: true });
 * const saved = terminal.save(storageKey); // to be stored before the key is used
 * console.log(encryptPinBlock(pin, { format: 4, pin: "1234", pan: "4111111111111111" }).length); // prints 32
 * pin.destroy();
 * console.log(ksn, terminal.ksn); // prints 123456789012345600000001 123456789012345600000002
 * terminal.destroy();
 *
 * const again = DukptTerminal.restore(saved, storageKey, { notBefore: "123456789012345600000002" });
 * console.log(again.remaining); // prints 2448023841
 * again.destroy();
 * storageKey.destroy();
 * ```
 */
export class DukptTerminal {
  #key: SecretKey;
  #ksn: Ksn;
  #chain: Chain;

  /** Not for callers: use `load` or `restore`. */
  private constructor() {
    const { made } = issued;
    if (made === undefined) throw invalidArgument("DukptTerminal", "made by load or restore", "a constructor call");
    delete issued.made;
    this.#key = made.key;
    this.#ksn = made.ksn;
    this.#chain = made.chain;
  }

  static #issue(made: { key: SecretKey; ksn: Ksn; chain: Chain }): DukptTerminal {
    issued.made = made;
    return new DukptTerminal();
  }

  /**
   * A terminal with a new initial key. Source: X9.24-3:2017 clause 6.5.1, annex C.
   *
   * @param ik usage B1, mode of use X or N; or what `unwrapKeyBlock` gave, whose IK or KS block then states the KSN
   * @param ksn the terminal's. Counter 0 or 1 starts at 1, a higher one there. Beside a block's own it must agree with that
   * @param options whether the handle of the initial key stays alive
   * @throws `ERR_KSN`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`, `ERR_KEY_CAPACITY`, `ERR_INVALID_ARGUMENT`
   */
  static load(ik: SecretKey | UnwrappedKey, ksn?: string | Uint8Array, options: LoadTerminalOptions = {}): DukptTerminal {
    assertObject("options", options);
    const keep = flag(options, "keep");
    assertObject("ik", ik);
    const key = ik instanceof SecretKey ? ik : ik.key;
    const { chain } = requireInitialKey(key, "ik");
    const stated = ik instanceof SecretKey ? undefined : headerKsn(ik.header, chain.algorithm);
    const made = makeTerminal(key, loadKsn(ksn, stated, chain.algorithm));
    if (!keep) key.destroy();
    return DukptTerminal.#issue(made);
  }

  /**
   * A terminal from what `save` gave.
   *
   * @param block the saved state
   * @param storageKey the key it was saved under
   * @param options `notBefore`: the KSN of the next transaction as far as it is known from elsewhere
   * @throws `ERR_DUKPT_STATE` for a state that is older, another terminal's, damaged, or under another key
   * @throws `ERR_KEY_USAGE`, `ERR_KEY_BLOCK_KBPK`, `ERR_KEY_DESTROYED`, `ERR_KEY_CAPACITY`, `ERR_KSN`, `ERR_INVALID_ARGUMENT`
   */
  static restore(block: string, storageKey: SecretKey, options: RestoreTerminalOptions = {}): DukptTerminal {
    assertObject("options", options);
    if (typeof block !== "string") throw refusal("block", "a string", block);
    const { backend, slot: kbpk } = requireKbpk(storageKey, "D", "unwrap");
    tryDukpt(backend);
    const { header, text, headerLength } = readState(block);
    const opened = backend.unwrapKeyBlock(kbpk, "D", text, headerLength, "DUKPT");
    if (opened.verdict !== "opened") throw badState("it was changed, or saved under another key");
    const key = ownSlot(backend, opened.slot);
    try {
      const state = opened.kind === "DUKPT" ? terminalState(backend, opened.slot) : undefined;
      if (state === undefined) throw badState("the block holds no terminal");
      const stated = headerKsn(header, state.scheme);
      if (stated === undefined || stated.initialKeyId !== state.initialKeyId) throw badState("the block holds no terminal");
      const ksn = { ...stated, counter: state.counter, ksn: ksnAt(stated, state.counter) };
      checkNotBefore(ksn, textOption(options, "notBefore"));
      return DukptTerminal.#issue({ key, ksn, chain: { algorithm: state.scheme, bits: 8 * state.keyBytes } });
    } catch (error) {
      key.destroy();
      throw error;
    }
  }

  /** KSN of the next transaction; where there is none, its counter is all ones. */
  get ksn(): string {
    return this.#ksn.ksn;
  }

  /** How many transactions are left. */
  get remaining(): number {
    return this.#ksn.counter === endOfCounters(this.#ksn) ? 0 : transactionsFrom(this.#ksn);
  }

  /** Whether the registers are gone. */
  get destroyed(): boolean {
    return this.#key.destroyed;
  }

  /**
   * The working keys of the next transaction, which is spent thereby, whatever becomes of them. The state must be saved before a key
   * is used. Arguments are checked first: a call that is refused for them spends nothing.
   *
   * @param wanted which keys, of which type
   * @param options field dialects of TDES, and what the handles allow
   * @returns the transaction's KSN, and a key for each name in `wanted`
   * @throws `ERR_DUKPT_EXHAUSTED` when there is no counter left: load a new initial key
   * @throws `ERR_KEY_USAGE`, `ERR_INVALID_ARGUMENT`, `ERR_KEY_DESTROYED`, `ERR_DUKPT_STATE`, `ERR_KEY_CAPACITY`
   */
  next<const W extends DukptWanted>(wanted: W, options: DukptKeyOptions = {}): DukptKeys<W> {
    const { backend, slot } = internals(this.#key, "terminal");
    const plan = planKeys(wanted, options, this.#chain, "terminal");
    const spent = this.#ksn;
    if (spent.counter === endOfCounters(spent)) {
      throw new PosCryptoError("ERR_DUKPT_EXHAUSTED", "DUKPT: every transaction is spent; load a new initial key");
    }
    try {
      const slots = nextSlots(backend, slot, requestsOf(plan));
      if (slots === undefined) throw badState("the key of the next transaction is missing");
      return handlesOf(plan, backend, slots, spent);
    } finally {
      this.#moveTo(terminalState(backend, slot)?.counter ?? spent.counter);
    }
  }

  /**
   * Moves on to a later counter and spends all before it, so that nothing leads back to their keys.
   *
   * @param counter at least that of `ksn`, with as many ones as the scheme allows
   * @throws `ERR_KSN` for an earlier counter or one that is no transaction's, `ERR_KEY_DESTROYED`, `ERR_INVALID_ARGUMENT`
   */
  skipTo(counter: number): void {
    const { backend, slot } = internals(this.#key, "terminal");
    if (!Number.isInteger(counter)) throw numberRefusal("counter", "a whole number", counter);
    if (counter < this.#ksn.counter) throw badKsn("the terminal is beyond this counter; it only moves forward");
    if (counter >= endOfCounters(this.#ksn)) throw badKsn("a counter beyond the last one");
    checkCounter({ ...this.#ksn, counter });
    if (!skipSlots(backend, slot, counter)) throw badState("the registers do not lead to this counter");
    this.#moveTo(counter);
  }

  /**
   * The state as a key block, version D, of a proprietary usage, encrypted and authenticated under the storage key: to be kept before
   * a key of the last `next()` is used. IK or KS in its header name the terminal.
   *
   * @param storageKey AES, usage K0 or K1, mode of use E, B or N, not weaker than the terminal's keys, in the same backend
   * @throws `ERR_KEY_BLOCK_KBPK`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`, `ERR_NO_RANDOM`, `ERR_INVALID_ARGUMENT`
   */
  save(storageKey: SecretKey): string {
    const { backend } = internals(this.#key, "terminal");
    const storage = requireKbpk(storageKey, "D", "wrap");
    if (storage.backend !== backend) {
      throw new PosCryptoError("ERR_KEY_USAGE", '"storageKey" is in another backend than the terminal');
    }
    if (this.#chain.algorithm === "AES" && storageKey.bits < this.#chain.bits) {
      throw new PosCryptoError("ERR_KEY_USAGE", `"storageKey" has ${storageKey.bits} bits, fewer than the terminal's keys`);
    }
    const optionalBlocks = [ksnBlock(this.#ksn)];
    return wrapKeyBlock(storageKey, this.#key, { version: "D", exportability: "N", optionalBlocks }, { grammar: "lenient" });
  }

  /**
   * Loads a new initial key that the host sends under the update key (X9.24-3:2017 clause 6.5.3, AES DUKPT only). All keys of the old
   * one are gone when it returns; when it throws, nothing has changed.
   *
   * @param block a key block of usage B1, with IK or KS. Versions D and E: under an AES update key, A to C: under a TDES one
   * @param ksn where the block states none
   * @throws `ERR_KEY_USAGE` for a TDES terminal, which has no update key
   * @throws `ERR_KEY_BLOCK_MAC` for a block under another key, `ERR_KSN`, and what `unwrapKeyBlock` throws
   */
  update(block: string, ksn?: string | Uint8Array): void {
    const old = this.#key;
    internals(old, "terminal");
    if (this.#chain.algorithm !== "AES") {
      throw new PosCryptoError("ERR_KEY_USAGE", "a TDES terminal has no update key; load a new initial key");
    }
    const opened = this.#openUpdate(block);
    try {
      const { chain } = requireInitialKey(opened.key, "ik");
      const made = makeTerminal(opened.key, loadKsn(ksn, headerKsn(opened.header, chain.algorithm), chain.algorithm));
      this.#key = made.key;
      this.#ksn = made.ksn;
      this.#chain = made.chain;
      old.destroy();
    } finally {
      opened.key.destroy();
    }
  }

  /** Wipes the registers. Every later use but of `ksn`, `remaining` and `destroyed` throws `ERR_KEY_DESTROYED`. */
  destroy(): void {
    this.#key.destroy();
  }

  /** The counter's place, and nothing secret. */
  toString(): string {
    return `DukptTerminal(${this.#chain.algorithm}-${this.#chain.bits} ${this.ksn}${this.destroyed ? " destroyed" : ""})`;
  }

  /** As `toString`: a terminal in JSON shows no material, and cannot be read back. */
  toJSON(): string {
    return this.toString();
  }

  #moveTo(counter: number): void {
    this.#ksn = { ...this.#ksn, counter, ksn: ksnAt(this.#ksn, counter) };
  }

  /** The update key has the type of the new initial key, which the block does not tell: the longest that may be is tried first. */
  #openUpdate(block: string): UnwrappedKey {
    const { backend, slot } = internals(this.#key, "terminal");
    const { version } = readKeyBlock(block).header;
    const kind = version === "D" || version === "E" ? "AES" : "TDES";
    const lengths = kind === "AES" ? [32, 24, 16].filter((bytes) => 8 * bytes <= this.#chain.bits) : [24, 16];
    let refusal: unknown;
    for (const bytes of lengths) {
      const made = updateKeySlot(backend, slot, kind, bytes);
      if (made === undefined) throw badState("the state cannot be one");
      const kek = makeKey(backend, made, resolveAttributes({ algorithm: kind, usage: "K0", modeOfUse: "D" }, false));
      try {
        return unwrapKeyBlock(kek, block, { expectUsage: "B1" });
      } catch (error) {
        if (!(error instanceof PosCryptoError && error.code === "ERR_KEY_BLOCK_MAC")) throw error;
        refusal = error;
      } finally {
        kek.destroy();
      }
    }
    throw refusal;
  }
}

/** The text of a saved state; whatever is wrong with it is a bad state. */
function readState(block: string): ReturnType<typeof readKeyBlock> {
  try {
    const scanned = readKeyBlock(block);
    const { version, usage, algorithm } = scanned.header;
    if (version === "D" && usage === STATE_USAGE && algorithm === STATE_ALGORITHM) return scanned;
  } catch (error) {
    throw badState("it is damaged", error);
  }
  throw badState("the block holds no terminal");
}

function checkNotBefore(ksn: Ksn, notBefore: string | undefined): void {
  if (notBefore === undefined) return;
  const least = parseKsn(notBefore, ksn.scheme);
  if (least.initialKeyId !== ksn.initialKeyId || least.ksn.length !== ksn.ksn.length) {
    throw badState("it is another terminal's than the KSN of notBefore");
  }
  if (ksn.counter < least.counter) throw badState("it is older than the KSN of notBefore; keys would be used twice");
}
