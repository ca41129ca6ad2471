/**
 * The script of the page, and of the worker or service worker that the page starts if its address asks for one: observes, runs the
 * suite, and posts what came of it to the server it came from.
 */
import { importKey, openEnvelope } from "../../../ts/index.js";
import { type Report, runSuite } from "../suite.js";
import { type Facts, observe } from "./observe.js";

type Place = "page" | "worker" | "service worker";

export interface Sent {
  place: Place;
  facts: Facts;
  report: Report;
  /** What the policy has refused: `directive: what`. */
  violations: string[];
  /** Of the worker of docs/engines.md, where the page has one: what the page opened of what it had that worker seal. */
  recipe: string | undefined;
}

/** The scope of a worker, as far as it is needed; the types of the DOM know pages only. */
interface WorkerScope {
  onmessage: ((event: MessageEvent & { waitUntil?: (until: Promise<unknown>) => void }) => void) | null;
  skipWaiting?: () => Promise<void>;
}

const SCRIPT = "/suite.js";
const violations: string[] = [];

async function run(place: Place, recipe?: string): Promise<void> {
  const facts = await observe();
  const interpreted = new URLSearchParams(location.search).has("interpreted");
  const report = await runSuite({ interpreted });
  // What the policy refused is told in tasks of their own, and the suite may have left no room for one.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await post({ place, facts, report, violations, recipe });
}

async function post(what: Sent | { error: string }): Promise<void> {
  await fetch("/report", { method: "POST", body: JSON.stringify(what) });
}

function fail(error: unknown): void {
  void post({ error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
}

function inPage(): void {
  addEventListener("error", (event) => fail(event.message));
  const asked = new URLSearchParams(location.search).get("place");
  if (asked === "worker") {
    const worker = new Worker(SCRIPT);
    worker.onerror = (event) => fail(event.message);
    runRecipe().then((recipe) => worker.postMessage(recipe), fail);
  } else if (asked === "service-worker") {
    navigator.serviceWorker
      .register(SCRIPT)
      .then(() => navigator.serviceWorker.ready)
      .then(({ active }) => active?.postMessage(undefined))
      .catch(fail);
  } else {
    run("page").catch(fail);
  }
}

async function runRecipe(): Promise<string> {
  const worker = new Worker("/recipe-worker.js");
  const material = crypto.getRandomValues(new Uint8Array(32));
  const sealed = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ key: material, value: { amount: "1500" } });
  });
  const msk = importKey(material, { algorithm: "AES", usage: "D0" });
  return JSON.stringify(openEnvelope(msk, sealed));
}

function inWorker(scope: WorkerScope): void {
  const place = typeof scope.skipWaiting === "function" ? "service worker" : "worker";
  scope.onmessage = (event) => {
    const done = run(place, event.data).catch(fail);
    event.waitUntil?.(done);
  };
}

addEventListener("securitypolicyviolation", (event) => {
  violations.push(`${event.effectiveDirective}: ${event.blockedURI}`);
});
if (typeof document === "object") inPage();
else inWorker(globalThis as unknown as WorkerScope);
