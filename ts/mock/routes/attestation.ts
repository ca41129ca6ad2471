/** Attest, by the device's signature, and the keys that an attestation entitles to. */
import type { JsonValue } from "../../core/envelope/envelope.js";
import { attestationAuth, identityAuth } from "../auth.js";
import type { Context } from "../context.js";
import { jsonReply, type Reply } from "../http/message.js";

/** Also after activation, as a renewal. The installed keys stay; the older token is revoked. */
export async function attest(context: Context): Promise<Reply> {
  const device = await identityAuth(context);
  const token = await context.services.devices.attest(device);
  const expiresIn = context.services.lifetimes.attestation;
  context.exchange.response = { status: "attested", expires_in_sec: expiresIn };
  return jsonReply({ status: "attested", attestation_token: token, expires_in_sec: expiresIn });
}

/** Every call issues a new set; the older ones are accepted until they expire. */
export async function keys(context: Context): Promise<Reply> {
  const { device } = await attestationAuth(context);
  const { keys: ring, lifetimes } = context.services;
  const response = await ring.issue(device, lifetimes.keySet);
  context.exchange.response = response as unknown as JsonValue;
  return jsonReply(response);
}
