/**
 * Browsers as a user starts them: the program, a fresh profile, an address. What a page has to say it posts itself, so no driver's
 * protocol is between. Everything a browser writes stays in its profile, which goes with it; addresses off loopback lead nowhere.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Nobody listens on it: where requests to anything but loopback are sent. */
const NOWHERE = { host: "127.0.0.1", port: 9 };

const XVFB = "/usr/bin/Xvfb";

/**
 * @typedef {object} Browser
 * @property {string} title
 * @property {string} installedBy packages of Debian
 * @property {() => string | undefined} find the program, if it is installed
 * @property {(profile: string, address: string, flags: readonly string[]) => string[]} arguments
 * @property {(profile: string) => void} [prepare]
 * @property {boolean} [display] has no headless mode of its own
 */

/** @type {Browser} */
export const chromium = {
  title: "Chromium",
  installedBy: "chromium",
  find: () => existing(process.env["CHROMIUM"] ?? "/usr/bin/chromium"),
  arguments: (profile, address, flags) => [
    "--headless",
    // Containers and CI run as root, where Chromium's own sandbox cannot.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    `--user-data-dir=${profile}`,
    `--proxy-server=http://${NOWHERE.host}:${NOWHERE.port}`,
    "--proxy-bypass-list=127.0.0.1",
    ...flags,
    address,
  ],
};

/** @type {Browser} */
export const firefox = {
  title: "Firefox ESR",
  installedBy: "firefox-esr",
  find: () => existing(process.env["FIREFOX"] ?? "/usr/bin/firefox-esr"),
  prepare(profile) {
    const preferences = {
      "browser.shell.checkDefaultBrowser": false,
      "browser.startup.homepage_override.mstone": "ignore",
      "datareporting.policy.dataSubmissionEnabled": false,
      "app.update.enabled": false,
      "network.proxy.type": 1,
      "network.proxy.http": NOWHERE.host,
      "network.proxy.http_port": NOWHERE.port,
      "network.proxy.ssl": NOWHERE.host,
      "network.proxy.ssl_port": NOWHERE.port,
    };
    const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`);
    writeFileSync(join(profile, "user.js"), lines.join("\n"));
  },
  arguments: (profile, address, flags) => ["--headless", "--no-remote", "--profile", profile, ...flags, address],
};

/** WebKit's own small browser, the engine of GNOME Web and a relative of Safari's. @type {Browser} */
export const webkit = {
  title: "WebKitGTK",
  installedBy: "libwebkit2gtk-4.1-0 xvfb",
  find: () => (existsSync(XVFB) ? (existing(process.env["MINIBROWSER"]) ?? miniBrowser()) : undefined),
  arguments: (_profile, address, flags) => [...flags, address],
  display: true,
};

/** @param {string | undefined} path */
function existing(path) {
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** In the folder of the library's helper programs, which has the architecture and the library's version in its path. */
function miniBrowser() {
  for (const architecture of readdirSync("/usr/lib")) {
    const found = existing(join("/usr/lib", architecture, "webkit2gtk-4.1", "MiniBrowser"));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @param {string} program @param {NodeJS.ProcessEnv} env */
function versionOf(program, env) {
  const text = execFileSync(program, ["--version"], { env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const found = /\d+(?:\.\d+)+/.exec(text);
  if (found === null) throw new Error(`no version in ${JSON.stringify(text)}`);
  return found[0];
}

/**
 * @typedef {object} Running
 * @property {string} version
 * @property {Promise<undefined>} ended settles when the browser has ended
 * @property {() => string} words the last that it has written to standard error
 * @property {() => Promise<void>} close
 *
 * @param {Browser} browser
 * @param {string} address
 * @param {{ flags: readonly string[], environment: Readonly<Record<string, string>> }} options
 * @returns {Promise<Running>}
 */
export async function launch(browser, address, { flags, environment }) {
  const program = browser.find();
  if (program === undefined) throw new Error(`${browser.title} is not installed: apt-get install ${browser.installedBy}`);
  const profile = mkdtempSync(join(tmpdir(), "viopay-pos-crypto-browser-"));
  /** @type {(() => Promise<void>)[]} */
  const stops = [];
  const close = async () => {
    for (const stop of stops.reverse()) await stop();
    // Helper processes may still be writing when the browser itself has gone.
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    browser.prepare?.(profile);
    /** @type {NodeJS.ProcessEnv} */
    const env = { ...process.env, ...environment };
    for (const name of ["HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"]) env[name] = profile;
    if (browser.display) {
      const display = await startDisplay();
      stops.push(display.stop);
      env["DISPLAY"] = display.name;
    }
    const version = versionOf(program, env);
    const { ended, words, stop } = start(program, browser.arguments(profile, address, flags), env);
    stops.push(stop);
    return { version, ended, words, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A screen in memory, on the first number that is free. */
async function startDisplay() {
  const args = ["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"];
  const { child, ended, words, stop } = start(XVFB, args, process.env);
  /** @type {Promise<string>} */
  const number = new Promise((resolve) => child.stdout.once("data", (data) => resolve(String(data).trim())));
  const name = await Promise.race([number, ended]);
  if (name === undefined) throw new Error(`Xvfb ended: ${words().trim()}`);
  return { name: `:${name}`, stop };
}

/**
 * In a process group of its own, so that a browser's many processes end together.
 * @param {string} program @param {string[]} args @param {NodeJS.ProcessEnv} env
 */
function start(program, args, env) {
  const child = spawn(program, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let written = "";
  child.stderr.on("data", (data) => {
    written = (written + data).slice(-2000);
  });
  child.stdout.resume();
  /** @type {Promise<undefined>} */
  const ended = new Promise((resolve) => {
    child.once("error", (error) => {
      written += error;
      resolve(undefined);
    });
    child.once("close", () => resolve(undefined));
  });
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // All of them have ended already.
    }
  };
  process.on("exit", kill);
  const stop = async () => {
    kill();
    process.off("exit", kill);
    await ended;
  };
  return { child, ended, words: () => written, stop };
}
