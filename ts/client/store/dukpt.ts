/**
 * A DUKPT terminal over a `TerminalStore`: no counter is ever used twice, whatever crashes, and whichever one of two places is put back
 * from a backup (X9.24-3:2017 clause 6.5; the terminal itself: core/dukpt/terminal.ts).
 *
 * The first place holds the state, a key block under the storage key; the second one the KSN that has been reached, public. Both are
 * durable before a transaction's keys leave: the state first, so that a crash between the two leaves it ahead, which does no harm.
 * An image of the whole device that is put back takes both places with it, and is beyond what software can notice.
 */
import { assertObject, own } from "../../base/arguments.js";
import { PosCryptoError } from "../../base/errors.js";
import { type DukptKeyOptions, type DukptKeys, DukptTerminal, type DukptWanted, parseKsn } from "../../core/dukpt/index.js";
import { attributesOf, type SecretKey } from "../../core/keys/handle.js";
import { DUKPT_PAYLOADS } from "./records.js";
import type { TerminalStore } from "./store.js";

/** Options of `DukptStore.open`. */
export interface DukptStoreOptions {
  /** Where the KSN that has been reached is kept. Default: the same store; a store elsewhere notices an older copy of the first. */
  readonly second?: TerminalStore;
}

const STATE = `${DUKPT_PAYLOADS}state`;
const REACHED = `${DUKPT_PAYLOADS}reached`;

function badState(what: string): PosCryptoError {
  return new PosCryptoError("ERR_DUKPT_STATE", `DUKPT state: ${what}`);
}

/** The identity and the counter of a KSN, whichever form it has: TDES and the compatibility form have 20 digits each. */
function placeOf(ksn: string): { identity: string; counter: number } {
  const { initialKeyId, counter } = parseKsn(ksn);
  return { identity: `${ksn.length} ${initialKeyId}`, counter };
}

async function readText(store: TerminalStore, name: string): Promise<string | undefined> {
  const value = await store.getPayload(name);
  if (value === undefined || typeof value === "string") return value;
  throw badState("what the store holds is none");
}

/**
 * Keeps a DUKPT terminal in a store that outlives restarts. Calls run one after the other. When a write fails, the transaction is spent
 * and its keys are destroyed: no key leaves whose counter is not durable in both places.
 *
 * @example
 * ```ts
 * import { generateKey, importKey } from "viopay-pos-crypto";
 * import { DukptStore, MemoryStore } from "viopay-pos-crypto/client";
 * import { DukptTerminal } from "viopay-pos-crypto/dukpt";
 *
 * const storageKey = generateKey({ algorithm: "AES", usage: "K0", bits: 256 });
 * const ik = importKey("1273671EA26AC29AFA4D1084127652A1", { algorithm: "AES", usage: "B1", modeOfUse: "X" });
 * const dukpt = await DukptStore.open(new MemoryStore(), storageKey);
 * await dukpt.load(DukptTerminal.load(ik, "123456789012345600000000"));
 * const { ksn, pin } = await dukpt.next({ pin: true });
 * console.log(ksn, dukpt.ksn); // prints 123456789012345600000001 123456789012345600000002
 * pin.destroy();
 * dukpt.close();
 * storageKey.destroy();
 * ```
 */
