/** The handlers of the protocol's thirteen endpoints. */
import { ENDPOINTS, matchPath, type Step } from "../../core/protocol/endpoints.js";
import type { Context } from "../context.js";
import { methodNotAllowed, notFound } from "../http/errors.js";
import type { Reply } from "../http/message.js";
import { attest, keys } from "./attestation.js";
import { activate, config, terminalParameters } from "./configuration.js";
import { bootstrap, claim, pairingCode, status } from "./pairing.js";
import { cancel, charge, refund } from "./payments.js";

type Handler = (context: Context, parameter: string) => Promise<Reply>;

const HANDLERS: Readonly<Record<Step, Handler>> = {
  bootstrap,
  "pairing-code": pairingCode,
  status,
  claim,
  attest,
  keys,
  config,
  "terminal-parameters": terminalParameters,
  activate,
  charge,
  refund,
  cancel,
  reverse: cancel,
};

/** Answers the request, or throws what it is refused with: 404 for an unknown path, 405 for a known one with another method. */
export async function route(context: Context): Promise<Reply> {
  const { path, request } = context;
  const here = path === undefined ? [] : ENDPOINTS.map((endpoint) => ({ endpoint, parameter: matchPath(endpoint, path) }));
  const found = here.filter(({ parameter }) => parameter !== undefined);
  if (found.length === 0) throw notFound("Not found");
  for (const { endpoint, parameter } of found) {
    if (endpoint.method !== request.method) continue;
    context.exchange.endpoint = endpoint.step;
    return HANDLERS[endpoint.step](context, parameter ?? "");
  }
  throw methodNotAllowed(found.map(({ endpoint }) => endpoint.method));
}

/** The name of the endpoint that the request is for, before it is handled; `undefined` where there is none. */
export function endpointOf(context: Context): Step | undefined {
  const { path, request } = context;
  if (path === undefined) return undefined;
  return ENDPOINTS.find((endpoint) => endpoint.method === request.method && matchPath(endpoint, path) !== undefined)?.step;
}
