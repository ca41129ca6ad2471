/** Pairing: bootstrap, pairing-code, status (POS Activation), and the merchant's claim (Bearer JWT). No cryptography of payloads. */
import { formatTimestamp } from "../../base/timestamp.js";
import { activationAuth, merchantAuth } from "../auth.js";
import type { Context } from "../context.js";
import { badRequest } from "../http/errors.js";
import { Fields } from "../http/fields.js";
import { jsonReply, type Reply } from "../http/message.js";

/** Tells the version the host demands; whether to go on is the terminal's decision. */
export async function bootstrap(context: Context): Promise<Reply> {
  activationAuth(context);
  const { minSupportedVersion } = context.services;
  return answer(context, {
    status: "ok",
    server_time: formatTimestamp(context.now()),
    min_supported_version: minSupportedVersion,
  });
}

export async function pairingCode(context: Context): Promise<Reply> {
  const device = activationAuth(context);
  const code = await context.services.devices.createPairingCode(device);
  return answer(context, { pairing_code: code, expires_in_sec: context.services.lifetimes.pairingCode });
}

export async function status(context: Context): Promise<Reply> {
  const device = activationAuth(context);
  const { devices } = context.services;
  const record = await devices.read(device);
  return answer(context, {
    device_status: record.status,
    is_claimed: record.status !== "inactive",
    pairing_code_status: devices.pairingCodeStatus(record),
  });
}

const PAIRING_CODE = /^[2-9A-HJ-NP-Z]{6}$/;

/** Every reason not to claim has the same message, so that codes cannot be probed. */
export async function claim(context: Context): Promise<Reply> {
  const merchantId = await merchantAuth(context);
  const body = new Fields(await context.json());
  const code = body.get("pairing_code");
  const deviceId = body.get("device_id");
  const wellFormed =
    typeof code === "string" && PAIRING_CODE.test(code) && (deviceId === undefined || typeof deviceId === "string");
  const device = wellFormed ? await context.services.devices.claim(code, merchantId, deviceId) : undefined;
  if (device === undefined) throw badRequest("Invalid or expired pairing code");
  context.exchange.deviceId = device.device_id;
  return answer(context, { status: "claimed", device_id: device.device_id });
}

function answer(context: Context, value: Record<string, string | number | boolean>): Reply {
  context.exchange.response = value;
  return jsonReply(value);
}
