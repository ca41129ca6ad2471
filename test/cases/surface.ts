/**
 * Every public function of core with arguments that work: what bad input and leak cases vary. A case checks that no function
 * of the entry is missing here.
 */
import * as api from "../../ts/index.js";
import { ascii, hex, toHex } from "../harness.js";

/** Recognisable secrets: none of them, in any form, may show up in an error or in a printed key. */
export const secrets = {
  zmk: "A7C1E93B5D8F02467B19D4E0F2638C5A94DE71B80F3C6A25E8471D9BC0536FA2",
  aes: "5E2B90D7C4418FA36D70E9153BC8A2F604D69B7E21AF58C3B97E0A4DF1826C35",
  tdes: "B5D6A8F2461C97E3D9733E0B8A15C4F20E68A1BC5D92F74A",
  hmac: "93F04D7E1CA85B62E07F39D184C6BA250F6D71E8A49C3BD2568EF1074B9AC3D5",
  pin: "739182640517",
  pan: "4929123456781234",
  plaintext: "Quetzalcoatl owns 7 golden spoons",
} as const;

export interface Keys {
  zmk: api.SecretKey;
  data: api.SecretKey;
  exposed: api.SecretKey;
  mac: api.SecretKey;
  aesMac: api.SecretKey;
  tdesData: api.SecretKey;
  tdesMac: api.SecretKey;
  chainMac: api.SecretKey;
  retail: api.SecretKey;
  tpk: api.SecretKey;
  tdesTpk: api.SecretKey;
}

export function makeKeys(): Keys {
  const two = secrets.tdes.slice(0, 32);
  return {
    zmk: api.importKey(secrets.zmk, { algorithm: "AES", usage: "K0" }),
    data: api.importKey(secrets.aes, { algorithm: "AES", usage: "D0", exportability: "E" }),
    exposed: api.importKey(secrets.aes, { algorithm: "AES", usage: "D0", extractable: true }),
    mac: api.importKey(secrets.hmac, { algorithm: "HMAC", usage: "M7" }),
    aesMac: api.importKey(secrets.aes, { algorithm: "AES", usage: "M6" }),
    tdesData: api.importKey(secrets.tdes, { algorithm: "TDES", usage: "D0" }),
    tdesMac: api.importKey(secrets.tdes, { algorithm: "TDES", usage: "M6" }),
    chainMac: api.importKey(two, { algorithm: "TDES", usage: "M1" }),
    retail: api.importKey(two, { algorithm: "TDES", usage: "M3" }),
    tpk: api.importKey(secrets.aes, { algorithm: "AES", usage: "P0" }),
    tdesTpk: api.importKey(two, { algorithm: "TDES", usage: "P0" }),
  };
}

export function destroyKeys(keys: Keys): void {
  for (const key of Object.values(keys) as api.SecretKey[]) key.destroy();
}

/** What an argument is, and with it which values are wrong for it. */
export type ArgumentKind =
  | "key"
  | "bytes"
  | "material"
  | "text"
  | "number"
  | "block"
  | "object"
  | "options"
  | "array"
  | "envelope"
  | "json";