export class DukptStore {
  readonly #store: TerminalStore;
  readonly #second: TerminalStore;
  readonly #storageKey: SecretKey;
  #terminal: DukptTerminal | undefined;
  /** What this object last found or wrote in the second place: another value is another user's. */
  #reached: string | undefined;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(store: TerminalStore, storageKey: SecretKey, second: TerminalStore) {
    this.#store = store;
    this.#second = second;
    this.#storageKey = storageKey;
  }

  /**
   * Opens what the store holds, if it holds a terminal.
   *
   * @param store for one user at a time, as `FileStore` and `IndexedDbStore` see to
   * @param storageKey AES, usage K0 or K1, for saving and restoring; stays the caller's
   * @throws `ERR_DUKPT_STATE` for a state older than the KSN in the second place, missing beside one, or damaged
   * @throws what the store throws, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`, `ERR_INVALID_ARGUMENT`
   */
  static async open(store: TerminalStore, storageKey: SecretKey, options: DukptStoreOptions = {}): Promise<DukptStore> {
    assertObject("store", store);
    assertObject("options", options);
    attributesOf(storageKey, "storageKey");
    const made = new DukptStore(store, storageKey, own(options, "second", store));
    const saved = await readText(made.#store, STATE);
    made.#reached = await readText(made.#second, REACHED);
    if (saved === undefined) {
      if (made.#reached !== undefined) throw badState("it is missing, but the second place knows a terminal");
      return made;
    }
    const notBefore = made.#reached;
    made.#terminal = DukptTerminal.restore(saved, storageKey, notBefore === undefined ? {} : { notBefore });
    return made;
  }

  /** KSN of the next transaction; `undefined` before a terminal is loaded. */
  get ksn(): string | undefined {
    return this.#terminal?.ksn;
  }

  /** How many transactions are left. */
  get remaining(): number {
    return this.#terminal?.remaining ?? 0;
  }

  /**
   * Takes over a terminal that was just loaded, and makes it durable. The one before is destroyed.
   *
   * @throws `ERR_DUKPT_STATE` where the same initial key was here before and has gone further: its keys would be used twice
   */
  load(terminal: DukptTerminal): Promise<void> {
    return this.#inTurn(async () => {
      await this.#checkUser();
      if (this.#reached !== undefined) {
        const [before, now] = [placeOf(this.#reached), placeOf(terminal.ksn)];
        if (before.identity === now.identity && now.counter < before.counter) {
          throw badState("this terminal was loaded before and has gone further; skip to its KSN, or load a new initial key");
        }
      }
      const old = this.#terminal;
      await this.#persist(terminal);
      this.#terminal = terminal;
      if (old !== terminal) old?.destroy();
    });
  }

  /**
   * The working keys of the next transaction, as `DukptTerminal.next`, once the state is durable in both places.
   *
   * @throws `ERR_DUKPT_STATE` before a terminal is loaded, and where somebody else has used the store meanwhile
   * @throws what the store throws, after which the transaction is spent; and as `DukptTerminal.next`
   */
  next<const W extends DukptWanted>(wanted: W, options: DukptKeyOptions = {}): Promise<DukptKeys<W>> {
    return this.#inTurn(async () => {
      const terminal = this.#loaded();
      await this.#checkUser();
      const keys = terminal.next(wanted, options);
      try {
        await this.#persist(terminal);
      } catch (error) {
        const { ksn: _, ...made } = keys;
        for (const key of Object.values(made) as SecretKey[]) key.destroy();
        throw error;
      }
      return keys;
    });
  }

  /** As `DukptTerminal.skipTo`, and durable. */
  skipTo(counter: number): Promise<void> {
    return this.#inTurn(async () => {
      const terminal = this.#loaded();
      await this.#checkUser();
      terminal.skipTo(counter);
      await this.#persist(terminal);
    });
  }

  /** As `DukptTerminal.update`, and durable. */
  update(block: string, ksn?: string): Promise<void> {
    return this.#inTurn(async () => {
      const terminal = this.#loaded();
      await this.#checkUser();
      terminal.update(block, ksn);
      await this.#persist(terminal);
    });
  }

  /** Wipes the registers in memory. The store and the storage key stay the caller's. */
  close(): void {
    this.#terminal?.destroy();
  }

  #loaded(): DukptTerminal {
    if (this.#terminal === undefined) throw badState("no terminal is loaded yet");
    return this.#terminal;
  }

  /** Two processes on one store would use the same keys: whoever finds the other's mark stops before it spends anything. */
  async #checkUser(): Promise<void> {
    if ((await readText(this.#second, REACHED)) !== this.#reached) throw badState("somebody else uses the same store");
  }

  /** The state first: a crash between the two leaves it ahead of the second place. */
  async #persist(terminal: DukptTerminal): Promise<void> {
    await this.#store.putPayload(STATE, terminal.save(this.#storageKey));
    // From here on the second place may hold either, should the write fail.
    await this.#second.putPayload(REACHED, terminal.ksn);
    this.#reached = terminal.ksn;
  }

  #inTurn<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(body);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
