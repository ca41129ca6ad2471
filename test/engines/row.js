/**
 * A row of the table of engines, and how a row runs an engine: a child process that prints a line with the report.
 *
 * @typedef {import("./suite.js").Report} Report
 * @typedef {object} Row
 * @property {string} id for `--only`, in the counts, and in results.json
 * @property {string} title as the table shows it
 * @property {{ tier: string, reason?: RegExp }} expect the tier that this engine must come to, and what the reason must say
 * @property {string} [requires] how to install what is missing
 * @property {string} [note] what the table says about how the engine gets the library
 * @property {() => boolean | Promise<boolean>} available
 * @property {() => Promise<Report & { version: string }>} run
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The longest any engine may take: one that interprets takes some 300 s (measured: Hermes). */
const TIME_LIMIT_MS = 900_000;

/** What a driver prints before the JSON of its answer. */
export const MARK = "@@report ";

/** A file below this folder's node_modules. @param {string} path @returns {string} */
export function installed(path) {
  return fileURLToPath(new URL(`node_modules/${path}`, import.meta.url));
}

/** @param {string} path below node_modules @returns {() => boolean} */
export function isInstalled(path) {
  return () => existsSync(installed(path));
}

/**
 * Runs an engine and gives what its driver printed after `MARK`, as JSON.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} [cwd]
 * @returns {Promise<any>}
 */
export function answerOf(program, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"], timeout: TIME_LIMIT_MS, killSignal: "SIGKILL" });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      errors += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const line = output.split("\n").find((text) => text.startsWith(MARK));
      if (line !== undefined && code === 0) resolve(JSON.parse(line.slice(MARK.length)));
      else reject(new Error(`no report (${signal ?? `exit code ${code}`}): ${`${output}\n${errors}`.trim().slice(-2000)}`));
    });
  });
}
