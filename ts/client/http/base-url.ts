/**
 * The address of the host: an absolute URL (RFC 3986 clause 4.3) of https, or of http to this machine, without user, query and
 * fragment. Read here and not by `URL`, which React Native before 0.80 has in name only and which rewrites what a signature covers.
 *
 * The path is kept as it is written, less the slashes at its end: it is part of every request target.
 */
import { describeType, invalidArgument } from "../../base/errors.js";

/** A base URL taken apart. */
export interface BaseUrl {
  /** `https://api.viopay.io`, in lower case, without the scheme's own port. */
  readonly origin: string;
  /** Before every path of the protocol: `""` or `/api`. */
  readonly prefix: string;
  readonly scheme: "https" | "http";
  /** Host name or address, in lower case; IPv6 in brackets. */
  readonly hostname: string;
}

/** Scheme, authority, path. */
const PARTS = /^(https?):\/\/([^/?#]*)([^?#]*)$/i;
/** A name of letters, digits, dots, dashes and underscores, an IPv4 address, or an IPv6 address in brackets; and a port. */
const AUTHORITY = /^([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?$/i;
/** RFC 3986 clause 3.3: segments of unreserved characters, sub-delimiters, `:`, `@` and percent-encodings. */
const PATH = /^(?:\/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*$/;
const DOT_SEGMENT = /\/\.{1,2}(?=\/|$)/;
const OWN_PORT = { https: "443", http: "80" } as const;

/** Throws `ERR_INVALID_ARGUMENT` for anything that is no base URL. Which scheme goes where is the caller's to judge. */
export function readBaseUrl(text: unknown): BaseUrl {
  const refused = (expected: string, got = "another form") => invalidArgument("baseUrl", expected, got);
  if (typeof text !== "string") throw refused("a URL", describeType(text));
  if (/[?#]/.test(text)) throw refused("free of query and fragment", "one of them");
  const parts = PARTS.exec(text);
  if (parts === null) throw refused("an absolute URL of https, as https://api.viopay.io", schemeOf(text));
  const [, scheme = "", authority = "", path = ""] = parts;
  if (authority.includes("@")) throw refused("free of user name and password", "both or one");
  const host = AUTHORITY.exec(authority);
  if (host === null) throw refused("a URL whose host is a name in ASCII (xn-- for others) or an address");
  const [, hostname = "", port] = host;
  if (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65535)) throw refused("a URL with a port from 1 to 65535");
  if (!PATH.test(path) || DOT_SEGMENT.test(path)) throw refused("a URL whose path is percent-encoded, without . and ..");
  const lower = scheme.toLowerCase() as "https" | "http";
  const shownPort = port === undefined || Number(port) === Number(OWN_PORT[lower]) ? "" : `:${Number(port)}`;
  const name = hostname.toLowerCase();
  return { origin: `${lower}://${name}${shownPort}`, prefix: path.replace(/\/+$/, ""), scheme: lower, hostname: name };
}

/** The origin of an absolute URL as `fetch` tells it, or `undefined` where it tells none. */
export function originOf(url: unknown): string | undefined {
  const parts = typeof url === "string" ? /^(https?):\/\/([^/?#]*)/i.exec(url) : null;
  if (parts === null) return undefined;
  const [, scheme = "", authority = ""] = parts;
  const lower = scheme.toLowerCase() as "https" | "http";
  return `${lower}://${authority.toLowerCase().replace(new RegExp(`:${OWN_PORT[lower]}$`), "")}`;
}

function schemeOf(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]{0,15}):/i.exec(text)?.[1];
  return scheme === undefined ? `${text.length} characters` : `a URL of ${scheme.toLowerCase()}`;
}
