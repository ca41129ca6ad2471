/**
 * Why a signature or a token was not accepted, found out after the refusal is certain: which key the signature fits, which text was
 * verified, which token would be valid. For the mock's owner only; see refusal.ts.
 *
 * The host's keys only verify. Nothing here has an effect on the request or consumes its nonce.
 */
import {
  type AttestationFields,
  attestationSignatureText,
  type RequestFields,
  requestSignatureText,
  verifyAttestationSignature,
  verifyRequestSignature,
} from "../../core/signing.js";
import type { SecretKey } from "../../core/keys/key.js";
import { PosCryptoError } from "../../base/errors.js";
import { explainRequestSignature, type RequestNearMiss } from "../../core/signing/near-misses.js";
import type { Context } from "../context.js";
import type { SignatureHeaders } from "../http/headers.js";
import { type DeviceRecord, FAILURES_ALLOWED } from "../state/devices.js";
import type { ProvisionedDevice } from "../state/provision.js";
import { maskText } from "./masking.js";
import { type Refusal, withLineEnds } from "./refusal.js";

/** The request's signature fits no live MAC key of that id. */
export async function signatureRefusal(
  context: Context,
  device: ProvisionedDevice,
  record: DeviceRecord,
  { keyId, signature }: SignatureHeaders,
  fields: RequestFields,
): Promise<Refusal> {
  const { devices, keys } = context.services;
  const live = devices.liveKeySets(record);
  const known = [...new Set(live.map(({ macKeyId }) => macKeyId))];
  const signedText = shown(() => requestSignatureText({ ...fields, path: maskText(fields.path) }));
  const nearMisses: string[] = [];
  for (const keySet of live) {
    const { id, macKeyId } = keySet;
    const { mac } = await keys.keySet(device, keySet);
    if (macKeyId !== keyId) {
      if (!verifyRequestSignature(mac, signature, fields)) continue;
      nearMisses.push(`the signature is right under the MAC key ${macKeyId} of key set ${id}: send that as X-Key-Id`);
    } else if (context.services.explanations.take(context.services.now())) {
      nearMisses.push(...explainRequestSignature(mac, signature, fields).nearMisses.map((nearMiss) => inWords(nearMiss, fields)));
    }
  }
  if (verifyRequestSignature(keys.device(device).identity, signature, fields)) {
    nearMisses.push("the signature was made with the device's identity key: payments are signed with the MAC key of the key set");
  }
  const reason =
    live.length === 0
      ? "the device has no live key set: its keys were never fetched, or have expired"
      : known.includes(keyId)
        ? `the signature is not that of MAC key ${keyId} over this text`
        : "X-Key-Id names no MAC key of this terminal's live key sets";
  return {
    reason,
    header: known.includes(keyId) ? "X-Signature" : "X-Key-Id",
    sent: keyId,
    known,
    ...signedText,
    ...listed(nearMisses),
  };
}

/** The attestation is not signed with the device's identity key, or names another one. */
export function attestationRefusal(
  { identity_key_id: known }: ProvisionedDevice,
  identity: SecretKey,
  signature: string,
  fields: AttestationFields,
): Refusal {
  const signedText = shown(() => attestationSignatureText(fields));
  if (fields.keyId === known) {
    return {
      reason: "the signature is not that of the device's identity key over this text",
      header: "X-Signature",
      ...signedText,
    };
  }
  const fits = [fields.keyId, known].some((keyId) => verifyAttestationSignature(identity, signature, { ...fields, keyId }));
  const nearMisses = fits ? [`the signature is right under the identity key: name it ${known}`] : [];
  const reason = "X-Key-Id is not the id of this device's identity key";
  return { reason, header: "X-Key-Id", sent: fields.keyId, known: [known], ...signedText, ...listed(nearMisses) };
}

/** What is wrong with an attestation token. */
export function tokenRefusal({ services }: Context, { attestation }: DeviceRecord, token: string | undefined): Refusal {
  const header = "Authorization";
  if (token === undefined) return { reason: "Authorization is not `Attestation` and a token", header };
  if (attestation === undefined)
    return { reason: "the device has no attestation: it was never attested, or was revoked", header };
  if (attestation.failures >= FAILURES_ALLOWED)
    return { reason: "three envelopes under this token could not be opened: it is revoked", header };
  if (services.now() >= attestation.expiresAt) {
    return { reason: `the attestation expired at ${new Date(attestation.expiresAt).toISOString()}: attest again`, header };
  }
  return { reason: "the token is not the device's latest: an attestation revokes the one before", header };
}

/** `your signature fits the path without its query: path /pos/charge`. Only a path is short and public enough to repeat. */
function inWords({ what, fields: { path } }: RequestNearMiss, sent: RequestFields): string {
  return `your signature fits ${what}${path === sent.path ? "" : `: path ${maskText(path)}`}`;
}

function shown(text: () => string): { signedText?: string } {
  try {
    return { signedText: withLineEnds(text()) };
  } catch (error) {
    // Content that nobody may sign has no text.
    if (error instanceof PosCryptoError) return {};
    throw error;
  }
}

function listed(nearMisses: readonly string[]): { nearMisses?: readonly string[] } {
  return nearMisses.length === 0 ? {} : { nearMisses };
}
