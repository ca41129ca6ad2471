/**
 * What else than the very field an implementation may have signed, field by field: the mistakes that are made in practice. Public:
 * all of it travels.
 */
import type { Backend } from "../../backend/contract.js";
import { decodeUtf8, encodeBase64, encodeHex, encodeUtf8, isWellFormed } from "../../base/bytes.js";
import { formatTimestamp, parseTimestamp } from "../../base/timestamp.js";
import type { Request } from "../signing.js";

/** One field in another form, and what that form is. */
export interface Variant {
  readonly what: string;
  readonly field: keyof Request;
  readonly value: string;
}

type Forms = readonly (readonly [what: string, value: string | undefined])[];

/** Every form that differs from the field itself; of equal ones the first. */
function variants(field: keyof Request, original: string | undefined, forms: Forms): Variant[] {
  const seen = new Set([original]);
  const found: Variant[] = [];
  for (const [what, value] of forms) {
    if (value === undefined || seen.has(value) || !isWellFormed(value)) continue;
    seen.add(value);
    found.push({ what, field, value });
  }
  return found;
}

/** All of them, the likely ones first. */
export function requestVariants(request: Request, backend: Backend): Variant[] {
  const { method, path, body, terminalId, timestamp, nonce } = request;
  return [
    ...variants("path", path, pathForms(path)),
    ...bodyVariants(body, backend),
    ...variants("timestamp", timestamp, timestampForms(timestamp)),
    ...variants("method", method, methodForms(method)),
    ...variants("terminalId", terminalId, [...caseForms("the terminal id", terminalId), ["no terminal id", ""]]),
    ...variants("nonce", nonce, [...caseForms("the nonce", nonce), ["the nonce with the hyphens of a UUID", hyphenated(nonce)]]),
  ];
}

/** A time as sent, with every fraction of three digits: what `toISOString` gives before somebody cuts it. */
export function* fractionVariants({ timestamp }: Request): Generator<Variant> {
  const [, whole] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z$/.exec(timestamp) ?? [];
  if (whole === undefined) return;
  for (let i = 0; i < 1000; i++) {
    const fraction = String(i).padStart(3, "0");
    yield { what: `the time with the fraction .${fraction}`, field: "timestamp", value: `${whole}.${fraction}Z` };
  }
}

function caseForms(what: string, text: string): Forms {
  return [
    [`${what} in capital letters`, text.toUpperCase()],
    [`${what} in small letters`, text.toLowerCase()],
    [`${what} without the white space around it`, text.trim()],
  ];
}

function methodForms(method: string): Forms {
  const others = ["POST", "GET", "PUT", "PATCH", "DELETE"];
  const [upper, lower] = [method.toUpperCase(), method.toLowerCase()];
  return [
    ["the method in capital letters", upper],
    ["the method in small letters", lower],
    ["the method with a capital letter in front", upper.slice(0, 1) + lower.slice(1)],
    ...others.map((other) => [`the method ${other}`, other] as const),
  ];
}

/** What proxies and base addresses add. */
const PREFIXES = ["/api", "/v1", "/api/v1"];

