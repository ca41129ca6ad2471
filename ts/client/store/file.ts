/**
 * Entry `./client/node`: a `TerminalStore` in a directory, for Node.
 *
 * | file             | content                                                                                        |
 * |------------------|------------------------------------------------------------------------------------------------|
 * | `journal.log`    | journal records, public fields only; appended, flushed to the medium, compacted now and then    |
 * | `terminal`       | pairing, terminal id, key sets as the host's wrapped blocks; replaced as a whole                |
 * | `payloads/NAME`  | the sealed request of one open payment; overwritten with zeros and removed when it is settled   |
 * | `outcomes/NAME`  | the sealed outcome of one payment; removed with its record                                      |
 * | `lock.*`, `socket.*` | whose opening the directory is, until it is closed: see file-lock.ts                        |
 *
 * Files consist of lines that end in a line feed and carry a check value. A last line that a crash cut off was never acknowledged:
 * it is dropped. Damage anywhere else is `ERR_STORE`, since it hides a payment; file-lines.ts tells them apart. Every method
 * resolves when the data is durable (`fsync` of the file, and of the directory where a name changed). Nothing here is secret but
 * what the store's caller seals; files are for their owner only. An overwritten file may live on in a flash medium's spare blocks:
 * the envelope is what protects it.
 *
 * @module viopay-pos-crypto/client/node
 */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, readFile, realpath, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { JsonValue } from "../../core/envelope/envelope.js";
import { assertObject, func, numeric, timerMs } from "../../base/arguments.js";
import { describeType, invalidArgument, PosCryptoError } from "../../base/errors.js";
import type { JournalRecord, JournalState } from "./records.js";
import { RecordTable } from "./record-table.js";
import type { StoredTerminal, TerminalStore } from "./store.js";
import { decodeItem, encodeLine, encodeLines, readLog } from "./file-lines.js";
import { type DirectoryLock, lockDirectory } from "./file-lock.js";

/** How long the journal remembers. */
export interface FileStoreOptions {
  /** How long settled records are kept at least; those to be looked up at the host stay for good. Default 30 days. */
  readonly keepSettledMs?: number | undefined;
  /**
   * The journal is rewritten without superseded lines and old records once these are so many, and as many as the records that stay.
   * Default 512.
   */
  readonly compactEveryLines?: number | undefined;
  /**
   * How often this opening writes that it is alive, for machines that share the directory. After a power loss the next opening waits
   * for twice as long. Default 2 s.
   */
  readonly heartbeatMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** A payload or an outcome. */
interface StoredItem {
  readonly idempotencyKey: string;
  readonly sealed: JsonValue;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const OWNER_ONLY_DIRECTORY = 0o700;
const OWNER_ONLY_FILE = 0o600;

/**
 * A store in a directory, for Node. Every method rejects with `ERR_STORE` where files are damaged, cannot be read or written, or
 * are open already, in another process or in this one.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { FileStore } from "viopay-pos-crypto/client/node";
 *
 * const directory = await mkdtemp(join(tmpdir(), "terminal-"));
 * const store = new FileStore(directory);
 * await store.saveTerminal({ version: 1, deviceId: "POS-8F3A2C91", claimed: false });
 * await store.close();
 * const reopened = new FileStore(directory);
 * console.log((await reopened.loadTerminal())?.deviceId); // prints POS-8F3A2C91
 * await reopened.close();
 * await rm(directory, { recursive: true });
 * ```
 */
export class FileStore implements TerminalStore {
  /** Once it is locked without symbolic links, so that no change of one divides the store. */
  #directory: string;
  readonly #keepSettledMs: number;
  readonly #compactEveryLines: number;
  readonly #heartbeatMs: number;
  readonly #now: () => number;
  #records = new RecordTable();
  /** Lines since the journal was compact. */
  #added = 0;
  #log: FileHandle | undefined;
  #lock: DirectoryLock | undefined;
  #closed = false;
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * Opens nothing yet: the first call does.
   *
   * @param directory made when it is first used, with its parents; one store at a time
   * @throws `ERR_INVALID_ARGUMENT`
   */
  constructor(directory: string, options: FileStoreOptions = {}) {
    if (typeof directory !== "string" || directory === "") throw invalidArgument("directory", "a path", describeType(directory));
    assertObject("options", options);
    this.#keepSettledMs = numeric(options, "keepSettledMs", { min: 0, max: Number.POSITIVE_INFINITY, fallback: 30 * DAY_MS });
    this.#compactEveryLines = numeric(options, "compactEveryLines", { min: 0, max: Number.POSITIVE_INFINITY, fallback: 512 });
    this.#heartbeatMs = timerMs(options, "heartbeatMs", 10, 2000);
    this.#now = func(options, "now") ?? Date.now;
    // What a relative path means now: the process may move on.
    this.#directory = resolve(directory);
  }

