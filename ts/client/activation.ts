/**
 * The way from first boot to an activated terminal: bootstrap, pairing code, status, attest, keys, config, terminal parameters,
 * activate. Each step checks that the steps before it were done, checks the answer, and changes the session only when all is well.
 */
import { type JsonValue, openEnvelope, sealEnvelope } from "../envelope.js";
import { PosCryptoError } from "../errors.js";
import { installKeySet, type KeySet, type KeysResponse } from "../keyset.js";
import { activationHeaders, attestationHeaders, attestHeaders } from "./headers.js";
import {
  isJsonObject,
  ownValue,
  requireObject,
  requireSeconds,
  requireString,
  unexpectedAnswer,
  type JsonObject,
} from "./json-fields.js";
import { type CallOptions, type Context, outOfOrder, requireKeys, saveSession } from "./session.js";
import { sleep } from "./sleep.js";
import type { TransportAnswer } from "./transport.js";
import { isOlderVersion } from "./version.js";

export interface BootstrapResult {
  readonly serverTime: string;
  readonly minSupportedVersion: string | undefined;
  /** What is added to the terminal's clock from now on, in milliseconds. */
  readonly clockOffsetMs: number;
}

export interface PairingCode {
  /** To be shown on the screen and typed into the merchant portal. */
  readonly code: string;
  readonly expiresInSec: number;
}

export interface DeviceStatus {
  readonly deviceStatus: "inactive" | "claimed" | "activated";
  readonly isClaimed: boolean;
  readonly pairingCodeStatus: string | undefined;
}

export interface Attestation {
  readonly expiresInSec: number;
}

export interface Activation {
  readonly status: "activated";
  readonly activatedAt: string;
}

/** The three statements of activation, each found out by the terminal itself. */
export interface ActivationConditions {
  readonly emv_ready: boolean;
  readonly keys_installed: boolean;
  readonly network_ok: boolean;
}

const PAIRING_CODE = /^[0-9A-Z]{4,16}$/;
const TOKEN = /^att_[\x21-\x7e]{1,1024}$/;
const TERMINAL_ID = /^[\x21-\x7e]{1,64}$/;

export async function bootstrap(context: Context, options: CallOptions = {}): Promise<BootstrapResult> {
  const { clock, session, transport, identity } = context;
  const sentAt = clock.local();
  const { body } = await transport.request({
    method: "POST",
    path: "/pos/bootstrap",
    headers: activationHeaders(identity),
    signal: options.signal,
  });
  const receivedAt = clock.local();
  if (requireString(body, "status") !== "ok") throw unexpectedAnswer("status", '"ok"');
  const serverTime = requireString(body, "server_time");
  const minimum = ownValue(body, "min_supported_version");
  if (minimum !== undefined) {
    const tooOld = typeof minimum === "string" ? isOlderVersion(identity.appVersion, minimum) : undefined;
    if (tooOld === undefined) throw unexpectedAnswer("min_supported_version", "a version such as 1.3.5");
    if (tooOld) {
      throw new PosCryptoError(
        "ERR_VERSION_TOO_OLD",
        `the host needs app version ${String(minimum)}, this is ${identity.appVersion}`,
        {
          details: { minSupportedVersion: minimum, appVersion: identity.appVersion },
        },
      );
    }
  }
  clock.synchronise(serverTime, sentAt, receivedAt);
  session.bootstrapped = true;
  return { serverTime, minSupportedVersion: minimum as string | undefined, clockOffsetMs: clock.offsetMs };
}

export async function createPairingCode(context: Context, options: CallOptions = {}): Promise<PairingCode> {
  if (!context.session.bootstrapped) throw outOfOrder("createPairingCode()", "bootstrap()");
  const { body } = await context.transport.request({
    method: "POST",
    path: "/pos/pairing-code",
    headers: activationHeaders(context.identity),
    signal: options.signal,
  });
  return { code: requireString(body, "pairing_code", PAIRING_CODE), expiresInSec: requireSeconds(body, "expires_in_sec") };
}

