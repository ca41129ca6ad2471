/**
 * The answer of `POST /pos/keys` in JSON: "Step 6, Download keys" of the end-to-end example. Everything here is public: key blocks,
 * ids, dates and check values.
 *
 * Members are read as own properties of plain types only; members that the format does not name are ignored.
 */
import { own } from "../../base/arguments.js";
import { isHex } from "../../base/bytes.js";
import { describeType, PosCryptoError } from "../../base/errors.js";
import { parseTimestamp } from "../../base/timestamp.js";
import { type KeyRole, type KeySetUsage, ROLES, type RoleProfile } from "./roles.js";

/** One key of the answer. */
export interface WrappedKey {
  /** 1 to 255 printable ASCII characters without spaces; the MAC key's is the `X-Key-Id` of requests. */
  key_id?: string | undefined;
  /** The key block as ASCII, or Base64 of that. */
  key_block: string;
  /** Must be what the key's role is for. */
  usage: KeySetUsage;
}

/** The answer of `POST /pos/keys`, in JSON. */
export interface KeysResponse {
  /** Absent from abbreviated examples. */
  key_set?: { key_set_id?: string | undefined; issued_at?: string | undefined; expires_at?: string | undefined } | undefined;
  transport?: { format: "TR31"; encryption?: string | undefined; wrapped_under?: string | undefined } | undefined;
  /** All six. */
  keys: Record<KeyRole, WrappedKey>;
  /** Check values of 3 to 5 bytes, hex. */
  verification: { kcv: Record<KeyRole, string> };
}

export interface ReadKey {
  readonly keyId: string | undefined;
  readonly block: string;
  /** Upper case. */
  readonly kcv: string;
}

export interface ReadKeySet {
  readonly keySetId: string | undefined;
  readonly issuedAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  readonly keys: Readonly<Record<KeyRole, ReadKey>>;
}

type Members = Record<string, unknown>;

/** Reads the answer. Throws `ERR_KEY_SET`, which names the member that is missing or wrong. */
export function readKeysResponse(response: unknown): ReadKeySet {
  const root = asObject("response", response);
  const set = optionalObject("key_set", own(root, "key_set"));
  const transport = optionalObject("transport", own(root, "transport"));
  if (transport !== undefined && own(transport, "format") !== "TR31") {
    throw malformed("transport.format", "TR31", own(transport, "format"));
  }
  const keys = asObject("keys", own(root, "keys"));
  const kcvs = asObject("verification.kcv", own(asObject("verification", own(root, "verification")), "kcv"));
  const read: Partial<Record<KeyRole, ReadKey>> = Object.create(null);
  for (const profile of ROLES) read[profile.role] = readKey(profile, keys, kcvs);

  const issuedAt = readDate("key_set.issued_at", set && own(set, "issued_at"));
  const expiresAt = readDate("key_set.expires_at", set && own(set, "expires_at"));
  if (issuedAt !== undefined && expiresAt !== undefined && expiresAt <= issuedAt) {
    throw keySetError("key_set.expires_at", '"key_set.expires_at" must be later than "key_set.issued_at"');
  }
  return {
    keySetId: readId("key_set.key_set_id", set && own(set, "key_set_id")),
    issuedAt,
    expiresAt,
    keys: read as Record<KeyRole, ReadKey>,
  };
}

function readKey({ role, statedUsage }: RoleProfile, keys: Members, kcvs: Members): ReadKey {
  const name = `keys.${role}`;
  const key = asObject(name, own(keys, role));
  const block = own(key, "key_block");
  if (typeof block !== "string" || block === "") throw malformed(`${name}.key_block`, "a key block", block);
  const usage = own(key, "usage");
  if (usage !== statedUsage) throw malformed(`${name}.usage`, statedUsage, usage);
  const kcv = own(kcvs, role);
  if (typeof kcv !== "string" || kcv.length < 6 || kcv.length > 10 || !isHex(kcv)) {
    throw malformed(`verification.kcv.${role}`, "hex text of 3 to 5 bytes", kcv);
  }
  return { keyId: readId(`${name}.key_id`, own(key, "key_id")), block, kcv: kcv.toUpperCase() };
}

/** Ids travel in headers: printable ASCII without spaces. */
export function isId(id: unknown): id is string {
  return typeof id === "string" && /^[\x21-\x7e]{1,255}$/.test(id);
}

function readId(name: string, id: unknown): string | undefined {
  if (id === undefined || isId(id)) return id;
  throw malformed(name, "1 to 255 printable characters", id);
}

function readDate(name: string, text: unknown): Date | undefined {
  if (text === undefined) return undefined;
  const time = typeof text === "string" ? parseTimestamp(text) : undefined;
  if (time === undefined) throw malformed(name, "an RFC 3339 time in UTC", text);
  return new Date(time);
}

function optionalObject(name: string, value: unknown): Members | undefined {
  return value === undefined ? undefined : asObject(name, value);
}

function asObject(name: string, value: unknown): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw malformed(name, "an object", value);
}

function malformed(member: string, expected: string, got: unknown): PosCryptoError {
  const found = got === undefined ? "nothing" : typeof got === "string" ? "other text" : describeType(got);
  return keySetError(member, `"${member}" must be ${expected}, got ${found}`);
}

export function keySetError(member: string, message: string): PosCryptoError {
  return new PosCryptoError("ERR_KEY_SET", `key set: ${message}`, { details: { member } });
}
