/**
 * The rows of browsers: each opens a page whose script runs the whole suite there, or in a worker, over the published library. What
 * the page saw besides is judged here, a case for each: the engine's limits are real, the policy is in force, and what works without
 * waiting or says what to do.
 */
import { readFileSync } from "node:fs";
import { bundleSuite } from "../bundle.js";
import { chromium, firefox, launch, webkit } from "./launch.js";
import { serve, WITH_WASM, WITHOUT_WASM } from "./serve.js";

/**
 * @typedef {import("./page.js").Sent} Sent
 * @typedef {import("../row.js").Row} Row
 *
 * @typedef {object} Page
 * @property {string} id
 * @property {string} title
 * @property {import("./launch.js").Browser} browser
 * @property {Row["expect"]} [expect] default wasm-simd at the first try
 * @property {string} [note]
 * @property {string} [policy] default one with `wasm-unsafe-eval` and without `unsafe-eval`
 * @property {string} [query] of the page's address
 * @property {Sent["place"]} [place] where the suite runs
 * @property {string} [target] syntax to come down to
 * @property {string} [before] a script that runs first
 * @property {readonly string[]} [flags]
 * @property {Readonly<Record<string, string>>} [environment]
 * @property {boolean} [waits] refuses to compile these modules without waiting
 * @property {string | RegExp} [noble] what comes of noble as an object
 */

