/**
 * Chooses the backend: tries to compile, runs the self-test, says why it chose what it chose.
 *
 * Importing does nothing. WebAssembly is tried by compiling, since `WebAssembly.validate` says yes where a content security
 * policy forbids to compile. The module without SIMD and noble are imported only when it is their turn. Keys keep the backend they
 * were made with, so a later `loadCrypto` changes where new keys go and nothing else.
 */
import { simdModule, simdModuleBytes } from "#wasm";
import { assertObject, flag, func, own, refusal, wordRefusal } from "../base/arguments.js";
import { invalidArgument, PosCryptoError } from "../base/errors.js";
import { type RandomSource, setRandomSource } from "../base/random.js";
import type { Backend, BackendName } from "./contract.js";
import { failedSelfTest } from "./self-test.js";
import { createWasmBackend } from "./wasm/wasm.js";

/** What `loadCrypto` may take, and what it may not. */
export interface LoadOptions {
  /** Default `auto`: wasm-simd, then wasm, then noble. A backend object comes from `./backend/wasm` or `./backend/noble`. */
  backend?: "auto" | BackendName | Backend | undefined;
  /**
   * The compiled module of wasm-simd, or of wasm if that is asked for by name: for hosts that may not compile, or that share it.
   */
  module?: WebAssembly.Module | undefined;
  /** Refuses noble, whose tables and branches depend on secrets. Default false. */
  requireConstantTime?: boolean | undefined;
  /** The CSPRNG of an engine that has no `crypto.getRandomValues`. Used by the whole library from then on. */
  randomBytes?: RandomSource | undefined;
}

/** Which backend is in use, and why. Frozen. */
export interface BackendInfo {
  /** `wasm-simd`, `wasm` or `noble`. */
  readonly name: BackendName;
  /** Whether run time, branches and addresses are independent of secrets: true of `wasm-simd` and `wasm`, false of `noble`. */
  readonly constantTime: boolean;
  /** Why this one, and what became of those tried before it. */
  readonly reason: string;
  /** Every backend has passed the known-answer tests before anything is computed with it. */
  readonly selfTest: "passed";
}

interface Loaded {
  backend: Backend;
  info: BackendInfo;
}

/** Options as checked, with their defaults. */
interface Settings {
  choice: "auto" | BackendName | Backend;
  module: WebAssembly.Module | undefined;
  requireConstantTime: boolean;
  randomBytes: RandomSource | undefined;
}

/** A backend that does not work here, with the reason. */
interface Refused {
  refused: string;
}

/** What `auto` tries. */
const ORDER: readonly BackendName[] = ["wasm-simd", "wasm", "noble"];

let current: Loaded | undefined;
/** What was loaded by name, and all backends that have passed the self-test. */
const byName = new Map<BackendName, Backend>();
const tested = new WeakSet<Backend>();

/**
 * Chooses, loads and tests a backend for everything that follows: `wasm-simd`, else `wasm`, else `noble`, unless one is asked
 * for.
 *
 * May be called again: new keys then go to the new backend, keys that exist stay where they are. On failure the previous choice
 * stays.
 *
 * @param options which backend, under which conditions; by default the first that works
 * @returns what was chosen, and why the ones before it were not
 * @throws `ERR_BACKEND_UNAVAILABLE` with the reason of every backend that was tried
 * @throws `ERR_INVALID_ARGUMENT` for options of a wrong type
 * @example
 * ```ts
 * import { loadCrypto } from "viopay-pos-crypto";
 *
 * const info = await loadCrypto({ requireConstantTime: true });
 * console.log(info.constantTime); // prints true
 * console.log(info.reason); // prints wasm-simd: the first choice that works here
 * ```
 * @example An engine without a CSPRNG of its own is given one
 * ```ts
 * import { randomBytes } from "node:crypto";
 * import { loadCrypto } from "viopay-pos-crypto";
 *
 * const info = await loadCrypto({ backend: "noble", randomBytes });
 * console.log(info.name, info.constantTime); // prints noble false
 * ```
 */
export async function loadCrypto(options: LoadOptions = {}): Promise<BackendInfo> {
  const settings = checkOptions(options);
  const { choice, module } = settings;
  if (typeof choice === "object") return use(adopt(choice), settings);
  const refusals: string[] = [];
  for (const name of choice === "auto" ? ORDER : [choice]) {
    const outcome = await load(name, isFor(module, choice, name), settings.requireConstantTime);
    if (!("refused" in outcome)) return use(describe(outcome, choice, refusals), settings);
    refusals.push(outcome.refused);
  }
  throw unavailable(refusals);
}