export async function fetchStatus(context: Context, options: CallOptions = {}): Promise<DeviceStatus> {
  const { session } = context;
  if (!session.bootstrapped) throw outOfOrder("fetchStatus()", "bootstrap()");
  const { body } = await context.transport.request({
    method: "GET",
    path: "/pos/status",
    headers: activationHeaders(context.identity),
    signal: options.signal,
  });
  const deviceStatus = requireString(body, "device_status", /^(?:inactive|claimed|activated)$/) as DeviceStatus["deviceStatus"];
  const claimed = ownValue(body, "is_claimed");
  if (typeof claimed !== "boolean") throw unexpectedAnswer("is_claimed", "a boolean");
  const codeStatus = ownValue(body, "pairing_code_status");
  const isClaimed = claimed && deviceStatus !== "inactive";
  session.claimed = isClaimed;
  return { deviceStatus, isClaimed, pairingCodeStatus: typeof codeStatus === "string" ? codeStatus : undefined };
}

/** Polls until the merchant has claimed the device. Errors: `ERR_PAIRING_EXPIRED` when the code can no longer be used. */
export async function waitUntilClaimed(context: Context, options: CallOptions & { pollMs?: number } = {}): Promise<DeviceStatus> {
  for (;;) {
    const status = await fetchStatus(context, options);
    if (status.isClaimed) {
      await saveSession(context);
      return status;
    }
    if (status.pairingCodeStatus === "none") throw outOfOrder("waitUntilClaimed()", "createPairingCode()");
    if (status.pairingCodeStatus === "expired") {
      throw new PosCryptoError("ERR_PAIRING_EXPIRED", "the pairing code has expired: create a new one");
    }
    await sleep(options.pollMs ?? 3000, options.signal);
  }
}

export async function attest(context: Context, options: CallOptions = {}): Promise<Attestation> {
  const { clock, session, transport, identity } = context;
  if (!session.bootstrapped) throw outOfOrder("attest()", "bootstrap()");
  if (!session.claimed) throw outOfOrder("attest()", "waitUntilClaimed()");
  const sentAt = clock.local();
  const { body } = await transport.request({
    method: "POST",
    path: "/pos/attest",
    headers: attestHeaders(identity, context.identityKey, clock.timestamp()),
    signal: options.signal,
  });
  if (requireString(body, "status") !== "attested") throw unexpectedAnswer("status", '"attested"');
  const token = requireString(body, "attestation_token", TOKEN);
  const expiresInSec = requireSeconds(body, "expires_in_sec");
  session.attestation = { token, expiresAt: sentAt + expiresInSec * 1000 };
  return { expiresInSec };
}

/** One request of the attestation level. A token the host no longer accepts is forgotten. */
async function attested(
  context: Context,
  step: string,
  path: string,
  body: string | undefined,
  options: CallOptions,
): Promise<TransportAnswer> {
  const { session, clock, identity, transport } = context;
  const { attestation } = session;
  if (attestation === undefined) throw outOfOrder(step, "attest()");
  if (clock.local() >= attestation.expiresAt) {
    session.attestation = undefined;
    throw new PosCryptoError("ERR_STATE", `${step}: the attestation has expired, attest() again`, {
      details: { step, needs: "attest()" },
    });
  }
  const headers = attestationHeaders(identity, attestation.token);
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await transport.request({ method: "POST", path, headers, body, signal: options.signal });
  } catch (error) {
    const unauthorized = error instanceof PosCryptoError && error.code === "ERR_HOST" && error.details?.["status"] === 401;
    if (unauthorized && session.attestation === attestation) session.attestation = undefined;
    throw error;
  }
}

/**
 * Fetches and installs a key set. An earlier one is replaced when the new one is whole and stored; that is refused while
 * payments are open, since their answers and repetitions need the keys they were made with.
 */
