/**
 * The protocol's thirteen endpoints, one row each, in the order in which a terminal meets them: the summary table of the protocol's
 * documents. Client, mock server, scripted faults and demo read their names, methods and paths here.
 *
 * Everything here is public.
 */

import type { EnvelopeFormat } from "../envelope/format.js";

/**
 * Who a request says it is from, and how it proves it.
 *
 * | level         | headers                                                                     |
 * |---------------|-----------------------------------------------------------------------------|
 * | `activation`  | `X-Device-Id`, `User-Agent`, `X-Client-Type`                                |
 * | `bearer`      | `Authorization: Bearer`, a merchant's JWT; not sent by a terminal           |
 * | `identity`    | those of `activation`, signed with the device's identity key                |
 * | `attestation` | `Authorization: Attestation`, the token of attest; `X-Device-Id`            |
 * | `signature`   | `X-Terminal-Id`, `X-Key-Id` and the request signed with the key set's MAC key |
 */
type Authentication = "activation" | "bearer" | "identity" | "attestation" | "signature";

/** One row of `ENDPOINTS`. */
export interface Endpoint {
  readonly step: string;
  readonly method: "GET" | "POST";
  /** Below the host's base URL; `{charge_id}` is the charge that the request is about. */
  readonly path: string;
  readonly authentication: Authentication;
  /** The forms in which a successful answer comes, sealed under the MSK; none where it comes in clear. */
  readonly sealed: readonly EnvelopeFormat[];
}

const CLEAR = [] as const;
const ENVELOPE = ["TR31-DATA"] as const;
/** Terminal parameters alone are long enough for chunks. */
const ENVELOPE_OR_CHUNKS = ["TR31-DATA", "TR31-DATA-CHUNKED"] as const;

export const ENDPOINTS = [
  { step: "bootstrap", method: "POST", path: "/pos/bootstrap", authentication: "activation", sealed: CLEAR },
  { step: "pairing-code", method: "POST", path: "/pos/pairing-code", authentication: "activation", sealed: CLEAR },
  { step: "status", method: "GET", path: "/pos/status", authentication: "activation", sealed: CLEAR },
  { step: "claim", method: "POST", path: "/pos/claim", authentication: "bearer", sealed: CLEAR },
  { step: "attest", method: "POST", path: "/pos/attest", authentication: "identity", sealed: CLEAR },
  { step: "keys", method: "POST", path: "/pos/keys", authentication: "attestation", sealed: CLEAR },
  { step: "config", method: "POST", path: "/pos/config", authentication: "attestation", sealed: ENVELOPE },
  {
    step: "terminal-parameters",
    method: "POST",
    path: "/pos/terminal-parameters",
    authentication: "attestation",
    sealed: ENVELOPE_OR_CHUNKS,
  },
  { step: "activate", method: "POST", path: "/pos/activate", authentication: "attestation", sealed: ENVELOPE },
  { step: "charge", method: "POST", path: "/pos/charge", authentication: "signature", sealed: ENVELOPE },
  { step: "refund", method: "POST", path: "/pos/charge/{charge_id}/refund", authentication: "signature", sealed: ENVELOPE },
  { step: "cancel", method: "POST", path: "/pos/charge/{charge_id}/cancel", authentication: "signature", sealed: ENVELOPE },
  { step: "reverse", method: "POST", path: "/pos/charge/{charge_id}/reverse", authentication: "signature", sealed: ENVELOPE },
] as const satisfies readonly Endpoint[];

/** The name of an endpoint. */
export type Step = (typeof ENDPOINTS)[number]["step"];

/** All names, in the order of the protocol. */
export const STEPS: readonly Step[] = /* @__PURE__ */ ENDPOINTS.map(({ step }) => step);

/** The form of a charge id, which stands in paths. */
export const CHARGE_ID = /^[A-Za-z0-9_-]{1,64}$/;

const CHARGE_ID_PLACE = "{charge_id}";

/** The row of a step. */
export function endpointOf(step: Step): Endpoint {
  return ENDPOINTS.find((endpoint) => endpoint.step === step)!;
}

/** The steps whose rows satisfy `condition`, in the order of the protocol. */
export function stepsWhere(condition: (endpoint: Endpoint) => boolean): readonly Step[] {
  return ENDPOINTS.filter(condition).map(({ step }) => step);
}

/** Method and path of a request. `chargeId` has been checked against `CHARGE_ID`. */
export function addressOf(
  step: Step,
  chargeId = "",
): { readonly step: Step; readonly method: "GET" | "POST"; readonly path: string } {
  const { method, path } = endpointOf(step);
  return { step, method, path: path.replace(CHARGE_ID_PLACE, chargeId) };
}

/** The charge id in `path` where it is the endpoint's, `""` for a path without one; `undefined` where the path is another. */
export function matchPath(endpoint: Endpoint, path: string): string | undefined {
  const [before, after] = endpoint.path.split(CHARGE_ID_PLACE) as [string, string | undefined];
  if (after === undefined) return path === endpoint.path ? "" : undefined;
  if (!path.startsWith(before) || !path.endsWith(after)) return undefined;
  const id = path.slice(before.length, path.length - after.length);
  return CHARGE_ID.test(id) ? id : undefined;
}
