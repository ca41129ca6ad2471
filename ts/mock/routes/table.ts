/** The thirteen endpoints of the summary table: method, path, handler. */
import type { Context } from "../context.js";
import { methodNotAllowed, notFound } from "../http/errors.js";
import type { Reply } from "../http/message.js";
import { attest, keys } from "./attestation.js";
import { activate, config, terminalParameters } from "./configuration.js";
import { bootstrap, claim, pairingCode, status } from "./pairing.js";
import { cancel, charge, refund } from "./payments.js";

type Handler = (context: Context, parameter: string) => Promise<Reply>;

interface Endpoint {
  name: string;
  method: "GET" | "POST";
  /** A path, in which `*` stands for a charge id. */
  path: string;
  handle: Handler;
}

const ENDPOINTS: readonly Endpoint[] = [
  { name: "bootstrap", method: "POST", path: "/pos/bootstrap", handle: bootstrap },
  { name: "pairing-code", method: "POST", path: "/pos/pairing-code", handle: pairingCode },
  { name: "status", method: "GET", path: "/pos/status", handle: status },
  { name: "claim", method: "POST", path: "/pos/claim", handle: claim },
  { name: "attest", method: "POST", path: "/pos/attest", handle: attest },
  { name: "keys", method: "POST", path: "/pos/keys", handle: keys },
  { name: "config", method: "POST", path: "/pos/config", handle: config },
  { name: "terminal-parameters", method: "POST", path: "/pos/terminal-parameters", handle: terminalParameters },
  { name: "activate", method: "POST", path: "/pos/activate", handle: activate },
  { name: "charge", method: "POST", path: "/pos/charge", handle: charge },
  { name: "refund", method: "POST", path: "/pos/charge/*/refund", handle: refund },
  { name: "cancel", method: "POST", path: "/pos/charge/*/cancel", handle: cancel },
  { name: "reverse", method: "POST", path: "/pos/charge/*/reverse", handle: cancel },
];

const CHARGE_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Answers the request, or throws what it is refused with: 404 for an unknown path, 405 for a known one with another method. */
export async function route(context: Context): Promise<Reply> {
  const { path, request } = context;
  const here = path === undefined ? [] : ENDPOINTS.map((endpoint) => ({ endpoint, parameter: match(endpoint.path, path) }));
  const found = here.filter(({ parameter }) => parameter !== undefined);
  if (found.length === 0) throw notFound("Not found");
  for (const { endpoint, parameter } of found) {
    if (endpoint.method !== request.method) continue;
    context.exchange.endpoint = endpoint.name;
    return endpoint.handle(context, parameter ?? "");
  }
  throw methodNotAllowed(found.map(({ endpoint }) => endpoint.method));
}

/** The name of the endpoint that the request is for, before it is handled; `undefined` where there is none. */
export function endpointOf(context: Context): string | undefined {
  const { path, request } = context;
  if (path === undefined) return undefined;
  return ENDPOINTS.find((endpoint) => endpoint.method === request.method && match(endpoint.path, path) !== undefined)?.name;
}

/** The charge id in `path`, `""` for a path without one, `undefined` if the path is another. */
function match(pattern: string, path: string): string | undefined {
  const [before, after] = pattern.split("*") as [string, string | undefined];
  if (after === undefined) return path === pattern ? "" : undefined;
  if (!path.startsWith(before) || !path.endsWith(after)) return undefined;
  const id = path.slice(before.length, path.length - after.length);
  return CHARGE_ID.test(id) ? id : undefined;
}
