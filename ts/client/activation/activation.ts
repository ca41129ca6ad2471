/**
 * The way from first boot to an activated terminal, but for the steps with files of their own (bootstrap, attestation, keys):
 * pairing code, status, config, terminal parameters, activate. Each step checks that the steps before it were done, checks the answer, and changes the session only when all is well.
 */
import { sealEnvelope } from "../../core/envelope/envelope.js";
import { PosCryptoError } from "../../base/errors.js";
import { addressOf, type Step } from "../../core/protocol/endpoints.js";
import type { KeySet } from "../../core/key-set/install.js";
import { attested } from "./attestation.js";
import { openAnswer } from "../http/answer-form.js";
import { keepingKeys } from "./keys.js";
import { activationHeaders } from "../http/headers.js";
import { isJsonObject, ownValue, requireSeconds, requireString, unexpectedAnswer, type JsonObject } from "../http/json-fields.js";
import { saveSession } from "../persistence.js";
import { withRetries } from "../http/retry.js";
import { type CallOptions, type Context, outOfOrder, requireKeys } from "../session.js";
import { sleep } from "../http/sleep.js";

/** What the merchant types into the portal. */
export interface PairingCode {
  /** To be shown on the screen and typed into the merchant portal. */
  readonly code: string;
  /** Seconds from the answer on. */
  readonly expiresInSec: number;
}

/** Where pairing stands, in the host's words. */
export interface DeviceStatus {
  readonly deviceStatus: "inactive" | "claimed" | "activated";
  /** Whether pairing is done. */
  readonly isClaimed: boolean;
  /** In the host's words: `none`, `expired`, or that there is one. */
  readonly pairingCodeStatus: string | undefined;
}

/** The host has taken note that the terminal is ready. */
export interface Activation {
  readonly status: "activated";
  /** RFC 3339, by the host's clock. */
  readonly activatedAt: string;
}

/** The three statements of activation, each found out by the terminal itself. */
export interface ActivationConditions {
  /** The config has an `emv` part and the terminal parameters are here. */
  readonly emv_ready: boolean;
  /** `installKeys` has succeeded and its keys are alive. */
  readonly keys_installed: boolean;
  /** The last exchange with the host was answered. */
  readonly network_ok: boolean;
}

const PAIRING_CODE = /^[0-9A-Z]{4,16}$/;
const TERMINAL_ID = /^[\x21-\x7e]{1,64}$/;

export async function createPairingCode(context: Context, options: CallOptions = {}): Promise<PairingCode> {
  if (!context.session.bootstrapped) throw outOfOrder("createPairingCode()", "bootstrap()");
  const { signal } = options;
  const headers = activationHeaders(context.identity);
  const { body } = await withRetries(context, { repetition: "steps", signal }, (timeoutMs) =>
    context.transport.request({ ...addressOf("pairing-code"), headers, signal, timeoutMs }),
  );
  return { code: requireString(body, "pairing_code", PAIRING_CODE), expiresInSec: requireSeconds(body, "expires_in_sec") };
}

export async function fetchStatus(context: Context, options: CallOptions = {}): Promise<DeviceStatus> {
  const { session } = context;
  if (!session.bootstrapped) throw outOfOrder("fetchStatus()", "bootstrap()");
  const { signal } = options;
  const headers = activationHeaders(context.identity);
  const { body } = await withRetries(context, { repetition: "steps", signal }, (timeoutMs) =>
    context.transport.request({ ...addressOf("status"), headers, signal, timeoutMs }),
  );
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

/** One request under the attestation token, and its answer opened under the MSK. */
async function openAttested(
  context: Context,
  keys: KeySet,
  step: string,
  endpoint: Step,
  body: string | undefined,
  options: CallOptions,
): Promise<JsonObject> {
  return await keepingKeys(context, async () => {
    const answer = await attested(context, step, endpoint, body, options);
    return openAnswer(context, keys.msk, endpoint, answer.body);
  });
}

export async function fetchConfig(context: Context, options: CallOptions = {}): Promise<JsonObject> {
  const { session, identity } = context;
  const keys = requireKeys(context, "fetchConfig()");
  const config = await openAttested(context, keys, "fetchConfig()", "config", undefined, options);
  const terminal = ownValue(config, "terminal");
  const terminalId = requireString(terminal, "terminal_id", TERMINAL_ID);
  const deviceId = ownValue(terminal, "device_id");
  if (deviceId !== undefined && deviceId !== identity.deviceId) throw unexpectedAnswer("device_id", "this terminal's");
  await saveSession(context, () => ({ terminalId }));
  session.terminalId = terminalId;
  session.config = config;
  return config;
}

export async function fetchTerminalParameters(context: Context, options: CallOptions = {}): Promise<JsonObject> {
  const { session } = context;
  const keys = requireKeys(context, "fetchTerminalParameters()");
  const parameters = await openAttested(context, keys, "fetchTerminalParameters()", "terminal-parameters", undefined, options);
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
  const unmet = Object.keys(conditions).filter((name) => !conditions[name as keyof typeof conditions]);
  if (unmet.length > 0) {
    throw new PosCryptoError("ERR_STATE", `activate() needs ${unmet.join(", ")} to hold`, {
      details: { step: "activate()", unmet },
    });
  }
  const keys = requireKeys(context, "activate()");
  const sealed = JSON.stringify(sealEnvelope(keys.msk, { ...conditions }));
  const opened = await openAttested(context, keys, "activate()", "activate", sealed, options);
  if (requireString(opened, "status") !== "activated") throw unexpectedAnswer("status", '"activated"');
  const activatedAt = requireString(opened, "activated_at");
  await saveSession(context, () => ({ activatedAt }));
  session.activatedAt = activatedAt;
  return { status: "activated", activatedAt };
}
