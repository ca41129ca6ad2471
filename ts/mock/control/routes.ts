/**
 * The levers and the scripted faults over HTTP, for whoever tests against a mock in another process:
 *
 * | request                                                              | what it does                                   |
 * |----------------------------------------------------------------------|------------------------------------------------|
 * | `GET /mock/health`                                                   | 200, or 503 where the store does not answer    |
 * | `GET /mock/requests?after=N`                                         | the latest requests, opened and masked         |
 * | `GET /mock/ledger`                                                   | every charge and what became of it             |
 * | `POST /mock/reset`                                                   | devices as provisioned, no charge, no request  |
 * | `POST /mock/devices/ID/{unclaim,activate,expire-keys,expire-token}`  | moves one device                               |
 * | `GET`, `PUT`, `DELETE /mock/faults`                                  | faults/control.ts                              |
 *
 * From this machine only, or with the portal's token (`Authorization: Portal ...`). Not observed, out of the faults' reach.
 */
import { PosCryptoError } from "../../base/errors.js";
import type { Context } from "../context.js";
import { controlFaults } from "../faults/control.js";
import type { Faults } from "../faults/faults.js";
import { badRequest, methodNotAllowed, notFound } from "../http/errors.js";
import { requireOwner } from "../http/local.js";
import { jsonReply, type Reply } from "../http/message.js";
import { DEVICE_LEVERS, type DeviceLever, type Levers } from "./levers.js";

const PREFIX = "/mock/";

/** Whether the request is for the mock's owner and no part of the protocol. */
export function isControl(context: Context): boolean {
  return context.path?.startsWith(PREFIX) === true;
}

export async function control(context: Context, levers: Levers, faults: Faults, token: string): Promise<Reply> {
  requireOwner(context, token);
  const [name = "", ...rest] = (context.path ?? "").slice(PREFIX.length).split("/");
  if (rest.length > 0 && name !== "devices") throw notFound("Not found");
  switch (name) {
    case "faults":
      return controlFaults(context, faults);
    case "health": {
      require(context, "GET");
      const health = await levers.health();
      return { ...jsonReply(health), status: health.status === "ok" ? 200 : 503 };
    }
    case "requests":
      require(context, "GET");
      return jsonReply({ requests: levers.requests(readAfter(context)) });
    case "ledger":
      require(context, "GET");
      return jsonReply({ charges: await listing(() => levers.ledger()) });
    case "reset":
      require(context, "POST");
      await listing(() => levers.reset());
      return jsonReply(await levers.health());
    case "devices":
      return moveDevice(context, levers, rest);
    default:
      throw notFound("Not found");
  }
}

async function moveDevice(context: Context, levers: Levers, [id = "", lever, ...more]: readonly string[]): Promise<Reply> {
  const known = DEVICE_LEVERS.find((name) => name === lever);
  const device = context.services.devices.find(id);
  if (device === undefined) throw notFound("Device not found", { device_id: id });
  if (known === undefined || more.length > 0) throw notFound(`Not found: a device has ${DEVICE_LEVERS.join(", ")}`);
  require(context, "POST");
  await levers.move(device, known satisfies DeviceLever);
  const { status } = await context.services.devices.read(device);
  return jsonReply({ device_id: id, status });
}

function require(context: Context, method: "GET" | "POST"): void {
  if (context.request.method !== method) throw methodNotAllowed([method]);
}

function readAfter(context: Context): number {
  const text = new URLSearchParams(context.request.target.split("?")[1] ?? "").get("after") ?? "0";
  if (!/^[0-9]{1,15}$/.test(text)) throw badRequest("after must be the number of a request");
  return Number(text);
}

/** A store of one's own may not be able to list what it holds. */
async function listing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PosCryptoError && error.code === "ERR_STATE") throw badRequest(error.message);
    throw error;
  }
}
