/**
 * Keys from the clear components of a key ceremony: ANSI X9.24-1:2017, split knowledge. The key is the exclusive or of all
 * components.
 *
 * Components and result are secret: compared in constant time inside the backend, copies wiped before return.
 */
import type { Backend } from "../../backend/contract.js";
import { resolveBackend } from "../../backend/select.js";
import { wipe } from "../../base/bytes.js";
import { matchCheckValue, methodFor, readCheckValue } from "./check-value.js";
import type { KcvMethod } from "./check-value-methods.js";
import { describeType, invalidArgument, PosCryptoError } from "../../base/errors.js";
import { isDegenerate, readMaterial } from "./key.js";
import { assertArray, assertObject, own } from "../../base/arguments.js";
import {
  describeLengths,
  type KeyAttributes,
  type ResolvedKeyAttributes,
  resolveAttributes,
  slotKindOf,
  suitsAlgorithm,
} from "./attributes.js";
import { makeKey, type SecretKey } from "./handle.js";

/** Check values to be verified while components are combined. */
export interface KeyComponentsOptions {
  /** Check values of the components, in their order. */
  kcvs?: readonly string[];
  /** Check value of the key. */
  kcv?: string;
  /** The method of all these check values. Default `auto`: whichever of the algorithm's matches. */
  method?: "auto" | KcvMethod;
}

function refused(message: string): PosCryptoError {
  return new PosCryptoError("ERR_KEY_COMPONENTS", `Key components: ${message}`);
}

function checkComponents(backend: Backend, parts: readonly Uint8Array[], resolved: ResolvedKeyAttributes): void {
  const length = parts[0]!.length;
  if (!suitsAlgorithm(resolved.algorithm, length))
    throw invalidArgument("components[0]", describeLengths(resolved.algorithm), length);
  if (parts.some((part) => part.length !== length)) throw refused("they have different lengths");
  const zero = new Uint8Array(length);
  parts.forEach((part, i) => {
    if (backend.equal(part, zero)) throw refused(`component ${i + 1} is all zero`);
    if (parts.some((other, j) => j < i && backend.equal(part, other))) throw refused(`component ${i + 1} is equal to another`);
  });
}

function combine(parts: readonly Uint8Array[]): Uint8Array {
  const key = new Uint8Array(parts[0]!.length);
  for (const part of parts) for (let i = 0; i < key.length; i++) key[i]! ^= part[i]!;
  return key;
}

/** Makes a handle and verifies its check value; destroys it if that fails. */
function checkedKey(
  backend: Backend,
  material: Uint8Array,
  resolved: ResolvedKeyAttributes,
  wanted: Uint8Array | undefined,
  method: "auto" | KcvMethod,
): SecretKey {
  const { algorithm, hash } = resolved;
  const slot = backend.createSlot(slotKindOf(algorithm), material);
  const key = makeKey(backend, slot, resolved);
  try {
    if (wanted !== undefined) matchCheckValue({ backend, slot, algorithm, hash }, wanted, method);
    return key;
  } catch (error) {
    key.destroy();
    throw error;
  }
}

function checkComponentValue(
  backend: Backend,
  part: Uint8Array,
  i: number,
  resolved: ResolvedKeyAttributes,
  wanted: Uint8Array,
  method: "auto" | KcvMethod,
): void {
  try {
    checkedKey(backend, part, resolved, wanted, method).destroy();
  } catch (error) {
    if (!(error instanceof PosCryptoError) || error.code !== "ERR_KCV_MISMATCH") throw error;
    const message = `Key components: the check value of component ${i + 1} is not the expected one; read it and its letter again`;
    throw new PosCryptoError("ERR_KCV_MISMATCH", message, { details: { ...error.details, component: i + 1 } });
  }
}

/**
 * Combines the clear components of a key ceremony into a key by exclusive or. Parity bits are left as they come out; DES ignores
 * them. The caller's arrays stay the caller's to wipe. Source: ANSI X9.24-1:2017, split knowledge.
 *
 * @param components two to nine, bytes or hex text, all of the key's length
 * @param attributes as in `importKey`
 * @param options check values of the components and of the key, 4 to 16 hex digits each
 * @throws `ERR_KEY_COMPONENTS` for different lengths, an all-zero component, equal components, an all-zero result, and a TDES
 *   result whose neighbouring parts are equal (SP 800-67 r2 clause 3.2)
 * @throws `ERR_KCV_MISMATCH` which says for which component, or that it is the key's
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_CAPACITY`, `ERR_NOT_LOADED`, `ERR_BACKEND_UNAVAILABLE` as `importKey`
 * @example
 * ```ts
 * import { importKeyComponents } from "viopay-pos-crypto";
 *
 * const first = "9D04DDDBC7E1B6A3F6D0A4B2C6A1E58F";
 * const second = "A245C3C770E6D1E05C87E3FEE85A1D37";
 * const key = importKeyComponents([first, second], { algorithm: "AES", usage: "K0" }, { kcv: "3C19B9" });
 * console.log(`${key}`); // prints SecretKey(K0 AES-128 KCV 3C19B9)
 * key.destroy();
 * ```
 */
export function importKeyComponents(
  components: readonly (Uint8Array | string)[],
  attributes: KeyAttributes,
  options: KeyComponentsOptions = {},
): SecretKey {
  const resolved = resolveAttributes(attributes, true);
  assertObject("options", options);
  assertArray("components", components);
  if (components.length < 2 || components.length > 9) throw invalidArgument("components", "2 to 9 components", components.length);
  const kcvs = own(options, "kcvs");
  if (kcvs !== undefined && (!Array.isArray(kcvs) || kcvs.length !== components.length)) {
    throw invalidArgument("kcvs", `${components.length} check values`, Array.isArray(kcvs) ? kcvs.length : describeType(kcvs));
  }
  const partValues = kcvs === undefined ? [] : Array.from(kcvs, (kcv: unknown, i) => readCheckValue(`kcvs[${i}]`, kcv));
  const kcv = own(options, "kcv");
  const keyValue = kcv === undefined ? undefined : readCheckValue("kcv", kcv);
  const method = own(options, "method", "auto");
  if (method !== "auto") methodFor(resolved.algorithm, method);
  const backend = resolveBackend(own(attributes, "backend"));
  const parts: Uint8Array[] = [];
  let key: Uint8Array | undefined;
  try {
    for (const [i, component] of components.entries()) parts.push(readMaterial(backend, `components[${i}]`, component));
    checkComponents(backend, parts, resolved);
    for (const [i, wanted] of partValues.entries()) checkComponentValue(backend, parts[i]!, i, resolved, wanted, method);
    key = combine(parts);
    if (backend.equal(key, new Uint8Array(key.length))) throw refused("together they give an all-zero key");
    if (resolved.algorithm === "TDES" && isDegenerate(backend, key))
      throw refused("together they give a key worth no more than single DES");
    return checkedKey(backend, key, resolved, keyValue, method);
  } finally {
    wipe(key, ...parts);
  }
}
