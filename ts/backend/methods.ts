/** The methods of a backend by name, for what is done to each of them. */
import type { Backend } from "./contract.js";

export type Method = Exclude<keyof Backend, "name" | "constantTime">;

/** All methods of a backend, each once. */
export const METHODS: Readonly<Record<Method, true>> = {
  createSlot: true,
  destroySlot: true,
  slotIsLive: true,
  slotKind: true,
  slotLength: true,
  readSlot: true,
  slotParts: true,
  encryptBlock: true,
  decryptBlock: true,
  cbcEncrypt: true,
  cbcDecrypt: true,
  cmac: true,
  cbcMac: true,
  retailMac: true,
  hmac: true,
  hmacBase64: true,
  hmacBase64Equals: true,
  hmacWith: true,
  digest: true,
  unwrapKeyBlock: true,
  wrapKeyBlock: true,
  dukpt: true,
  seal: true,
  open: true,
  openText: true,
  encodeHex: true,
  decodeHex: true,
  equal: true,
};
