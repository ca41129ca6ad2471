/**
 * Faults by request, for whoever tests against a mock in another process: `GET`, `PUT` and `DELETE /mock/faults`; who may
 * ask is decided by control/routes.ts. Each answers the faults in force. `PUT` takes `{ "faults": [...], "seed": 7 }`, the faults as text or as objects.
 *
 * Faults are a process's own: of several mocks behind one store each has to be told.
 */
import { ownOptions } from "../../base/arguments.js";
import { PosCryptoError } from "../../base/errors.js";
import type { Context } from "../context.js";
import { badRequest, methodNotAllowed } from "../http/errors.js";
import type { FaultRule } from "./spec.js";
import type { Faults } from "./faults.js";
import { jsonReply, type Reply } from "../http/message.js";

export async function controlFaults(context: Context, faults: Faults): Promise<Reply> {
  const { method } = context.request;
  if (method === "PUT") await replace(context, faults);
  else if (method === "DELETE") faults.clear();
  else if (method !== "GET") throw methodNotAllowed(["GET", "PUT", "DELETE"]);
  return jsonReply(faults.report());
}

async function replace(context: Context, faults: Faults): Promise<void> {
  const body = await context.json();
  try {
    const { faults: rules, seed } = ownOptions("body", body) as { faults: readonly FaultRule[]; seed: number | undefined };
    faults.set(rules, seed);
  } catch (error) {
    if (error instanceof PosCryptoError && error.code === "ERR_INVALID_ARGUMENT") throw badRequest(error.message);
    throw error;
  }
}
