/**
 * Keys as handles: `SecretKey` names a slot of a backend and knows what the key may be used for (ANSI X9.143:2021 clause 6.3).
 *
 * Material never belongs to the handle: it lies in the backend's slot, is wiped by `destroy()`, and leaves only through
 * `exposeKeyBytes`, or encrypted. The handle has no properties of its own, so that copying, printing or serialising it gives
 * out nothing. A finalizer frees the slots of unreachable handles: a safety net, not a substitute for `destroy()`.
 */
import type { Backend, BackendName, HashName, Slot } from "../../backend/contract.js";
import { encodeHex } from "../../base/bytes.js";
import { checkValueBytes, methodsFor } from "./check-value-methods.js";
import { describeType, invalidArgument, PosCryptoError } from "../../base/errors.js";
import type { Exportability, KeyAlgorithm, KeyInternals, ResolvedKeyAttributes } from "./attributes.js";
import { MODE_ANY } from "./attribute-tables.js";
import { hasOwn } from "../../base/arguments.js";

declare global {
  /** As in the library `esnext.disposable`, for consumers whose TypeScript or settings do not have it. */
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }
}

interface KeyState extends KeyInternals {
  readonly attributes: ResolvedKeyAttributes;
  readonly bits: number;
  destroyed: boolean;
  /** The need that was last found satisfied. Attributes never change, so neither does that verdict. */
  satisfied: KeyNeed | undefined;
  /** The printed check value, once somebody printed the key. */
  label: string | undefined;
}

/**
 * The state behind a handle; `undefined` for anything that is not a genuine one. Set by the constructor, since the class alone can
 * look: before the first key there is nothing genuine. A static block would do it earlier, but React Native's Babel preset refuses
 * one, and bundlers keep the class of an app that has no use for it.
 */
let readState: (key: object) => KeyState | undefined = beforeTheFirst;

function beforeTheFirst(): undefined {}

function stateOf(key: SecretKey): KeyState {
  const state = readState(key);
  if (state === undefined) throw notAKey("this", key);
  return state;
}

/**
 * A key inside a backend. Made by `importKey`, `importKeyComponents`, `generateKey`, `unwrapKeyBlock`, `installKeySet` and
 * `issueKeySet`, never by its constructor.
 *
 * Prints as `SecretKey(P0 AES-256 KCV 08793E)`; imported HMAC secrets and algorithms without a check value print without one.
 * Every use after `destroy()` throws `ERR_KEY_DESTROYED`.
 *
 * @example
 * ```ts
 * import { generateKey } from "viopay-pos-crypto";
 *
 * const key = generateKey({ algorithm: "AES", usage: "D0", modeOfUse: "E", bits: 256 });
 * console.log(key.algorithm, key.bits, key.usage, key.modeOfUse); // prints AES 256 D0 E
 * key.destroy();
 * console.log(`${key}`, key.destroyed); // prints SecretKey(D0 AES-256 destroyed) true
 * ```
 */
export class SecretKey {
  readonly #state: KeyState;