function pathForms(path: string): Forms {
  const [bare = "", ...queries] = path.split("?");
  const query = queries.length === 0 ? "" : `?${queries.join("?")}`;
  const segments = bare.split("/").slice(1);
  const shorter = segments.slice(0, -1).map((_, i): Forms[number] => {
    return [`the path without /${segments.slice(0, i + 1).join("/")} in front`, `/${segments.slice(i + 1).join("/")}${query}`];
  });
  return [
    ["the path without its query", bare],
    bare.endsWith("/")
      ? ["the path without the slash at its end", bare.slice(0, -1) + query]
      : ["the path with a slash at its end", `${bare}/${query}`],
    ["the path with a question mark at its end", `${path}?`],
    ["the path without the slash in front", path.replace(/^\//, "")],
    ...shorter,
    ...PREFIXES.map((prefix) => [`the path with ${prefix} in front`, prefix + path] as const),
    ["the query in alphabetical order", query === "" ? undefined : `${bare}?${query.slice(1).split("&").sort().join("&")}`],
    ["the path with its percent signs decoded", decoded(path)],
    ["the path with percent signs for what is not ASCII", encodedUri(path)],
    ["the path in small letters", path.toLowerCase()],
    ["the path with double slashes made single", bare.replace(/\/{2,}/g, "/") + query],
  ];
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function encodedUri(text: string): string | undefined {
  return isWellFormed(text) ? encodeURI(text) : undefined;
}

function bodyVariants(body: string | Uint8Array, backend: Backend): Variant[] {
  const text = typeof body === "string" ? body : decodeUtf8(body);
  const bytes = typeof body === "string" ? (isWellFormed(body) ? encodeUtf8(body) : undefined) : body;
  const digest = bytes === undefined ? undefined : backend.digest("SHA-256", bytes);
  const forms: Forms = [
    ["no body", ""],
    ...(text === undefined ? [] : textForms(text)),
    ["the SHA-256 of the body in hex, small letters", digest && encodeHex(digest).toLowerCase()],
    ["the SHA-256 of the body in hex, capital letters", digest && encodeHex(digest)],
    ["the SHA-256 of the body in Base64", digest && encodeBase64(digest)],
    ["the body in Base64", bytes && encodeBase64(bytes)],
  ];
  return variants("body", text, forms);
}

function textForms(text: string): Forms {
  return [
    ...(text === "" ? ([["the body {}", "{}"]] as const) : []),
    ["the body without the line end at its end", text.replace(/\r?\n$/, "")],
    ["the body with a line end (LF) at its end", `${text}\n`],
    ["the body with a line end (CR LF) at its end", `${text}\r\n`],
    ["the body with CR LF as line ends", text.replace(/\r?\n/g, "\r\n")],
    ["the body with LF as line ends", text.replace(/\r\n/g, "\n")],
    ["the body without its byte order mark", text.replace(/^\ufeff/, "")],
    ["the body without the white space around it", text.trim()],
    ["the body with a byte order mark in front", `\ufeff${text}`],
    ["the body null", text === "" ? "null" : undefined],
    ...jsonForms(text),
  ];
}

/** JSON as parsers and serialisers of other languages give it back. */
function jsonForms(text: string): Forms {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  const compact = JSON.stringify(value);
  const sorted = sortMembers(value);
  const spaced = spacedJson(value);
  const escaped = (json: string) =>
    json.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return [
    ["the body as JSON written anew, without white space", compact],
    ["the body as JSON written anew, with a space after commas and colons", spaced],
    ["the body as JSON written anew, indented by two spaces", JSON.stringify(value, null, 2)],
    ["the body as JSON written anew, indented by four spaces", JSON.stringify(value, null, 4)],
    ["the body as JSON written anew, indented by tabs", JSON.stringify(value, null, "\t")],
    ["the body as JSON with its members in alphabetical order", JSON.stringify(sorted)],
    ["the body as JSON in alphabetical order, with a space after commas and colons", spacedJson(sorted)],
    ["the body as JSON with escaped slashes", compact.replace(/\//g, "\\/")],
    ["the body as JSON with \\u for what is not ASCII", escaped(compact)],
    ["the body as JSON with \\u for what is not ASCII, and spaces", escaped(spaced)],
  ];
}

function sortMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortMembers);
  if (typeof value !== "object" || value === null) return value;
  // Without a prototype: a member may be called __proto__.
  const sorted: Record<string, unknown> = Object.create(null);
  for (const [name, item] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) sorted[name] = sortMembers(item);
  return sorted;
}

function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, item]) => `${JSON.stringify(name)}: ${spacedJson(item)}`)
    .join(", ")}}`;
}

/** How far apart two clocks' readings for one request may be. */
const SECONDS = [1, 2, 3, 4, 5];

function timestampForms(timestamp: string): Forms {
  const time = parseTimestamp(timestamp);
  if (time === undefined) return [];
  const seconds = Math.floor(time / 1000);
  const sent = formatTimestamp(seconds * 1000);
  const shifted: [string, string][] = [];
  for (const n of SECONDS) {
    const unit = n === 1 ? "second" : "seconds";
    shifted.push([`the time ${n} ${unit} earlier`, formatTimestamp((seconds - n) * 1000)]);
    shifted.push([`the time ${n} ${unit} later`, formatTimestamp((seconds + n) * 1000)]);
  }
  return [
    ["the time without its fraction", sent],
    ["the time with +00:00 instead of Z", timestamp.replace(/Z$/, "+00:00")],
    ["the time with Z instead of +00:00", timestamp.replace(/[+]00:00$/, "Z")],
    ["the time in seconds since 1970", String(seconds)],
    ["the time in milliseconds since 1970", String(time)],
    ["the time as HTTP dates have it", new Date(time).toUTCString()],
    ["the time without its zone", timestamp.replace(/Z$|[+]00:00$/, "")],
    ["the time with a space instead of T", timestamp.replace("T", " ")],
    ["the time in small letters", timestamp.toLowerCase()],
    ["the time in six digits of a fraction", sent.replace("Z", ".000000Z")],
    ...shifted,
  ];
}

function hyphenated(nonce: string): string | undefined {
  const [, a, b, c, d, e] =
    /^([0-9a-fA-F]{8})([0-9a-fA-F]{4})([0-9a-fA-F]{4})([0-9a-fA-F]{4})([0-9a-fA-F]{12})$/.exec(nonce) ?? [];
  return a === undefined ? undefined : [a, b, c, d, e].join("-");
}
