/**
 * What the mock needs of Node: the HTTP server and the Redis driver. The import `#mock-node` leads here under the condition
 * `node`, which Bun and Deno have, too. Everywhere else that import is platform-page.ts, so that a page's bundler never meets
 * `node:http` or ioredis.
 */
export { listen } from "./node.js";

/** The optional ioredis, or why there is none. Bundlers overlook an import that they cannot resolve only within `try`. */
export async function loadRedis(): Promise<{ Redis: typeof import("ioredis").Redis } | { cause: unknown }> {
  try {
    return { Redis: (await import("ioredis")).Redis };
  } catch (cause) {
    return { cause };
  }
}