export type FunctionName = {
  [Name in keyof typeof api]: (typeof api)[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof typeof api];

export interface Entry {
  name: FunctionName;
  kinds: readonly ArgumentKind[];
  args: (keys: Keys) => unknown[];
  /** Equal results for equal arguments: no randomness, no handle. */
  deterministic: boolean;
}

export const requestFields = {
  method: "POST",
  path: "/pos/charge",
  terminalId: "TID-004812",
  timestamp: "2025-12-13T14:35:00Z",
  nonce: "f9e8d7c6b5a4",
} as const;

const attestationFields = {
  deviceId: "POS-8F3A2C91",
  keyId: "device-id-key-2025-01",
  timestamp: "2025-12-13T14:25:30Z",
  nonce: "a1b2c3d4e5f6",
} as const;

const iv16 = hex("000102030405060708090A0B0C0D0E0F");
const iv8 = hex("0001020304050607");
const message = ascii("a message of some length, 48 bytes, three blocks");
const { pin, pan } = secrets;

const aesAttributes = { algorithm: "AES", usage: "D0" } as const;
const components = [secrets.zmk, secrets.aes];

export const surface: readonly Entry[] = [
  entry("importKey", ["material", "object"], () => [secrets.aes, aesAttributes], false),
  entry("importKeyComponents", ["array", "object", "options"], () => [components, aesAttributes, {}], false),
  entry("generateKey", ["object"], () => [{ ...aesAttributes, bits: 256 }], false),
  entry("exposeKeyBytes", ["key"], ({ exposed }) => [exposed]),
  entry("splitKey", ["key", "number"], ({ exposed }) => [exposed, 3], false),
  entry(
    "deriveKeyFromSharedSecret",
    ["bytes", "object"],
    () => [
      hex(secrets.aes),
      { curve: "P-256", kdf: "NIST_SP800", hash: "SHA-256", sharedInfo: "00", algorithm: "AES", bits: 256, usage: "K1" },
    ],
    false,
  ),
  entry("parseKeyBlock", ["block"], (keys) => [keyBlock(keys)]),
  entry("explainKeyBlock", ["block"], (keys) => [keyBlock(keys)]),
  entry("unwrapKeyBlock", ["key", "block", "options"], (keys) => [keys.zmk, keyBlock(keys), {}], false),
  entry("wrapKeyBlock", ["key", "key", "options", "options"], ({ zmk, data }) => [zmk, data, { version: "D" }, {}], false),
  entry("keyCheckValue", ["key", "options"], ({ data }) => [data, {}]),
  entry("identifyMaterial", ["block"], () => [secrets.zmk]),
  entry("explainKeyCheckValue", ["key", "text"], ({ data }) => [data, "123456"]),
  entry("verifyKeyCheckValue", ["key", "text", "options"], ({ data }) => [data, api.keyCheckValue(data), {}]),
  entry("sealEnvelope", ["key", "json", "options"], ({ data }) => [data, { text: secrets.plaintext }, {}], false),
  entry("sealEnvelopeBytes", ["key", "bytes", "options"], ({ data }) => [data, message, {}], false),
  entry("openEnvelope", ["key", "envelope", "options"], ({ data }) => [
    data,
    api.sealEnvelope(data, { text: secrets.plaintext }, { includeKcv: true }),
    {},
  ]),
  entry("openEnvelopeBytes", ["key", "envelope", "object"], ({ data }) => [
    data,
    api.sealEnvelopeBytes(data, message),
    { plaintextEncoding: "hex" },
  ]),
  entry("signRequest", ["key", "object"], ({ mac }) => [mac, requestFields]),
  entry("verifyRequestSignature", ["key", "text", "object"], ({ mac }) => [
    mac,
    api.signRequest(mac, requestFields),
    requestFields,
  ]),
  entry("explainRequestSignature", ["key", "text", "object"], ({ mac }) => [
    mac,
    api.signRequest(mac, { ...requestFields, path: "/other" }),
    requestFields,
  ]),
  entry("signAttestation", ["key", "object"], ({ mac }) => [mac, attestationFields]),
  entry("verifyAttestationSignature", ["key", "text", "object"], ({ mac }) => [
    mac,
    api.signAttestation(mac, attestationFields),
    attestationFields,
  ]),
  entry("signRequests", ["key", "array"], ({ mac }) => [mac, [requestFields, requestFields]]),
  entry("verifyRequests", ["key", "array"], ({ mac }) => [
    mac,
    [{ ...requestFields, signature: api.signRequest(mac, requestFields) }],
  ]),
  entry("requestSignatureText", ["object"], () => [requestFields]),
  entry("attestationSignatureText", ["object"], () => [attestationFields]),
  entry("createNonce", [], () => [], false),
  entry("encryptPinBlock", ["key", "object"], ({ tpk }) => [tpk, { format: 4, pin, pan }], false),
  entry("decryptPinBlock", ["key", "text", "object"], ({ tdesTpk }) => [
    tdesTpk,
    api.encryptPinBlock(tdesTpk, { format: 0, pin, pan }),
    { format: 0, pan },
  ]),
  entry("formatPinBlock", ["object"], () => [{ format: 0, pin, pan }]),
  entry("parsePinBlock", ["text", "object"], () => [api.formatPinBlock({ format: 0, pin, pan }), { format: 0, pan }]),
  entry("translatePinBlock", ["key", "key", "text", "object"], ({ tpk, tdesTpk }) => [
    tpk,
    tdesTpk,
    api.encryptPinBlock(tpk, { format: 4, pin, pan }),
    { from: 4, to: 0, pan },
  ]),
  entry("installKeySet", ["key", "object", "options"], ({ zmk }) => [zmk, keysResponse(zmk), {}], false),
  entry("issueKeySet", ["key", "options"], ({ zmk }) => [zmk, {}], false),
  entry("aesCbcEncrypt", ["key", "bytes", "bytes", "object"], ({ data }) => [data, iv16, message, { padding: "pkcs7" }]),
  entry("aesCbcDecrypt", ["key", "bytes", "bytes", "object"], ({ data }) => [data, iv16, message, { padding: "none" }]),
  entry("tdesCbcEncrypt", ["key", "bytes", "bytes", "object"], ({ tdesData }) => [tdesData, iv8, message, { padding: "pkcs7" }]),
  entry("tdesCbcDecrypt", ["key", "bytes", "bytes", "object"], ({ tdesData }) => [tdesData, iv8, message, { padding: "none" }]),
  entry("aesCmac", ["key", "bytes"], ({ aesMac }) => [aesMac, message]),
  entry("tdesCmac", ["key", "bytes"], ({ tdesMac }) => [tdesMac, message]),
  entry("cbcMac", ["key", "bytes", "options"], ({ chainMac }) => [chainMac, message, { padding: "method1" }]),
  entry("retailMac", ["key", "bytes", "options"], ({ retail }) => [retail, message, { padding: "method2" }]),
  entry("hmacSha256", ["key", "bytes"], ({ mac }) => [mac, message]),
  entry("verifyMac", ["key", "bytes", "bytes", "object"], ({ mac }) => [
    mac,
    message,
    api.hmacSha256(mac, message),
    { algorithm: "HMAC-SHA-256" },
  ]),
  entry("backendInfo", [], () => []),
];

/** Functions of the entry that are not in `surface`: they change what all others run on, and have cases of their own. */
export const besideSurface: readonly string[] = ["loadCrypto", "loadCryptoSync"];

function entry(name: FunctionName, kinds: readonly ArgumentKind[], args: Entry["args"], deterministic = true): Entry {
  return { name, kinds, args, deterministic };
}

const functions = new Map<string, unknown>(Object.entries(api));

export function call(name: FunctionName, args: readonly unknown[]): unknown {
  return (functions.get(name) as (...values: unknown[]) => unknown)(...args);
}

/** A copy of `values` with another one at `position`. */
export function replaced(values: readonly unknown[], position: number, value: unknown): unknown[] {
  return values.map((old, index) => (index === position ? value : old));
}

/** Makes the handles in a result go away again. */
export function discard(result: unknown): void {
  if (typeof result !== "object" || result === null) return;
  if (result instanceof api.SecretKey) {
    result.destroy();
    return;
  }
  for (const name of ["key", "keys"]) if (name in result) discard((result as Record<string, unknown>)[name]);
  if ("destroy" in result) (result as api.KeySet).destroy();
}

/** What `body` throws, or `undefined`. A result is discarded. */
export function caught(body: () => unknown): unknown {
  try {
    discard(body());
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Runs `body` with fresh keys and destroys them. */
export function withKeys(body: (keys: Keys) => void): void {
  const keys = makeKeys();
  try {
    body(keys);
  } finally {
    destroyKeys(keys);
  }
}

/** By name: where syntax is lowered, a class is a function. */
const classes = ["PosCryptoError", "SecretKey"];

/** Every function that the entry exports, classes aside. */
export function exportedFunctions(): string[] {
  return [...functions].filter(([name, value]) => typeof value === "function" && !classes.includes(name)).map(([name]) => name);
}

function keyBlock({ zmk, data }: Keys): string {
  return api.wrapKeyBlock(zmk, data, { version: "D" });
}

function keysResponse(zmk: api.SecretKey): unknown {
  const { response, keys } = api.issueKeySet(zmk);
  keys.destroy();
  return JSON.parse(JSON.stringify(response));
}

/** A result of any kind as text, for comparison. */
export function show(result: unknown): string {
  return JSON.stringify(result, (_name, value) => (value instanceof Uint8Array ? toHex(value) : value)) ?? String(result);
}