  loadTerminal(): Promise<StoredTerminal | undefined> {
    return this.#exclusively(async () => (await readItem(this.#path("terminal"))) as StoredTerminal | undefined);
  }

  saveTerminal(state: StoredTerminal): Promise<void> {
    return this.#exclusively(() => this.#replace(this.#directory, "terminal", state));
  }

  putRecord(record: JournalRecord, replaces?: JournalState): Promise<void> {
    return this.#exclusively(async () => {
      this.#records.requireState(record.idempotencyKey, replaces);
      await this.#append(record);
      this.#records.put(record);
      // As many lines as records: whatever their number, a line pays for one other that is written again.
      if (this.#added > Math.max(this.#compactEveryLines, this.#records.size)) await this.#compact();
    });
  }

  getRecord(idempotencyKey: string): Promise<JournalRecord | undefined> {
    return this.#exclusively(async () => this.#records.get(idempotencyKey));
  }

  getMadeRecord(made: string): Promise<JournalRecord | undefined> {
    return this.#exclusively(async () => this.#records.getMade(made));
  }

  listOpenRecords(): Promise<JournalRecord[]> {
    return this.#exclusively(async () => this.#records.listOpen());
  }

  listRecords(): Promise<JournalRecord[]> {
    return this.#exclusively(async () => this.#records.list());
  }

  putPayload(idempotencyKey: string, sealed: JsonValue): Promise<void> {
    const payload: StoredItem = { idempotencyKey, sealed };
    return this.#exclusively(() => this.#replace(this.#path("payloads"), itemName(idempotencyKey), payload));
  }

  getPayload(idempotencyKey: string): Promise<JsonValue | undefined> {
    return this.#exclusively(async () => {
      const payload = await readItem(this.#path("payloads", itemName(idempotencyKey)));
      return (payload as StoredItem | undefined)?.sealed;
    });
  }

  removePayload(idempotencyKey: string): Promise<void> {
    return this.#exclusively(() => this.#erase(itemName(idempotencyKey)));
  }

  listPayloads(): Promise<string[]> {
    return this.#exclusively(async () => {
      const keys: string[] = [];
      for (const name of await readdir(this.#path("payloads"))) {
        // A damaged one says nothing of its owner; `getPayload` says that it is damaged.
        const payload = (await readItem(this.#path("payloads", name)).catch(() => undefined)) as StoredItem | undefined;
        if (payload !== undefined) keys.push(payload.idempotencyKey);
      }
      return keys;
    });
  }

  putOutcome(idempotencyKey: string, sealed: JsonValue): Promise<void> {
    const outcome: StoredItem = { idempotencyKey, sealed };
    return this.#exclusively(() => this.#replace(this.#path("outcomes"), itemName(idempotencyKey), outcome));
  }

  getOutcome(idempotencyKey: string): Promise<JsonValue | undefined> {
    return this.#exclusively(async () => {
      const outcome = await readItem(this.#path("outcomes", itemName(idempotencyKey)));
      return (outcome as StoredItem | undefined)?.sealed;
    });
  }