export async function installKeys(context: Context, options: CallOptions = {}): Promise<KeySet> {
  if (context.renewal !== undefined) throw new PosCryptoError("ERR_STATE", "installKeys() is already under way");
  const work = replaceKeys(context, options);
  context.renewal = work.then(
    () => {},
    () => {},
  );
  try {
    return await work;
  } finally {
    context.renewal = undefined;
  }
}

async function replaceKeys(context: Context, options: CallOptions): Promise<KeySet> {
  const { session, journal } = context;
  if (session.installed !== undefined && (context.inFlight.size > 0 || (await journal.openRecords()).length > 0)) {
    throw new PosCryptoError("ERR_STATE", "installKeys() while payments are open: recover() first", {
      details: { step: "installKeys()", needs: "recover()" },
    });
  }
  const { body } = await attested(context, "installKeys()", "/pos/keys", undefined, options);
  const response = requireObject(body, "keys") as unknown as KeysResponse;
  const keys = installKeySet(context.zmk, response);
  try {
    await saveSession(context, { keys: response });
  } catch (error) {
    keys.destroy();
    throw error;
  }
  session.installed?.keys.destroy();
  session.installed = { response, keys };
  return keys;
}

function openAnswer(keys: KeySet, answer: TransportAnswer, where: string): JsonObject {
  const value: JsonValue = openEnvelope(keys.msk, answer.body);
  return requireObject(value, where);
}

export async function fetchConfig(context: Context, options: CallOptions = {}): Promise<JsonObject> {
  const { session, identity } = context;
  const keys = requireKeys(context, "fetchConfig()");
  const config = openAnswer(keys, await attested(context, "fetchConfig()", "/pos/config", undefined, options), "config");
  const terminal = ownValue(config, "terminal");
  const terminalId = requireString(terminal, "terminal_id", TERMINAL_ID);
  const deviceId = ownValue(terminal, "device_id");
  if (deviceId !== undefined && deviceId !== identity.deviceId) throw unexpectedAnswer("device_id", "this terminal's");
  await saveSession(context, { terminalId });
  session.terminalId = terminalId;
  session.config = config;
  return config;
}

export async function fetchTerminalParameters(context: Context, options: CallOptions = {}): Promise<JsonObject> {
  const { session } = context;
  const keys = requireKeys(context, "fetchTerminalParameters()");
  const answer = await attested(context, "fetchTerminalParameters()", "/pos/terminal-parameters", undefined, options);
  const parameters = openAnswer(keys, answer, "terminal_parameters");
  session.parameters = parameters;
  return parameters;
}

export function activationConditions(context: Context): ActivationConditions {
  const { session, transport } = context;
  return {
    emv_ready: isJsonObject(ownValue(session.config, "emv")) && session.parameters !== undefined,
    keys_installed: session.installed !== undefined && !session.installed.keys.msk.destroyed,
    network_ok: transport.lastExchangeOk,
  };
}

export async function activate(context: Context, options: CallOptions = {}): Promise<Activation> {
  const { session } = context;
  const conditions = activationConditions(context);
  const unmet = Object.entries(conditions).flatMap(([name, met]) => (met ? [] : [name]));
  if (unmet.length > 0) {
    throw new PosCryptoError("ERR_STATE", `activate() needs ${unmet.join(", ")} to hold`, {
      details: { step: "activate()", unmet },
    });
  }
  const keys = requireKeys(context, "activate()");
  const sealed = JSON.stringify(sealEnvelope(keys.msk, { ...conditions }));
  const opened = openAnswer(keys, await attested(context, "activate()", "/pos/activate", sealed, options), "activation");
  if (requireString(opened, "status") !== "activated") throw unexpectedAnswer("status", '"activated"');
  const activatedAt = requireString(opened, "activated_at");
  await saveSession(context, { activatedAt });
  session.activatedAt = activatedAt;
  return { status: "activated", activatedAt };
}
