/** A page with its script and its policy on loopback, and the report that it posts back. */
import { once } from "node:events";
import { createServer } from "node:http";

/** What a page needs for WebAssembly without allowing `eval`. */
export const WITH_WASM =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:";
/** The same, and no WebAssembly. */
export const WITHOUT_WASM = WITH_WASM.replace(" 'wasm-unsafe-eval'", "");

/**
 * @param {string} policy
 * @param {Readonly<Record<string, string>>} loaded scripts by path, which the page loads in this order
 * @param {Readonly<Record<string, string>>} others scripts that it may ask for
 */
export async function serve(policy, loaded, others = {}) {
  /** @type {Readonly<Record<string, string>>} */
  const scripts = { ...loaded, ...others };
  const tags = Object.keys(loaded).map((path) => `<script defer src="${path}"></script>`);
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Suite</title><link rel="icon" href="data:,">${tags.join("")}</html>`;
  /** @type {(body: string) => void} */
  let reported = () => {};
  /** @type {Promise<string>} */
  const report = new Promise((resolve) => {
    reported = resolve;
  });
  /** @type {() => void} */
  let asked = () => {};
  /** @type {Promise<void>} */
  const opened = new Promise((resolve) => {
    asked = resolve;
  });
  const server = createServer(async (request, response) => {
    const path = (request.url ?? "").replace(/\?.*/, "");
    if (path === "/report" && request.method === "POST") {
      let body = "";
      for await (const part of request.setEncoding("utf8")) body += part;
      response.writeHead(204).end();
      reported(body);
      return;
    }
    const script = Object.hasOwn(scripts, path) ? scripts[path] : undefined;
    if (script === undefined && path !== "/") {
      response.writeHead(404).end();
      return;
    }
    asked();
    const type = script === undefined ? "text/html" : "text/javascript";
    response.writeHead(200, { "Content-Type": `${type}; charset=utf-8`, "Content-Security-Policy": policy });
    response.end(script ?? page);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${port}`,
    /** Settles when a browser has asked for the page. */
    opened,
    /** The body that was posted. */
    report,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
