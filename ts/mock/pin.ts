/**
 * The PIN of a charge: decrypted under the terminal's PIN key and judged, as an issuer would, within one answer.
 *
 * TDES keys carry ISO 9564-1 format 0, AES keys format 4. A block that does not decrypt to a PIN and one that holds a wrong PIN are
 * declined alike, since the difference would tell about the PIN of a captured block. The mock knows no cardholder's PIN: it takes
 * every PIN for right except one, so that terminals can show what a wrong PIN looks like.
 */
import { PosCryptoError } from "../base/errors.js";
import type { SecretKey } from "../core/keys/key.js";
import { decryptPinBlock } from "../core/pin-block/pin-block.js";
import { badRequest } from "./http/errors.js";

/** The PIN that the mock declines as incorrect. */
export const DECLINED_PIN = "9999";

/**
 * Whether the PIN passes.
 *
 * @param block hex: 8 bytes under a TDES key, 16 bytes under an AES key; another length is 400
 */
export function pinIsRight(tpk: SecretKey, block: string, pan: string): boolean {
  const [format, digits] = tpk.algorithm === "AES" ? ([4, 32] as const) : ([0, 16] as const);
  if (block.length !== digits) {
    throw badRequest("Invalid request body", { fields: { "pin_block.block": `must be ${digits} hex digits under this TPK` } });
  }
  try {
    return decryptPinBlock(tpk, block, { format, pan }) !== DECLINED_PIN;
  } catch (error) {
    if (error instanceof PosCryptoError && error.code === "ERR_PIN_BLOCK") return false;
    throw error;
  }
}
