/**
 * What commands print of a key: its check value, and the key itself where the person asked for it by `--expose`. The bytes are wiped
 * here; the printed text is a JavaScript string and cannot be.
 */
import { encodeHex, wipe } from "../base/bytes.js";
import { keyCheckValue } from "../core/keys/check-value.js";
import { methodsFor } from "../core/keys/check-value-methods.js";
import { exposeKeyBytes, type SecretKey } from "../core/keys/key.js";

/** By the algorithm's usual method; `undefined` for an algorithm that has none. */
export function checkValueOf(key: SecretKey): string | undefined {
  return methodsFor(key.algorithm).length === 0 ? undefined : keyCheckValue(key);
}

/** As `08793E (CMAC)`. */
export function checkValueWithMethod(key: SecretKey): string | undefined {
  const value = checkValueOf(key);
  return value === undefined ? undefined : `${value} (${methodsFor(key.algorithm)[0]})`;
}

/** The key in hex. It must be extractable. */
export function clearKey(key: SecretKey): string {
  const material = exposeKeyBytes(key);
  try {
    return encodeHex(material);
  } finally {
    wipe(material);
  }
}
