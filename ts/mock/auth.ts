/**
 * The protocol's authentication levels, from a request's headers to the device that sent it.
 *
 * Order of checks: form of the headers (400), known device (404), time, signature, replay (401). A nonce is consumed only by a
 * request whose signature holds, so nobody can use up another's nonces. Which of key id, terminal and signature was wrong is
 * not told.
 */
import { verifyAttestationSignature, verifyRequestSignature } from "../core/signing.js";
import type { Context } from "./context.js";
import { badRequest, notFound, unauthorized } from "./http/errors.js";
import {
  checkClient,
  readCredentials,
  readDeviceId,
  readIdempotencyKey,
  readSignatureHeaders,
  readTerminalId,
  type SignatureHeaders,
} from "./http/headers.js";
import { attestationRefusal, signatureRefusal, tokenRefusal } from "./observe/auth-refusals.js";
import type { ProvisionedDevice } from "./state/provision.js";
import { type DeviceRecord, invalidToken, type KeySetRecord } from "./state/devices.js";

const INVALID_SIGNATURE = "Invalid signature";

/** A timestamp may be this old, and this far ahead. */
const OLDEST_MS = 5 * 60_000;
const NEWEST_MS = 60_000;

function knownDevice(context: Context): ProvisionedDevice {
  const deviceId = readDeviceId(context.headers);
  const device = context.services.devices.find(deviceId);
  if (device === undefined) throw notFound("Device not found", { device_id: deviceId });
  context.exchange.deviceId = deviceId;
  return device;
}

/** POS Activation: bootstrap, pairing-code, status. */
export function activationAuth(context: Context): ProvisionedDevice {
  readDeviceId(context.headers);
  checkClient(context.headers);
  return knownDevice(context);
}

/** POS Activation and the device's signature: attest. */
export async function identityAuth(context: Context): Promise<ProvisionedDevice> {
  readDeviceId(context.headers);
  checkClient(context.headers);
  const sent = readSignatureHeaders(context.headers);
  const device = knownDevice(context);
  checkTime(context, sent);
  const { keyId, timestamp, nonce, signature } = sent;
  const fields = { deviceId: device.device_id, keyId, timestamp, nonce };
  const { identity } = context.services.keys.device(device);
  const holds = keyId === device.identity_key_id && verifyAttestationSignature(identity, signature, fields);
  if (!holds) {
    throw context.refused(unauthorized(INVALID_SIGNATURE), attestationRefusal(device, identity, signature, fields));
  }
  await consumeNonce(context, deviceNonce(device.device_id, nonce));
  return device;
}

/** Bearer JWT: claim. Returns the merchant. */
export async function merchantAuth(context: Context): Promise<string> {
  const token = readCredentials(context.headers, "Bearer");
  const merchantId = token === undefined ? undefined : await context.services.merchants.verify(token);
  if (merchantId === undefined) {
    const reason =
      token === undefined ? "Authorization is not `Bearer` and a token" : "the bearer token does not verify, or has expired";
    throw context.refused(unauthorized("Invalid or expired bearer token"), { reason, header: "Authorization" });
  }
  return merchantId;
}

export interface AttestedDevice {
  device: ProvisionedDevice;
  record: DeviceRecord;
  token: string;
}

/** Attestation: keys, config, terminal-parameters, activate. */
export async function attestationAuth(context: Context): Promise<AttestedDevice> {
  const device = knownDevice(context);
  const token = readCredentials(context.headers, "Attestation");
  const record = await context.services.devices.read(device);
  if (token === undefined || !context.services.devices.isAttested(record, token)) {
    throw context.refused(invalidToken(), tokenRefusal(context, record, token));
  }
  return { device, record, token };
}

export interface SignedRequestOf {
  device: ProvisionedDevice;
  record: DeviceRecord;
  /** The key set whose MAC key signed. */
  keySet: KeySetRecord;
  idempotencyKey: string | undefined;
}

/** HMAC: charge, refund, cancel, reverse. */
export async function signatureAuth(context: Context): Promise<SignedRequestOf> {
  const { headers, services } = context;
  checkClient(headers);
  const terminalId = readTerminalId(headers);
  const sent = readSignatureHeaders(headers);
  const idempotencyKey = readIdempotencyKey(headers);
  const body = await context.body();
  checkTime(context, sent);

  const device = services.devices.findByTerminal(terminalId);
  if (device === undefined) {
    throw context.refused(unauthorized(INVALID_SIGNATURE), {
      reason: "no provisioned device has this terminal id",
      header: "X-Terminal-Id",
      sent: terminalId,
    });
  }
  const record = await services.devices.read(device);
  const { keyId, timestamp, nonce, signature } = sent;
  const fields = { method: context.request.method, path: context.request.target, body, terminalId, timestamp, nonce };
  let signer: KeySetRecord | undefined;
  for (const keySet of services.devices.liveKeySets(record)) {
    if (keySet.macKeyId !== keyId) continue;
    const { mac } = await services.keys.keySet(device, keySet);
    if (verifyRequestSignature(mac, signature, fields)) {
      signer = keySet;
      break;
    }
  }
  if (signer === undefined) {
    throw context.refused(unauthorized(INVALID_SIGNATURE), await signatureRefusal(context, device, record, sent, fields));
  }
  context.exchange.deviceId = device.device_id;
  context.exchange.terminalId = terminalId;
  await consumeNonce(context, terminalNonce(terminalId, nonce));
  if (record.status !== "activated") throw badRequest("Device is not activated", { device_status: record.status });
  return { device, record, keySet: signer, idempotencyKey };
}

function checkTime(context: Context, sent: SignatureHeaders): void {
  const age = context.now() - sent.time;
  if (age <= OLDEST_MS && age >= -NEWEST_MS) return;
  const seconds = Math.abs(Math.round(age / 1000));
  throw context.refused(unauthorized("X-Timestamp is outside the accepted window"), {
    reason: `the request is ${seconds} s ${age > 0 ? "behind" : "ahead of"} the host's clock; accepted are ${OLDEST_MS / 1000} s behind to ${NEWEST_MS / 1000} s ahead`,
    header: "X-Timestamp",
    clockDifferenceSeconds: -Math.round(age / 1000),
    sent: sent.timestamp,
    known: [new Date(context.now()).toISOString()],
  });
}

function deviceNonce(deviceId: string, nonce: string): string {
  return `nonce:device:${deviceId}:${nonce}`;
}

function terminalNonce(terminalId: string, nonce: string): string {
  return `nonce:terminal:${terminalId}:${nonce}`;
}

/** The store's names for the nonce of these headers: whoever holds them has used it up. */
export function nonceKeys(headers: Headers): string[] {
  const nonce = headers.get("X-Nonce") ?? "";
  const [deviceId, terminalId] = [headers.get("X-Device-Id"), headers.get("X-Terminal-Id")];
  return [
    ...(deviceId === null ? [] : [deviceNonce(deviceId, nonce)]),
    ...(terminalId === null ? [] : [terminalNonce(terminalId, nonce)]),
  ];
}

async function consumeNonce(context: Context, key: string): Promise<void> {
  const { store, lifetimes } = context.services;
  const fresh = await store.setIfAbsent(key, "1", lifetimes.nonce * 1000);
  if (fresh) return;
  throw context.refused(unauthorized("X-Nonce was used before"), {
    reason: "this nonce came with an earlier request: every request, a repetition included, needs a fresh one",
    header: "X-Nonce",
    sent: context.headers.get("X-Nonce") ?? "",
  });
}