  /** Not for callers: throws `ERR_INVALID_ARGUMENT` without the library's own state. */
  constructor(state: unknown) {
    if (state !== issued || issued === undefined) {
      throw invalidArgument("state", "made by the library; use importKey", describeType(state));
    }
    this.#state = issued;
    issued = undefined;
    if (readState === beforeTheFirst) readState = (key) => (#state in key ? key.#state : undefined);
    Object.freeze(this);
  }

  /** What computes with the key. */
  get algorithm(): KeyAlgorithm {
    return stateOf(this).attributes.algorithm;
  }

  /** Length of the material in bits, DES parity bits included. */
  get bits(): number {
    return stateOf(this).bits;
  }

  /** Two characters of X9.143:2021 table 2. */
  get usage(): string {
    return stateOf(this).attributes.usage;
  }

  /** A letter of X9.143:2021 table 4. */
  get modeOfUse(): string {
    return stateOf(this).attributes.modeOfUse;
  }

  /** X9.143:2021 table 6: whether, and how, the key may be wrapped. */
  get exportability(): Exportability {
    return stateOf(this).attributes.exportability;
  }

  /** Two alphanumeric characters; `00`: not used. */
  get keyVersion(): string {
    return stateOf(this).attributes.keyVersion;
  }

  /** The hash of an HMAC key. */
  get hash(): HashName | undefined {
    return stateOf(this).attributes.hash;
  }

  /** Whether `exposeKeyBytes` gives the material out. */
  get extractable(): boolean {
    return stateOf(this).attributes.extractable;
  }

  /** Where the key lives. */
  get backend(): BackendName {
    return stateOf(this).backend.name;
  }

  /** Whether the material is gone. Needs no live key. */
  get destroyed(): boolean {
    const state = stateOf(this);
    return state.destroyed || !state.backend.slotIsLive(state.slot);
  }

  /** Wipes the material. Every later use throws `ERR_KEY_DESTROYED`; destroying again does nothing. */
  destroy(): void {
    const state = stateOf(this);
    if (state.destroyed) return;
    state.destroyed = true;
    registry?.unregister(state);
    state.backend.destroySlot(state.slot);
  }

  /** `SecretKey(P0 AES-256 KCV 08793E)`; without a check value where there is none to show. */
  toString(): string {
    const { attributes, bits } = stateOf(this);
    const name = `${attributes.usage} ${attributes.algorithm}-${bits}`;
    return `SecretKey(${name}${this.destroyed ? " destroyed" : printedCheckValue(stateOf(this))})`;
  }

  /** As `toString`: a key in JSON shows no material, and cannot be read back. */
  toJSON(): string {
    return this.toString();
  }

  /** `SecretKey`. */
  get [Symbol.toStringTag](): string {
    return "SecretKey";
  }

  /** `using key = importKey(...)`: the same as `destroy()`. Present only where the engine has `Symbol.dispose`. */
  declare readonly [Symbol.dispose]: () => void;
}

/** Done when the first key is made, since importing does nothing, and since a polyfill may come late. */
function addSymbols(): void {
  if (typeof Symbol.dispose === "symbol") {
    addMethod(Symbol.dispose, function dispose(this: SecretKey): void {
      this.destroy();
    });
  }
  /** As `toString`, for `console.log` and the like in Node: `util.inspect.custom`. */
  addMethod(Symbol.for("nodejs.util.inspect.custom"), function inspect(this: SecretKey): string {
    return this.toString();
  });
}

function addMethod(name: symbol, value: (this: SecretKey) => unknown): void {
  if (hasOwn(SecretKey.prototype, name)) return;
  Object.defineProperty(SecretKey.prototype, name, { value, configurable: true, writable: true });
}

function printedCheckValue(state: KeyState): string {
  if (state.label !== undefined) return state.label;
  const { algorithm, hash, imported, note } = state.attributes;
  if (note !== undefined) return ` ${note}`;
  const method = methodsFor(algorithm)[0];
  const hidden = method === undefined || (algorithm === "HMAC" && imported);
  state.label = hidden ? "" : ` KCV ${encodeHex(checkValueBytes(state.backend, state.slot, algorithm, method, hash, 3))}`;
  return state.label;
}

/** The state between its making and the constructor's return: what proves that the library called it. */
let issued: KeyState | undefined;

let registry: FinalizationRegistry<KeyInternals> | undefined;

function finalizer(): FinalizationRegistry<KeyInternals> | undefined {
  if (registry === undefined && typeof FinalizationRegistry === "function") {
    registry = new FinalizationRegistry(({ backend, slot }) => backend.destroySlot(slot));
  }
  return registry;
}

/** Makes the handle of a slot and takes ownership of it. Internal. */
export function makeKey(backend: Backend, slot: Slot, attributes: ResolvedKeyAttributes): SecretKey {
  const state: KeyState = {
    backend,
    slot,
    attributes,
    bits: 8 * backend.slotLength(slot),
    destroyed: false,
    satisfied: undefined,
    label: undefined,
  };
  addSymbols();
  issued = state;
  const key = new SecretKey(state);
  finalizer()?.register(key, { backend, slot }, state);
  return key;
}

/** A handle of another copy of this package is no handle here: its slot is in the other copy's module. */
function notAKey(name: string, value: unknown): PosCryptoError {
  const expected = "a SecretKey";
  if (!looksLikeAKey(value)) return invalidArgument(name, expected, describeType(value));
  return invalidArgument(
    name,
    expected,
    "a SecretKey of another copy of viopay-pos-crypto, or one behind a proxy: load the package once (npm ls viopay-pos-crypto), and keep keys out of reactive state",
  );
}

function looksLikeAKey(value: unknown): boolean {
  try {
    return typeof value === "object" && value !== null && value.constructor.name === SecretKey.name;
  } catch {
    return false;
  }
}

function liveState(key: unknown, name: string): KeyState {
  const state = typeof key === "object" && key !== null ? readState(key) : undefined;
  if (state === undefined) throw notAKey(name, key);
  if (state.destroyed || !state.backend.slotIsLive(state.slot)) {
    throw new PosCryptoError("ERR_KEY_DESTROYED", `"${name}" was destroyed`);
  }
  return state;
}

/** Where a key is. Internal. Throws `ERR_INVALID_ARGUMENT` for anything but a SecretKey, and `ERR_KEY_DESTROYED`. */
export function internals(key: SecretKey, name: string): KeyInternals {
  return liveState(key, name);
}

/** What a key is. Internal; throws as `internals`. */
export function attributesOf(key: SecretKey, name: string): ResolvedKeyAttributes {
  return liveState(key, name).attributes;
}

export type KeyOperation = "encrypt" | "decrypt" | "wrap" | "unwrap" | "macGenerate" | "macVerify" | "derive";

/** The modes of X9.143:2021 table 4 that permit an operation, `N` aside. */
const MODES: Readonly<Record<KeyOperation, string>> = {
  encrypt: "BE",
  decrypt: "BD",
  wrap: "BE",
  unwrap: "BD",
  macGenerate: "CG",
  macVerify: "CV",
  derive: "X",
};

/** What an operation asks of a key. Declare it once per operation: a key skips the check for the need it met last. */
export interface KeyNeed {
  readonly operation: KeyOperation;
  readonly usages: readonly string[];
  readonly algorithms: readonly KeyAlgorithm[];
  /** What to do about another algorithm. */
  readonly hint?: string;
}

/**
 * Where a key is, provided that algorithm, usage and mode of use allow the operation. Internal. Throws `ERR_KEY_USAGE`, and as
 * `internals`.
 */
export function requireUse(key: SecretKey, name: string, need: KeyNeed): KeyInternals {
  const state = liveState(key, name);
  if (state.satisfied === need) return state;
  const { algorithm, usage, modeOfUse } = state.attributes;
  if (!need.algorithms.includes(algorithm)) {
    const hint = need.hint === undefined ? "" : `; ${need.hint}`;
    throw misuse(name, need, "algorithm", algorithm, need.algorithms.join(" or ") + hint);
  }
  if (!need.usages.includes(usage)) throw misuse(name, need, "usage", usage, need.usages.join(", "));
  const modes = MODES[need.operation];
  if (modeOfUse !== MODE_ANY && !modes.includes(modeOfUse)) {
    throw misuse(name, need, "mode of use", modeOfUse, [...modes, MODE_ANY].join(", "));
  }
  state.satisfied = need;
  return state;
}

function misuse(name: string, need: KeyNeed, what: string, has: string, needs: string): PosCryptoError {
  const details = { operation: need.operation, [what === "mode of use" ? "modeOfUse" : what]: has };
  return new PosCryptoError("ERR_KEY_USAGE", `"${name}" has ${what} ${has}; to ${VERBS[need.operation]} takes ${needs}`, {
    details,
  });
}

const VERBS: Readonly<Record<KeyOperation, string>> = {
  encrypt: "encrypt",
  decrypt: "decrypt",
  wrap: "wrap a key",
  unwrap: "unwrap a key",
  macGenerate: "make a MAC",
  macVerify: "verify a MAC",
  derive: "derive a key",
};