  /** Gives the directory up; waits for what is under way. Later calls reject with `ERR_STORE`. */
  close(): Promise<void> {
    const closing = this.#queue.then(async () => {
      if (this.#closed) return;
      this.#closed = true;
      await this.#log?.close();
      this.#log = undefined;
      await this.#lock?.release();
      this.#lock = undefined;
    });
    this.#queue = closing.catch(() => {});
    return closing;
  }

  #path(...names: string[]): string {
    return join(this.#directory, ...names);
  }

  /** One operation at a time, in the order of the calls. After a failure the next one starts from what the medium holds. */
  #exclusively<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(async () => {
      if (this.#closed) throw new PosCryptoError("ERR_STORE", "the store is closed");
      try {
        await this.#lock?.confirm();
        if (this.#log === undefined) await this.#open();
        return await operation();
      } catch (error) {
        await this.#log?.close().catch(() => {});
        this.#log = undefined;
        if (error instanceof PosCryptoError) throw error;
        throw new PosCryptoError("ERR_STORE", "the store's directory could not be read or written", { cause: error });
      }
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  async #open(): Promise<void> {
    for (const name of ["payloads", "outcomes"]) await mkdir(this.#path(name), { recursive: true, mode: OWNER_ONLY_DIRECTORY });
    if (this.#lock === undefined) {
      this.#directory = await realpath(this.#directory);
      this.#lock = await lockDirectory(this.#directory, this.#heartbeatMs);
    }
    for (const directory of [this.#directory, this.#path("payloads"), this.#path("outcomes")]) {
      for (const name of await readdir(directory)) if (name.endsWith(".new")) await rm(join(directory, name));
    }
    this.#log = await open(this.#path("journal.log"), "a+", OWNER_ONLY_FILE);
    const records = new RecordTable();
    const { lines, end } = readLog(new Uint8Array(await this.#log.readFile()), (record) => records.put(record));
    await this.#log.truncate(end);
    await this.#log.sync();
    await syncDirectory(this.#directory);
    this.#records = records;
    this.#added = lines - records.size;
    await this.#dropDamagedPayloads();
    if (this.#listOld().length > this.#compactEveryLines) await this.#compact();
  }

  /** A payload that no open payment owns may have been half erased when a process ended. */
  async #dropDamagedPayloads(): Promise<void> {
    const open = new Set(this.#records.listOpen().map(({ idempotencyKey }) => itemName(idempotencyKey)));
    for (const name of await readdir(this.#path("payloads"))) {
      if (open.has(name)) continue;
      const intact = await readItem(this.#path("payloads", name)).then(
        () => true,
        () => false,
      );
      if (!intact) await this.#erase(name);
    }
  }

  async #append(record: JournalRecord): Promise<void> {
    await writeWhole(this.#log!, encodeLine(record));
    await this.#log!.datasync();
    this.#added += 1;
  }

  #listOld(): string[] {
    return this.#records.listDroppable(this.#now() - this.#keepSettledMs);
  }

  /** Rewrites the journal: the latest form of each record, without those settled long ago. */
  async #compact(): Promise<void> {
    // The outcome first: what a crash leaves is a record without one, which the next time drops.
    for (const key of this.#listOld()) {
      await rm(this.#path("outcomes", itemName(key)), { force: true });
      this.#records.drop(key);
    }
    const fresh = await open(this.#path("journal.log.new"), "w", OWNER_ONLY_FILE);
    try {
      for (const part of encodeLines(this.#records.list())) await writeWhole(fresh, part);
      await fresh.sync();
    } finally {
      await fresh.close();
    }
    await rename(this.#path("journal.log.new"), this.#path("journal.log"));
    await syncDirectory(this.#directory);
    await this.#log!.close();
    this.#log = await open(this.#path("journal.log"), "a", OWNER_ONLY_FILE);
    this.#added = 0;
  }

  /** Writes beside it and renames: there is always a whole old or a whole new file. */
  async #replace(directory: string, name: string, value: unknown): Promise<void> {
    const path = join(directory, name);
    const file = await open(`${path}.new`, "w", OWNER_ONLY_FILE);
    try {
      await writeWhole(file, encodeLine(value));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    await syncDirectory(directory);
  }

  async #erase(name: string): Promise<void> {
    const path = this.#path("payloads", name);
    let file: FileHandle;
    try {
      file = await open(path, "r+");
    } catch (error) {
      if (isMissing(error)) return;
      throw error;
    }
    try {
      const { size } = await file.stat();
      await writeWhole(file, new Uint8Array(size));
      await file.sync();
    } finally {
      await file.close();
    }
    await rm(path, { force: true });
    await syncDirectory(this.#path("payloads"));
  }
}

/** Idempotency keys are longer than file names may be. */
function itemName(idempotencyKey: string): string {
  return createHash("sha256").update(idempotencyKey).digest("hex");
}

/** A file of one line; `undefined` where there is none. Errors: `ERR_STORE` where it is damaged. */
async function readItem(path: string): Promise<unknown> {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await readFile(path));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const value = decodeItem(bytes);
  if (value === undefined) throw new PosCryptoError("ERR_STORE", "a file of the store is damaged");
  return value;
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) offset += (await file.write(bytes, offset)).bytesWritten;
}

/** A new name is durable when its directory is. Windows cannot open directories, and needs not. */
async function syncDirectory(path: string): Promise<void> {
  let directory: FileHandle;
  try {
    directory = await open(path, "r");
  } catch {
    return;
  }
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function isMissing(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "ENOENT";
}
