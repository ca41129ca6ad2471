/**
 * Attestation: the device's signature for a token that opens keys, config, terminal parameters and activate for 5 minutes.
 *
 * The token lives in memory only. One that has expired, or that the host no longer accepts, is replaced automatically, once a call.
 */
import { own } from "../../base/arguments.js";
import type { PosCryptoError } from "../../base/errors.js";
import { addressOf, type Step } from "../../core/protocol/endpoints.js";
import { bootstrap, explainUnauthorized } from "./bootstrap.js";
import { attestationHeaders, attestHeaders } from "../http/headers.js";
import { requireSeconds, requireString, unexpectedAnswer } from "../http/json-fields.js";
import { withRetries } from "../http/retry.js";
import { type Context, outOfOrder, type StepOptions } from "../session.js";
import type { TransportAnswer } from "../http/transport.js";

/** How long the token lives; the token itself stays inside. */
export interface Attestation {
  /** Seconds from the answer on. */
  readonly expiresInSec: number;
}

const TOKEN = /^att_[\x21-\x7e]{1,1024}$/;

export async function attest(context: Context, options: StepOptions = {}): Promise<Attestation> {
  const { clock, session, transport, identity } = context;
  const { signal } = options;
  const attempts = own(options, "attempts");
  if (!session.bootstrapped) throw outOfOrder("attest()", "bootstrap()");
  if (!session.claimed) throw outOfOrder("attest()", "waitUntilClaimed()");
  return await withRetries(
    context,
    { repetition: "steps", signal, attempts, unauthorized: (error) => explainUnauthorized(context, error, options) },
    async (timeoutMs) => {
      const sentAt = clock.mark();
      const headers = attestHeaders(identity, context.identityKey, clock.timestamp());
      const { body } = await transport.request({ ...addressOf("attest"), headers, signal, timeoutMs });
      if (requireString(body, "status") !== "attested") throw unexpectedAnswer("status", '"attested"');
      const token = requireString(body, "attestation_token", TOKEN);
      const expiresInSec = requireSeconds(body, "expires_in_sec");
      session.attestation = { token, lifetime: clock.startTimer(expiresInSec * 1000, sentAt) };
      session.attested = true;
      return { expiresInSec };
    },
  );
}

/** The token to use: the one at hand while it lives, else a new one where this device has been attested before. */
async function currentToken(context: Context, step: string, options: StepOptions): Promise<string> {
  const { session } = context;
  const { attestation } = session;
  if (attestation !== undefined && !attestation.lifetime.isOver()) return attestation.token;
  if (!session.attested && session.activatedAt === undefined) throw outOfOrder(step, "attest()");
  session.attestation = undefined;
  if (!session.bootstrapped) await bootstrap(context, options);
  await attest(context, options);
  // Read through the context: the assignment above narrows what `session` is taken to hold.
  return context.session.attestation!.token;
}

/** One request of the attestation level, repeated once with a new token where the host refuses the one at hand. */
export async function attested(
  context: Context,
  step: string,
  endpoint: Step,
  body: string | undefined,
  options: StepOptions,
): Promise<TransportAnswer> {
  const { session, identity, transport } = context;
  const { signal } = options;
  const attempts = own(options, "attempts");
  let token = await currentToken(context, step, options);
  let replaced = false;
  const unauthorized = async (error: PosCryptoError) => {
    if (session.attestation?.token === token) session.attestation = undefined;
    if (replaced) return { error, mend: false };
    replaced = true;
    token = await currentToken(context, step, options);
    return { error, mend: true };
  };
  return await withRetries(context, { repetition: "steps", signal, attempts, unauthorized }, async (timeoutMs) => {
    const headers = attestationHeaders(identity, token);
    if (body !== undefined) headers["Content-Type"] = "application/json";
    return await transport.request({ ...addressOf(endpoint), headers, body, signal, timeoutMs });
  });
}
