/**
 * Who may use the pages of the mock that are no part of the protocol: programs and people at this machine.
 *
 * A loopback address alone is not enough, since any web page can make its reader's browser send requests there: `Host` must name
 * this machine (against DNS rebinding), `Origin` and `Sec-Fetch-Site` must not be another site's (against cross-site requests).
 */
import type { Context } from "../context.js";
import { forbidden } from "./errors.js";

const LOOPBACK_HOST = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?$/i;

/** Whether the request came over loopback and by a name of this machine. */
export function isLocal(context: Context): boolean {
  return context.request.fromLoopback === true && LOOPBACK_HOST.test(context.headers.get("Host") ?? "");
}

/** Throws 403 for what only this machine may ask. */
export function requireLocal(context: Context): void {
  if (!isLocal(context)) throw forbidden("Only for requests from this machine");
  refuseOtherSites(context);
}

/** Throws 403 for requests that another site's page made. */
export function refuseOtherSites(context: Context): void {
  const { headers } = context;
  const origin = headers.get("Origin");
  const site = headers.get("Sec-Fetch-Site") ?? "none";
  const own = origin === null || origin.replace(/^https?:\/\//i, "").toLowerCase() === headers.get("Host")?.toLowerCase();
  if (!own || (site !== "none" && site !== "same-origin")) throw forbidden("Not for pages of other sites");
}
