/**
 * The provisioning file: what a factory and a key ceremony have put on both sides before the first request.
 *
 * Contents are secret (device identity secrets, zone master keys, the development JWT secret). Errors are `ERR_PROVISION` and
 * name the JSON path, never a value. The file is refused as a whole for unknown members, so that a typo cannot pass for a default.
 */
import { own } from "../../base/arguments.js";
import { isLoopback } from "../../base/loopback.js";
import { isHex } from "../../base/bytes.js";
import { PosCryptoError } from "../../base/errors.js";
import { randomHex, randomText } from "../identifiers.js";

/** One terminal. Members are the file's own. */
export interface ProvisionedDevice {
  /** `POS-` and eight hexadecimal digits. */
  device_id: string;
  /** The merchant who may claim it: the JWT's `merchant_id`. */
  merchant_id: string;
  /** What `X-Terminal-Id` carries after activation. */
  terminal_id: string;
  /** `X-Key-Id` of the attestation. */
  identity_key_id: string;
  /** Device identity HMAC key: hex of 16 to 128 bytes. */
  identity_secret: string;
  /** Zone master key, AES-256: hex of 32 bytes. */
  zmk: string;
  /** `X-Key-Id` of signed requests; the issued MAC key's `key_id`. */
  hmac_key_id: string;
}

/** Tokens of the merchant portal: a shared development secret, or a key set with asymmetric algorithms. Never both. */
export type ProvisionedJwt =
  | { hs256_secret: string; issuer?: string; audience?: string }
  | { jwks_url: string; issuer?: string; audience?: string };

/** What both sides hold before the first request. It is secret. */
export interface Provision {
  devices: ProvisionedDevice[];
  jwt: ProvisionedJwt;
}

const DEVICE_MEMBERS = {
  device_id: /^POS-[0-9A-Fa-f]{8}$/,
  merchant_id: /^[\x21-\x7e]{1,128}$/,
  terminal_id: /^[A-Za-z0-9_-]{1,64}$/,
  identity_key_id: /^[\x21-\x7e]{1,128}$/,
  identity_secret: undefined,
  zmk: undefined,
  hmac_key_id: /^[\x21-\x7e]{1,128}$/,
} as const;

/**
 * Reads and checks a provisioning file.
 *
 * @param source its JSON text, or the value it parses to
 * @returns a fresh object with the file's own members
 * @throws `ERR_PROVISION` naming the JSON path of the first defect
 */
export function parseProvision(source: unknown): Provision {
  const root = asObject(typeof source === "string" ? parseJson(source) : source, "$");
  onlyMembers(root, ["devices", "jwt"], "$");
  const list = member(root, "devices");
  if (!Array.isArray(list) || list.length === 0) throw defect("$.devices", "must be a non-empty array");
  const devices = list.map((item, index) => parseDevice(item, `$.devices[${index}]`));
  unique(devices, "device_id");
  unique(devices, "terminal_id");
  return { devices, jwt: parseJwt(member(root, "jwt"), "$.jwt") };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The engine's own message quotes the text, which is secret.
    throw defect("$", "must be JSON");
  }
}

function parseDevice(value: unknown, path: string): ProvisionedDevice {
  const object = asObject(value, path);
  onlyMembers(object, Object.keys(DEVICE_MEMBERS), path);
  const text = (name: keyof typeof DEVICE_MEMBERS): string => {
    const content = member(object, name);
    if (typeof content !== "string") throw defect(`${path}.${name}`, "must be a string");
    if (DEVICE_MEMBERS[name]?.test(content) === false) throw defect(`${path}.${name}`, "is malformed");
    return content;
  };
  return {
    device_id: text("device_id"),
    merchant_id: text("merchant_id"),
    terminal_id: text("terminal_id"),
    identity_key_id: text("identity_key_id"),
    identity_secret: hexOf(text("identity_secret"), 16, 128, `${path}.identity_secret`),
    zmk: hexOf(text("zmk"), 32, 32, `${path}.zmk`),
    hmac_key_id: text("hmac_key_id"),
  };
}

function hexOf(text: string, minBytes: number, maxBytes: number, path: string): string {
  const bytes = text.length / 2;
  if (!isHex(text) || !Number.isInteger(bytes) || bytes < minBytes || bytes > maxBytes) {
    throw defect(path, `must be hex of ${minBytes === maxBytes ? minBytes : `${minBytes} to ${maxBytes}`} bytes`);
  }
  return text;
}

