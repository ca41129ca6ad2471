/**
 * Who may use the pages of the mock that are no part of the protocol: programs and people at this machine.
 *
 * A loopback address alone is not enough, since any web page can make its reader's browser send requests there: `Host` must name
 * this machine (against DNS rebinding), `Origin` and `Sec-Fetch-Site` must not be another site's (against cross-site requests).
 */
import { currentBackend } from "../../backend/select.js";
import { encodeUtf8 } from "../../base/bytes.js";
import type { Context } from "../context.js";
import { forbidden, unauthorized } from "./errors.js";
import { readCredentials } from "./headers.js";

const LOOPBACK_HOST = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?$/i;

/** Whether the request came over loopback and by a name of this machine. */
function isLocal(context: Context): boolean {
  return context.request.fromLoopback === true && LOOPBACK_HOST.test(context.headers.get("Host") ?? "");
}

/** Throws 403 or 401 for what only this machine may ask, or whoever holds the mock's token; `""` where there is no token. */
export function requireOwner(context: Context, token: string): void {
  refuseOtherSites(context);
  if (isLocal(context)) return;
  if (token === "") throw forbidden("Only for requests from this machine");
  const sent = readCredentials(context.headers, "Portal");
  if (sent === undefined || !currentBackend().equal(encodeUtf8(sent), encodeUtf8(token))) {
    throw unauthorized("The portal's token is missing or wrong: the mock printed its address at start");
  }
}

/** Throws 403 for requests that another site's page made. */
function refuseOtherSites(context: Context): void {
  const { headers } = context;
  const origin = headers.get("Origin");
  const site = headers.get("Sec-Fetch-Site") ?? "none";
  const own = origin === null || origin.replace(/^https?:\/\//i, "").toLowerCase() === headers.get("Host")?.toLowerCase();
  if (!own || (site !== "none" && site !== "same-origin")) throw forbidden("Not for pages of other sites");
}
