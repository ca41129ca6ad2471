/** Runs the suite in QuickJS (quickjs-emscripten), in a process of its own, since it never yields: `node driver.js SCRIPT`. */
import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { newQuickJSWASMModule, RELEASE_SYNC } from "quickjs-emscripten";
import { MARK } from "../row.js";

const STACK_BYTES = 4 << 20;

const quickjs = await newQuickJSWASMModule(RELEASE_SYNC);
const runtime = quickjs.newRuntime();
runtime.setMaxStackSize(STACK_BYTES);
const context = runtime.newContext();

/** What a host offers here, and no more: what an app must inject, and a way to say how it went. */
expose("hostRandom", (length) => context.newArrayBuffer(randomFillSync(new Uint8Array(context.getNumber(length))).buffer));
expose("hostReport", (text) => {
  console.log(MARK + context.getString(text));
});
expose("hostFailed", (text) => {
  throw new Error(context.getString(text));
});

/**
 * @param {string} name
 * @param {(argument: unknown) => unknown} body from a handle to a handle
 */
function expose(name, body) {
  context.newFunction(name, body).consume((/** @type {unknown} */ handle) => context.setProp(context.global, name, handle));
}

const script = readFileSync(/** @type {string} */ (process.argv[2]), "utf8");
context.unwrapResult(context.evalCode(script, "suite.js", { strict: false })).dispose();
const jobs = runtime.executePendingJobs();
if (jobs.error !== undefined) throw new Error(JSON.stringify(context.dump(jobs.error)));
