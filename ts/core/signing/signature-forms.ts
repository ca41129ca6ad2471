/**
 * A signature in another form than `v1=` and Base64 (RFC 4648 clause 4): what other implementations send by mistake. Public.
 */
import { decodeBase64, decodeUtf8, encodeBase64, readHex } from "../../base/bytes.js";

const MAC_BYTES = 32;

/** The MAC as canonical Base64, and what is unusual about how it was sent. */
export interface SignatureForm {
  readonly base64: string;
  readonly oddities: readonly string[];
}

/** `undefined` where the text holds no MAC of 32 bytes in any known form. */
export function readSignatureForm(signature: string): SignatureForm | undefined {
  const bare = signature.trim().replace(/^(["'])(.*)\1$/s, "$2");
  const around = bare === signature ? [] : ["the signature has white space or quotation marks around it"];
  const [, version = "", value = ""] = /^(v1=|v1:|v1 |V1=|)(.*)$/s.exec(bare) ?? [];
  const prefix = version === "v1=" ? [] : [`the signature ${version === "" ? "has no" : "has something else than"} v1= in front`];
  const mac = readMac(value);
  return mac && { base64: encodeBase64(mac.bytes), oddities: [...around, ...prefix, ...mac.oddities] };
}

interface Mac {
  readonly bytes: Uint8Array;
  readonly oddities: readonly string[];
}

function readMac(text: string): Mac | undefined {
  const digits = text.length === 2 * MAC_BYTES ? readHex(text) : undefined;
  if (digits !== undefined) return { bytes: digits, oddities: ["the signature is hex"] };
  const isUrl = /[-_]/.test(text);
  const isUnpadded = text.length % 4 !== 0;
  const padded = text.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (text.length % 4)) % 4);
  const bytes = decodeBase64(padded);
  if (bytes === undefined) return undefined;
  const oddities = isUrl ? ["the signature is Base64url"] : isUnpadded ? ["the signature lacks its padding ="] : [];
  if (bytes.length === MAC_BYTES) return { bytes, oddities };
  const inner = bytes.length === 2 * MAC_BYTES ? readHex(decodeUtf8(bytes) ?? "") : undefined;
  return inner && { bytes: inner, oddities: [...oddities, "the signature is Base64 of hex text"] };
}
