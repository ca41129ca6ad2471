/**
 * Apps, bundled from the packed library and run: each bundler's output has to give the right answers on every tier that the engine
 * can be made to offer, `import()` of the later tiers included.
 */
import { createDecipheriv, createHmac } from "node:crypto";
import { deepStrictEqual } from "node:assert";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { bundleWithEsbuild } from "./bundlers/esbuild.js";
import { bundleWithMetro } from "./bundlers/metro.js";
import { bundleWithRollup } from "./bundlers/rollup.js";
import { bundleWithVite } from "./bundlers/vite.js";
import { must } from "./tally.js";
import { node } from "./tools.js";

/** @typedef {import("./bundlers/bundle.js").Bundle} Bundle */

/** Node without SIMD, and without WebAssembly. */
const TIERS = [
  { backend: "wasm-simd", flags: [] },
  { backend: "wasm", flags: ["--no-enable-sse4-1"] },
  { backend: "noble", flags: ["--jitless"] },
];

/**
 * @param {import("./tally.js").Tally} tally
 * @param {string} project
 */
export async function checkApps({ check }, project) {
  const bundlers = { esbuild: bundleWithEsbuild, Vite: bundleWithVite, "rollup and terser": bundleWithRollup };
  for (const [name, bundler] of Object.entries(bundlers)) {
    /** @type {Bundle | undefined} */
    let bundle;
    await check(`${name} bundles an app`, async () => {
      bundle = await bundler({ project, entry: "terminal.js", minify: true });
      return `${bundle.files.length} files`;
    });
    for (const { backend, flags } of TIERS) {
      await check(`${name}: the app works on ${backend}`, async () => {
        must(bundle !== undefined, "there is no bundle");
        const { output, errors } = await node([...flags, join(bundle.folder, bundle.entry)]);
        verify(output, errors, backend);
      });
    }
  }

  /** @type {string | undefined} */
  let script;
  await check("Metro bundles an app", async () => {
    const { files } = await bundleWithMetro({ project, entry: "terminal.js", minify: false });
    script = files[0]?.code;
  });
  for (const backend of ["wasm-simd", "noble"]) {
    await check(`Metro: the app works on ${backend}`, async () => {
      must(script !== undefined, "there is no bundle");
      verify(await runScript(script, backend === "noble"), "", backend);
    });
  }
}

/**
 * A script in a realm of its own with what React Native has, and without WebAssembly as in Hermes if asked for: its first line.
 * @param {string} script @param {boolean} withoutWebAssembly
 * @returns {Promise<string>}
 */
function runScript(script, withoutWebAssembly) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the app printed nothing in 30 s")), 30_000);
    const print = (/** @type {unknown} */ line) => {
      clearTimeout(timer);
      resolve(String(line));
    };
    const { crypto, TextDecoder, TextEncoder } = globalThis;
    const realm = createContext({
      console: { log: print, warn: print, error: print },
      crypto,
      setTimeout,
      TextDecoder,
      TextEncoder,
    });
    if (withoutWebAssembly) runInContext("delete globalThis.WebAssembly", realm);
    runInContext(script, realm);
  });
}

/** Compares what terminal.js printed with what node:crypto makes of the same keys. @param {string} output @param {string} errors @param {string} backend */
function verify(output, errors, backend) {
  must(output !== "", `no output; ${errors}`);
  const results = JSON.parse(output);
  must(results.error === undefined, results.error);
  const { sealed, ...rest } = results;
  const mac = createHmac("sha256", Buffer.from("404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F", "hex"));
  const answer = JSON.stringify({
    format: "TR31-DATA",
    mode: "CBC",
    ciphertext: "57529405FD94FD4265B0024EF1AD5386C725B1273D578C8F0A5E3363F07DAC4D2B1F41514D512A49321ABB155DCD8EBD",
    initialization_vector: "101112131415161718191A1B1C1D1E1F",
  });
  mac.update(["POST", "/pos/charge", answer, "TID-004812", "2025-12-13T14:35:00Z", "abcdefghijkl"].join("\n"));
  const charge = { amount: { value: "1500", currency: "EUR" } };
  deepStrictEqual(rest, {
    backend,
    key: "SecretKey(P0 AES-128 KCV 08793E)",
    version: "D",
    opened: { status: "activated" },
    gzipped: charge,
    signature: `v1=${mac.digest("base64")}`,
  });
  deepStrictEqual(openWithNode(sealed), charge);
}

/** @param {{ ciphertext: string, initialization_vector: string }} envelope */
function openWithNode({ ciphertext, initialization_vector: iv }) {
  const key = Buffer.from("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "hex");
  const decipher = createDecipheriv("aes-256-cbc", key, Buffer.from(iv, "hex"));
  const hex = decipher.update(ciphertext, "hex", "latin1") + decipher.final("latin1");
  return JSON.parse(Buffer.from(hex, "hex").toString("utf8"));
}