/**
 * As `loadCrypto` without waiting: `wasm-simd`, a given module, or a backend object from `./backend/wasm` or `./backend/noble`.
 *
 * Chrome before 114 does not compile on its main thread without waiting.
 *
 * @param options as in `loadCrypto`; `auto` means wasm-simd alone here
 * @returns what was chosen
 * @throws `ERR_BACKEND_UNAVAILABLE` with the reason, also for a backend that would have to be awaited
 * @throws `ERR_INVALID_ARGUMENT` for options of a wrong type
 * @example
 * ```ts
 * import { loadCryptoSync } from "viopay-pos-crypto";
 * import { wasm } from "viopay-pos-crypto/backend/wasm";
 *
 * console.log(loadCryptoSync({ backend: wasm }).reason); // prints wasm: passed in as an object
 * ```
 */
export function loadCryptoSync(options: LoadOptions = {}): BackendInfo {
  const settings = checkOptions(options);
  const { choice, module } = settings;
  if (typeof choice === "object") return use(adopt(choice), settings);
  const outcome = loadSync(choice === "auto" ? "wasm-simd" : choice, module);
  if ("refused" in outcome) throw unavailable([outcome.refused]);
  return use(describe(outcome, choice, []), settings);
}

/**
 * What is loaded. Loads wasm-simd, if nothing is and the engine compiles without waiting.
 *
 * @throws `ERR_NOT_LOADED` where nothing is loaded and wasm-simd does not compile synchronously: call `await loadCrypto()` first
 * @example
 * ```ts
 * import { backendInfo } from "viopay-pos-crypto";
 *
 * console.log(backendInfo().name); // prints wasm-simd
 * ```
 */
export function backendInfo(): BackendInfo {
  return implicit().info;
}

/** The backend for new keys and for operations without a key. Throws `ERR_NOT_LOADED`. */
export function currentBackend(): Backend {
  return current === undefined ? implicit().backend : current.backend;
}

/**
 * The backend an option names: an object as it is, a name if it was loaded before (wasm-simd is loaded at once). Throws
 * `ERR_NOT_LOADED`, `ERR_BACKEND_UNAVAILABLE`, `ERR_INVALID_ARGUMENT`.
 */
export function resolveBackend(backend: Backend | BackendName | undefined): Backend {
  if (backend === undefined) return currentBackend();
  const { choice } = checkOptions({ backend });
  if (typeof choice === "object") return adopt(choice).backend;
  if (choice === "auto") throw invalidArgument("backend", "wasm-simd, wasm, noble or a backend", choice);
  const outcome = loadSync(choice, undefined);
  if (!("refused" in outcome)) return outcome;
  if (choice !== "wasm-simd") throw new PosCryptoError("ERR_NOT_LOADED", outcome.refused);
  throw unavailable([outcome.refused]);
}

function implicit(): Loaded {
  if (current !== undefined) return current;
  const outcome = loadWasmSync("wasm-simd", undefined);
  if ("refused" in outcome) {
    throw new PosCryptoError("ERR_NOT_LOADED", `no backend is loaded (${outcome.refused}): call \`await loadCrypto()\` first`);
  }
  current = describe(outcome, "auto", []);
  return current;
}

/** Makes `loaded` the current one, once nothing can fail any more. */
function use(loaded: Loaded, { requireConstantTime, randomBytes }: Settings): BackendInfo {
  if (requireConstantTime && !loaded.backend.constantTime) {
    throw unavailable([`${loaded.backend.name}: not constant-time, and requireConstantTime is set`]);
  }
  if (randomBytes !== undefined) setRandomSource(randomBytes);
  current = loaded;
  return loaded.info;
}

function describe(backend: Backend, choice: "auto" | BackendName, refusals: readonly string[]): Loaded {
  const why = choice === "auto" ? "the first choice that works here" : "asked for by name";
  const before = refusals.length === 0 ? "" : `; ${refusals.join("; ")}`;
  return { backend, info: infoOf(backend, `${backend.name}: ${why}${before}`) };
}

function infoOf(backend: Backend, reason: string): BackendInfo {
  return Object.freeze({ name: backend.name, constantTime: backend.constantTime, reason, selfTest: "passed" });
}

function adopt(backend: Backend): Loaded {
  const outcome = examine(backend);
  if ("refused" in outcome) throw unavailable([outcome.refused]);
  return { backend, info: infoOf(backend, `${backend.name}: passed in as an object`) };
}

/** The given module, for the backend that it is given for: wasm-simd unless wasm is asked for by name. */
function isFor(module: WebAssembly.Module | undefined, choice: string, name: BackendName): WebAssembly.Module | undefined {
  return name === (choice === "auto" ? "wasm-simd" : choice) ? module : undefined;
}