function parseJwt(value: unknown, path: string): ProvisionedJwt {
  const object = asObject(value, path);
  onlyMembers(object, ["hs256_secret", "jwks_url", "issuer", "audience"], path);
  const secret = optionalText(object, "hs256_secret", path);
  const url = optionalText(object, "jwks_url", path);
  if ((secret === undefined) === (url === undefined)) throw defect(path, "must have exactly one of hs256_secret and jwks_url");
  const issuer = optionalText(object, "issuer", path);
  const audience = optionalText(object, "audience", path);
  const common = { ...(issuer === undefined ? {} : { issuer }), ...(audience === undefined ? {} : { audience }) };
  if (secret !== undefined) return { hs256_secret: secret, ...common };
  return { jwks_url: checkJwksUrl(url as string, `${path}.jwks_url`), ...common };
}

/** Keys fetched in clear could be replaced on the way: https, except from this machine. */
function checkJwksUrl(text: string, path: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw defect(path, "must be a URL");
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    throw defect(path, "must be https, or http on a loopback address");
  }
  return text;
}

function asObject(value: unknown, path: string): object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw defect(path, "must be an object");
  return value;
}

/** Own members only: a `__proto__` in the file is an unknown member like any other. */
function member(object: object, name: string): unknown {
  return own(object as Record<string, unknown>, name);
}

function optionalText(object: object, name: string, path: string): string | undefined {
  const value = member(object, name);
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "") throw defect(`${path}.${name}`, "must be a non-empty string");
  return value;
}

function onlyMembers(object: object, known: readonly string[], path: string): void {
  for (const name of Object.keys(object)) {
    // The name may be a misplaced value: it is shown only if it looks like a name.
    const shown = /^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(name) ? `.${name}` : "";
    if (!known.includes(name)) throw defect(`${path}${shown}`, shown === "" ? "has an unknown member" : "is unknown");
  }
}

function unique(devices: readonly ProvisionedDevice[], name: "device_id" | "terminal_id"): void {
  const seen = new Set<string>();
  for (const [index, device] of devices.entries()) {
    if (seen.has(device[name])) throw defect(`$.devices[${index}].${name}`, "is used twice");
    seen.add(device[name]);
  }
}

function defect(path: string, problem: string): PosCryptoError {
  return new PosCryptoError("ERR_PROVISION", `${path} ${problem}`, { details: { path } });
}

/**
 * A fresh provisioning: random device, secrets and development JWT secret.
 *
 * @param count devices, all of one merchant
 * @throws `ERR_NO_RANDOM`
 * @example
 * ```ts
 * import { generateProvision, parseProvision, toProvisionJson } from "viopay-pos-crypto/mock";
 *
 * const provision = generateProvision(2);
 * console.log(parseProvision(toProvisionJson(provision)).devices.length); // prints 2
 * ```
 */
export function generateProvision(count = 1): Provision {
  const merchantId = randomUuid();
  const devices: ProvisionedDevice[] = [];
  for (let i = 0; i < count; i++) {
    devices.push({
      device_id: `POS-${randomHex(4)}`,
      merchant_id: merchantId,
      terminal_id: `TID-${randomHex(4)}`,
      identity_key_id: "device-id-key-1",
      identity_secret: randomHex(32),
      zmk: randomHex(32),
      hmac_key_id: "hmac-key-1",
    });
  }
  const ids = new Set(devices.flatMap((device) => [device.device_id, device.terminal_id]));
  return ids.size === 2 * count ? { devices, jwt: { hs256_secret: randomText(43) } } : generateProvision(count);
}

/** RFC 9562 5.4. */
function randomUuid(): string {
  const digits = randomHex(16).toLowerCase();
  const variant = "89ab"[Number.parseInt(digits[16] as string, 16) & 3];
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20)}`;
}

/**
 * The provisioning as the file's text, for both sides to read. It is secret.
 *
 * @throws `ERR_PROVISION` for an object that `parseProvision` refuses
 */
export function toProvisionJson(provision: Provision): string {
  return `${JSON.stringify(parseProvision(provision), null, 2)}\n`;
}
