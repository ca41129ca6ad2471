/** A Chromium for the tests, headless, driven by playwright-core; and pages bundled from the sources, served on loopback. */
import { existsSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { build } from "rolldown";

const EXECUTABLE = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** As `hasRedis`: an error where CI must have a Chromium, a notice elsewhere. */
export function hasChromium(): boolean {
  const present = existsSync(EXECUTABLE);
  if (!present && process.env["CI"] === "true") throw new Error("Chromium is not installed: apt-get install chromium");
  if (!present) console.warn("Chromium is not installed: the tests that need it are skipped (apt-get install chromium)");
  return present;
}

/** @param resolverRules names that lead to other addresses, as in `MAP portal.test 127.0.0.1` */
export function launchChromium(resolverRules = ""): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    headless: true,
    args: [
      // Containers and CI run as root, where Chromium's own sandbox cannot.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-dev-shm-usage",
      ...(resolverRules === "" ? [] : [`--host-resolver-rules=${resolverRules}`]),
    ],
  });
}

/** A module of the tests and everything it imports, as one script. */
export async function bundle(file: string): Promise<string> {
  const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
  const { output } = await build({
    input: path(file),
    write: false,
    platform: "browser",
    logLevel: "silent",
    resolve: {
      alias: {
        "#wasm": path("../../ts/backend/wasm/module-inline.ts"),
        "#mock-node": path("../../ts/mock/http/platform-page.ts"),
      },
      extensionAlias: { ".js": [".ts", ".js"] },
    },
    output: { format: "esm", codeSplitting: false },
  });
  return output[0].code;
}

export interface PageServer {
  readonly origin: string;
  /** The paths that were asked for. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/**
 * One page that runs one script, under a policy that allows WebAssembly and forbids `eval`.
 *
 * @param connect where its requests may go
 * @param others further scripts by their paths
 */
export async function servePage(
  body: string,
  script: string,
  connect: string,
  others: Readonly<Record<string, string>> = {},
): Promise<PageServer> {
  const policy = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src ${connect}; img-src data:`;
  const scripts: Readonly<Record<string, string>> = { "/script.js": script, ...others };
  const asked: string[] = [];
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>POS</title><link rel="icon" href="data:,">${body}<script type="module" src="/script.js"></script></html>`;
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    response.writeHead(200, {
      "Content-Type": path in scripts ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8",
      "Content-Security-Policy": policy,
    });
    response.end(scripts[path] ?? page);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    asked,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
