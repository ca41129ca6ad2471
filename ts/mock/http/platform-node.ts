/**
 * What the mock takes from Node: the HTTP server and the Redis driver. It stands behind the import `#mock-node` under the condition
 * `node`, which Bun and Deno have, too. Everywhere else that import is platform-page.ts, so that a page's bundler never meets
 * `node:http` or ioredis.
 */
export { listen } from "./node.js";

export async function loadRedis(): Promise<typeof import("ioredis").Redis> {
  return (await import("ioredis")).Redis;
}
