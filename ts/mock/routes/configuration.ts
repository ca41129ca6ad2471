/** Under an attestation token and the newest key set's MSK: config, terminal-parameters, activate. */
import { attestationAuth } from "../auth.js";
import { deviceConfig } from "../fixtures/config.js";
import type { Context } from "../context.js";
import { badRequest } from "../http/errors.js";
import { Fields } from "../http/fields.js";
import { type Reply, textReply } from "../http/message.js";
import { openRequest, sealAnswer, sealCompressed } from "../payloads.js";
import type { DeviceRecord, KeySetRecord } from "../state/devices.js";

function newestKeySet(context: Context, record: DeviceRecord): KeySetRecord {
  const [keySet] = context.services.devices.liveKeySets(record);
  if (keySet === undefined) throw badRequest("Keys were not fetched");
  return keySet;
}

export async function config(context: Context): Promise<Reply> {
  const { device, record } = await attestationAuth(context);
  return textReply(await sealAnswer(context, device, newestKeySet(context, record), deviceConfig(device)));
}

/** 200 KB of JSON, compressed once a server, sealed in chunks for every request, each with an IV of its own. */
export async function terminalParameters(context: Context): Promise<Reply> {
  const { device, record } = await attestationAuth(context);
  const keySet = newestKeySet(context, record);
  const compressed = context.services.compressedParameters();
  const { msk } = await context.services.keys.keySet(device, keySet);
  const envelope = sealCompressed(msk, keySet.mskKcv, compressed);
  Object.assign(context.exchange, { keyKcv: keySet.mskKcv, keySetId: keySet.id });
  return textReply(JSON.stringify(envelope));
}

const CONDITIONS = ["emv_ready", "keys_installed", "network_ok"] as const;

/** The third envelope on a token that cannot be opened revokes it. */
export async function activate(context: Context): Promise<Reply> {
  const { device, record, token } = await attestationAuth(context);
  const { devices } = context.services;
  const { value, keySet } = await openRequest(context, device, record, undefined, {
    begin: () => devices.beginOpening(device, token),
    forgive: () => devices.forgiveOpening(device, token),
  });
  const fields = new Fields(value);
  for (const name of CONDITIONS) {
    if (!fields.boolean(name) && fields.get(name) === false) fields.defect(name, "must be true");
  }
  fields.check();
  const activatedAt = await devices.activate(device);
  return textReply(await sealAnswer(context, device, keySet, { status: "activated", activated_at: activatedAt }));
}
