/** Cross-origin requests (WHATWG Fetch, "CORS protocol") for terminals that run in a browser page. No credentials. */
import type { Middleware } from "../context.js";

const REQUEST_HEADERS = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "User-Agent",
  "X-Client-Type",
  "X-Device-Id",
  "X-Key-Id",
  "X-Nonce",
  "X-Signature",
  "X-Terminal-Id",
  "X-Timestamp",
].join(", ");

/** @param origins `*`, or the origins allowed, as in `http://localhost:5173` */
export function cors(origins: string | readonly string[]): Middleware {
  const allowed = typeof origins === "string" ? [origins] : origins;
  return async (context, next) => {
    const origin = context.headers.get("Origin");
    if (origin === null || !(allowed.includes("*") || allowed.includes(origin))) return next();
    const headers = { "Access-Control-Allow-Origin": allowed.includes("*") ? "*" : origin, Vary: "Origin" };
    if (context.request.method === "OPTIONS" && context.headers.has("Access-Control-Request-Method")) {
      const preflight = {
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": REQUEST_HEADERS,
        "Access-Control-Max-Age": "600",
      };
      return { status: 204, headers: { ...headers, ...preflight }, body: "" };
    }
    const reply = await next();
    return { ...reply, headers: { ...reply.headers, ...headers } };
  };
}
