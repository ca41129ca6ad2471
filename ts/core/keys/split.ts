/**
 * Splitting a key into clear components for a key ceremony: ANSI X9.24-1:2017, split knowledge. All but the last component are
 * random; the last is the exclusive or of the key and the others, so that fewer than all of them say nothing about the key.
 *
 * Key and components are secret. The copy of the key is wiped here, the components are the caller's to wipe.
 */
import { readWholeNumber } from "../../base/arguments.js";
import { wipe } from "../../base/bytes.js";
import { PosCryptoError } from "../../base/errors.js";
import { randomBytes } from "../../base/random.js";
import { keyCheckValue } from "./check-value.js";
import { methodsFor } from "./check-value-methods.js";
import { exposeKeyBytes, importKey, type SecretKey } from "./key.js";

/** What one custodian gets. */
export interface KeyComponent {
  /** As long as the key. Whoever asked for it wipes it. */
  component: Uint8Array;
  /** By the algorithm's usual method, 3 bytes in hex: for the component's letter. */
  kcv: string;
}

/**
 * Splits a key into components, to be combined again by `importKeyComponents`. Source: ANSI X9.24-1:2017, split knowledge.
 *
 * @param key made with `extractable: true`, AES, TDES, DES or HMAC
 * @param count 2 to 9
 * @throws `ERR_KEY_NOT_EXTRACTABLE`, `ERR_KEY_DESTROYED`
 * @throws `ERR_KEY_USAGE` for algorithms without a check value
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_NO_RANDOM`, `ERR_KEY_CAPACITY`
 * @example
 * ```ts
 * import { generateKey, importKeyComponents, keyCheckValue, splitKey } from "viopay-pos-crypto";
 *
 * const attributes = { algorithm: "AES", usage: "K0", bits: 256 } as const;
 * const key = generateKey({ ...attributes, extractable: true });
 * const parts = splitKey(key, 3);
 * const kcvs = parts.map(({ kcv }) => kcv);
 * const components = parts.map(({ component }) => component);
 * const again = importKeyComponents(components, attributes, { kcvs });
 * console.log(keyCheckValue(again) === keyCheckValue(key)); // prints true
 * for (const component of components) component.fill(0);
 * for (const made of [key, again]) made.destroy();
 * ```
 */
export function splitKey(key: SecretKey, count: number): KeyComponent[] {
  const parts = readWholeNumber("count", count, { min: 2, max: 9 });
  const last = exposeKeyBytes(key);
  const components: Uint8Array[] = [];
  try {
    if (methodsFor(key.algorithm).length === 0) {
      throw new PosCryptoError("ERR_KEY_USAGE", `"key" has algorithm ${key.algorithm}; keys with a check value are split`);
    }
    while (components.length < parts - 1) {
      const random = randomBytes(last.length);
      for (let i = 0; i < last.length; i++) last[i]! ^= random[i]!;
      components.push(random);
    }
    return [...components, last].map((component) => ({ component, kcv: checkValueOf(component, key) }));
  } catch (error) {
    wipe(last, ...components);
    throw error;
  }
}

function checkValueOf(component: Uint8Array, { algorithm, usage, hash, backend }: SecretKey): string {
  const part = importKey(component, { algorithm, usage, backend, ...(hash === undefined ? {} : { hash }) });
  try {
    return keyCheckValue(part);
  } finally {
    part.destroy();
  }
}
