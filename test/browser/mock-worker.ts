/** The mock host as a service worker: it answers `/pos/` of its own origin, without a port and without Node. */
import { createMockServer, toProvisionJson } from "../../ts/mock/index.js";

interface WorkerFetchEvent extends Event {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

interface WorkerScope {
  addEventListener(
    type: "install" | "activate",
    listener: (event: Event & { waitUntil(work: Promise<void>): void }) => void,
  ): void;
  addEventListener(type: "fetch", listener: (event: WorkerFetchEvent) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
}

const scope = globalThis as unknown as WorkerScope;
const server = createMockServer();

scope.addEventListener("install", (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname.startsWith("/pos/")) event.respondWith(server.fetch(event.request));
  if (pathname === "/test/provision") event.respondWith(Promise.resolve(new Response(toProvisionJson(server.provision))));
  if (pathname === "/test/token") event.respondWith(server.merchantToken().then((token) => new Response(token)));
});