const SIMD = { tier: "wasm-simd", reason: /^wasm-simd: the first choice that works here$/ };
const NO_SIMD = { tier: "wasm", reason: /^wasm: .*; wasm-simd: .*(SIMD|doesn't parse)/ };
const POLICY = /content security policy|CSP/i;
const NO_WASM = { tier: "noble", reason: /^noble: .*; wasm-simd: .*(policy|CSP).*; wasm: .*(policy|CSP)/i };

/** @type {Page[]} */
const pages = [
  { id: "chromium", title: "Chromium", browser: chromium },
  {
    id: "chromium-no-simd",
    title: "Chromium without SIMD",
    browser: chromium,
    flags: ["--js-flags=--no-enable-sse4-1"],
    expect: NO_SIMD,
  },
  {
    id: "chromium-csp",
    title: "Chromium, CSP without wasm-unsafe-eval",
    browser: chromium,
    policy: WITHOUT_WASM,
    expect: NO_WASM,
  },
  {
    id: "chromium-old-webview",
    title: "Chromium cut down to an old WebView",
    note: "bundled, syntax lowered to Chrome 61; without SIMD, later builtins, or compiling on the main thread at once",
    browser: chromium,
    target: "chrome61",
    before: "old-webview.js",
    flags: ["--js-flags=--no-enable-sse4-1"],
    expect: NO_SIMD,
    waits: true,
    noble: "ReferenceError: BigInt is not defined",
  },
  { id: "chromium-worker", title: "Chromium, worker", browser: chromium, query: "?place=worker", place: "worker" },
  {
    id: "chromium-service-worker",
    title: "Chromium, service worker",
    note: "bundled into one script: a service worker has no import()",
    browser: chromium,
    query: "?place=service-worker",
    place: "service worker",
  },
  { id: "firefox", title: "Firefox ESR", browser: firefox },
  {
    id: "firefox-csp",
    title: "Firefox ESR, CSP without wasm-unsafe-eval",
    browser: firefox,
    policy: WITHOUT_WASM,
    expect: NO_WASM,
  },
  { id: "webkitgtk", title: "WebKitGTK", browser: webkit },
  {
    id: "webkitgtk-no-jit",
    title: "WebKitGTK without JIT",
    browser: webkit,
    query: "?interpreted",
    environment: { JSC_useJIT: "0" },
    expect: NO_SIMD,
  },
];

const OPENS_WITHIN = 30_000;
const REPORTS_WITHIN = 300_000;

/** @type {Map<string, Promise<string>>} */
const bundles = new Map();

/** One script without imports. @param {string} entry @param {string} target @returns {Promise<string>} */
function scriptOf(entry, target) {
  const name = `${entry} ${target}`;
  const made = bundles.get(name) ?? bundleSuite({ entry: `browsers/${entry}`, format: "iife", target });
  bundles.set(name, made);
  return made;
}

/** @param {Page} page @returns {Promise<{ sent: Sent, version: string }>} */
async function visit(page) {
  const { title, browser, policy = WITH_WASM, query = "", target = "es2022", before, flags = [], environment = {} } = page;
  const first = before === undefined ? {} : { [`/${before}`]: readFileSync(new URL(before, import.meta.url), "utf8") };
  const loaded = { ...first, "/suite.js": await scriptOf("page.ts", target) };
  const served = await serve(policy, loaded, { "/recipe-worker.js": await scriptOf("recipe-worker.ts", target) });
  try {
    // A browser's start is tried twice, nothing else is.
    for (const isLast of [false, true]) {
      const running = await launch(browser, `${served.origin}/${query}`, { flags, environment });
      try {
        if (
          !(await Promise.race([served.opened.then(() => true), running.ended.then(() => false), after(OPENS_WITHIN, false)]))
        ) {
          if (isLast) throw new Error(`${title} did not ask for its page: ${running.words()}`);
          continue;
        }
        const body = await Promise.race([served.report, running.ended, after(REPORTS_WITHIN, undefined)]);
        if (body === undefined) throw new Error(`${title} did not report: ${running.words()}`);
        const sent = JSON.parse(body);
        if (typeof sent.error === "string") throw new Error(`${title}: ${sent.error}`);
        return { sent, version: running.version };
      } finally {
        await running.close();
      }
    }
    throw new Error("not reached");
  } finally {
    await served.close();
  }
}

/** @template T @param {number} ms @param {T} value @returns {Promise<T>} */
function after(ms, value) {
  return new Promise((resolve) => setTimeout(resolve, ms, value).unref());
}

/**
 * @param {Page} page
 * @param {Sent} sent
 * @returns {{ looks: number, wrong: string[] }} how many things were looked at, and what is not as it must be
 */
function judge({ expect = SIMD, place = "page", waits = false, noble = "noble" }, sent) {
  const { facts, violations } = sent;
  const byPolicy = expect === NO_WASM;
  const atOnce = expect === SIMD;
  /** @type {[name: string, got: unknown, wanted: unknown][]} */
  const looks = [
    ["where the suite ran", sent.place, place],
    ["WebAssembly.validate of SIMD", facts.simd, expect !== NO_SIMD],
    ["eval is forbidden", facts.evalForbidden, true],
    ["first use without loading", facts.firstUse, atOnce ? "wasm-simd" : /^ERR_NOT_LOADED: .*call `await loadCrypto\(\)` first$/],
    ["loadCryptoSync()", facts.loadSync, atOnce ? "wasm-simd" : /^ERR_BACKEND_UNAVAILABLE: .*: wasm-simd: /],
    [
      "loadCryptoSync({ backend: wasm })",
      facts.loadSyncWasm,
      waits || byPolicy ? /^ERR_BACKEND_UNAVAILABLE: .*: wasm: / : "wasm",
    ],
    ["loadCryptoSync({ backend: noble })", facts.loadSyncNoble, noble],
    ["requireConstantTime", facts.constantTime, byPolicy ? /^ERR_BACKEND_UNAVAILABLE: .*noble: not constant-time/ : expect.tier],
    ["WebAssembly was refused by the policy", violations.includes("script-src: wasm-eval"), byPolicy],
  ];
  if (byPolicy) {
    looks.push(["first use names the policy", facts.firstUse, POLICY]);
    looks.push(["wasm as an object names the policy", facts.loadSyncWasm, POLICY]);
    looks.push(["requireConstantTime names the policy", facts.constantTime, POLICY]);
  }
  if (place === "worker") looks.push(["the recipe's worker seals", sent.recipe, '{"amount":"1500"}']);
  if (waits) looks.push(["first use names the limit", facts.firstUse, /disallowed on the main thread/]);
  const wrong = looks.filter(([, got, wanted]) => (wanted instanceof RegExp ? !wanted.test(String(got)) : got !== wanted));
  return { looks: looks.length, wrong: wrong.map(([name, got, wanted]) => `${name}: expected ${wanted}, got ${got}`) };
}

/** @param {Page} page @returns {Row} */
function rowOf(page) {
  const { id, title, browser, expect = SIMD, note } = page;
  return {
    id,
    title,
    expect,
    requires: `apt-get install ${browser.installedBy}`,
    ...(note === undefined ? {} : { note }),
    available: () => browser.find() !== undefined,
    async run() {
      const { sent, version } = await visit(page);
      const { looks, wrong } = judge(page, sent);
      const { passed, failed, failures } = sent.report;
      return {
        ...sent.report,
        passed: passed + looks - wrong.length,
        failed: failed + wrong.length,
        failures: [...wrong, ...failures],
        version,
      };
    },
  };
}

export const rows = pages.map(rowOf);