function load(
  name: BackendName,
  module: WebAssembly.Module | undefined,
  constantTime: boolean,
): Promise<Backend | Refused> | Refused {
  if (name !== "noble") return loadWasm(name, module);
  return constantTime ? { refused: "noble: not constant-time, and requireConstantTime is set" } : loadNoble();
}

function loadSync(name: BackendName, module: WebAssembly.Module | undefined): Backend | Refused {
  if (name === "wasm-simd" || (name === "wasm" && module !== undefined)) return loadWasmSync(name, module);
  const before = loadedBefore(name) ?? (current?.backend.name === name ? current.backend : undefined);
  return before ?? { refused: `${name}: not loaded, needs \`await loadCrypto()\` or the backend as an object` };
}

function loadedBefore(name: BackendName): Backend | undefined {
  return byName.get(name);
}

async function loadNoble(): Promise<Backend | Refused> {
  const before = loadedBefore("noble");
  if (before !== undefined) return before;
  try {
    const { noble } = await import("./noble/noble.js");
    return register(noble);
  } catch (error) {
    return { refused: `noble: ${messageOf(error)}` };
  }
}

type WasmName = Exclude<BackendName, "noble">;

async function loadWasm(name: WasmName, given: WebAssembly.Module | undefined): Promise<Backend | Refused> {
  const before = given === undefined ? loadedBefore(name) : undefined;
  if (before !== undefined) return before;
  if (typeof WebAssembly !== "object") return withoutWebAssembly(name);
  try {
    const module = given ?? (await compile(name));
    const instance = await WebAssembly.instantiate(module, {});
    const meanwhile = given === undefined ? loadedBefore(name) : undefined;
    return meanwhile ?? register(createWasmBackend(module, name, instance));
  } catch (error) {
    return { refused: `${name}: ${messageOf(error)}` };
  }
}

async function compile(name: WasmName): Promise<WebAssembly.Module> {
  if (name === "wasm-simd") return simdModule() ?? WebAssembly.compile(simdModuleBytes() as BufferSource);
  const { mvpModuleBytes } = await import("./wasm/mvp.js");
  return WebAssembly.compile(mvpModuleBytes() as BufferSource);
}

function loadWasmSync(name: WasmName, given: WebAssembly.Module | undefined): Backend | Refused {
  const before = given === undefined ? loadedBefore(name) : undefined;
  if (before !== undefined) return before;
  if (typeof WebAssembly !== "object") return withoutWebAssembly(name);
  try {
    const module = given ?? simdModule() ?? new WebAssembly.Module(simdModuleBytes() as BufferSource);
    return register(createWasmBackend(module, name));
  } catch (error) {
    return { refused: `${name}: ${messageOf(error)}` };
  }
}

function withoutWebAssembly(name: WasmName): Refused {
  return { refused: `${name}: this engine has no WebAssembly` };
}

/** Passes `backend` on once it has passed the self-test. */
function examine(backend: Backend): Backend | Refused {
  if (tested.has(backend)) return backend;
  const failed = failedSelfTest(backend);
  if (failed !== undefined) return { refused: `${backend.name}: self-test failed (${failed})` };
  tested.add(backend);
  return backend;
}

/** The same for one that was loaded by its name, which stands for it from now on. */
function register(backend: Backend): Backend | Refused {
  const outcome = examine(backend);
  if (!("refused" in outcome)) byName.set(backend.name, backend);
  return outcome;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unavailable(refusals: readonly string[]): PosCryptoError {
  return new PosCryptoError("ERR_BACKEND_UNAVAILABLE", `no backend is available: ${refusals.join("; ")}`);
}

function checkOptions(options: LoadOptions): Settings {
  assertObject("options", options);
  const choice: unknown = own(options, "backend", "auto");
  const module = own(options, "module");
  if (!isChoice(choice)) throw wordRefusal("backend", "auto, wasm-simd, wasm, noble or a backend", choice);
  if (module !== undefined) {
    if (Object.prototype.toString.call(module) !== "[object WebAssembly.Module]") {
      throw refusal("module", "a WebAssembly.Module", module);
    }
    if (choice !== "auto" && choice !== "wasm-simd" && choice !== "wasm")
      throw invalidArgument("module", "given for wasm-simd or wasm only", "another backend");
  }
  return { choice, module, requireConstantTime: flag(options, "requireConstantTime"), randomBytes: func(options, "randomBytes") };
}

function isChoice(value: unknown): value is "auto" | BackendName | Backend {
  if (typeof value === "string") return ["auto", "wasm-simd", "wasm", "noble"].includes(value);
  return typeof value === "object" && value !== null && typeof (value as Partial<Backend>).unwrapKeyBlock === "function";
}
