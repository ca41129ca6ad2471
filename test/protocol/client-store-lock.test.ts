/** A directory is open once: whatever its path, in whichever process or thread; and what has ended locks nobody out. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { build } from "rolldown";
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "vitest";
import type { JournalRecord } from "../../ts/client/index.js";
import type { PosCryptoError } from "../../ts/base/errors.js";
import { FileStore, type FileStoreOptions } from "../../ts/client/store/file.js";
import { lockName, type Owner } from "../../ts/client/store/file-owner.js";
import { ok, rejectsCode, same } from "../harness.js";

const TOKEN = "0123456789abcdef0123456789abcdef";
/** Boot and start times are Linux's. */
const linux = process.platform === "linux";

let built: string;
let base: string;
let root: string;
let opened: FileStore[];
let children: ChildProcess[];

beforeAll(async () => {
  built = await mkdtemp(join(tmpdir(), "viopay-lock-built-"));
  await build({
    input: fileURLToPath(new URL("../../ts/client/store/file.ts", import.meta.url)),
    platform: "node",
    output: { file: join(built, "store.mjs"), format: "esm", codeSplitting: false },
    logLevel: "silent",
  });
});

afterAll(() => rm(built, { recursive: true, force: true }));

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "viopay-lock-"));
  root = join(base, "store");
  await mkdir(root);
  opened = [];
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  for (const store of opened) await store.close();
  await rm(base, { recursive: true, force: true });
});

function open(path = root, options?: FileStoreOptions): FileStore {
  const store = new FileStore(path, options);
  opened.push(store);
  return store;
}

function record(idempotencyKey: string): JournalRecord {
  const times = { createdAt: "2026-01-15T12:00:00.000Z", updatedAt: "2026-01-15T12:00:00.000Z" };
  return { idempotencyKey, kind: "charge", amount: "1000", currency: "EUR", state: "sending", sendings: 1, ...times };
}

const locks = async () => (await readdir(root)).filter((name) => name.startsWith("lock"));
const sockets = async () => (await readdir(root)).filter((name) => name.startsWith("socket"));

async function isRefused(store: FileStore, owner?: number): Promise<void> {
  const error = (await rejectsCode(store.listRecords(), "ERR_STORE", /open elsewhere/)) as PosCryptoError;
  if (owner !== undefined) same(error.details!["process"], owner);
}

async function opens(what: string): Promise<void> {
  const store = open();
  same(await store.listRecords(), [], what);
  same([(await locks()).length, (await sockets()).length], [1, 1], `${what}: the old lock is gone`);
  await store.close();
  same([...(await locks()), ...(await sockets())], [], `${what}: and so is the new one`);
}

/** A program that opens the directory, says `open` or an error's code, and stays; in ES module syntax. */
function program(then = "", directory = root): string {
  return `
    const { FileStore } = await import(${JSON.stringify(pathToFileURL(join(built, "store.mjs")).href)});
    const store = new FileStore(${JSON.stringify(directory)});
    const said = await store.listRecords().then(() => "open", (error) => error.code);
    ${then}
  `;
}

/** `program` in a process of its own, once it has spoken. */
async function inProcess(): Promise<{ child: ChildProcess; said: string }> {
  const script = program("console.log(said); setInterval(() => {}, 1000);");
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [said] = (await once(child.stdout!, "data")) as [Buffer];
  return { child, said: said.toString("latin1").trim() };
}

/** `program` in a thread of this process, once it has spoken. */
async function inWorker(): Promise<{ worker: Worker; said: unknown }> {
  const script = program("parentPort.postMessage(said); setInterval(() => {}, 1000);");
  const source = `import { parentPort } from "node:worker_threads"; ${script}`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
  const [said] = await once(worker, "message");
  return { worker, said };
}

function startOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)!.split(" ")[19]!;
}

const bootId = () => readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim().replaceAll("-", "");

describe("a second opening is refused", () => {
  it("by the same path, a relative one, a symbolic link; and no record is lost", async () => {
    const link = join(base, "link");
    await symlink(root, link);
    const first = open(root, { compactEveryLines: 1 });
    await first.putRecord(record("a"));
    for (const path of [root, relative(process.cwd(), root), link, `${root}/../store/`]) {
      const second = open(path);
      await isRefused(second, process.pid);
      await rejectsCode(second.putRecord(record("b")), "ERR_STORE", /open elsewhere/);
      await second.close();
      same((await locks()).length, 1, "closing it leaves the first one's lock");
    }
    for (let i = 0; i < 4; i++) await first.putRecord(record("a"), "sending");
    await first.close();
    const next = open(link);
    same((await next.listRecords()).length, 1);
    await isRefused(open());
  });

  it("a link that changes does not divide a store that is open", async () => {
    const link = join(base, "link");
    await symlink(root, link);
    const store = open(link);
    await store.putRecord(record("a"));
    await rm(link);
    await mkdir(link);
    await store.putRecord(record("b"));
    await store.saveTerminal({ version: 1, deviceId: "POS-8F3A2C91", claimed: false });
    same(await readdir(link), []);
    ok((await readdir(root)).includes("terminal"), "in the first directory");
  });

  it("in a thread of this process, until the thread has ended", async () => {
    const store = open();
    await store.putRecord(record("a"));
    const refused = await inWorker();
    same(refused.said, "ERR_STORE");
    await refused.worker.terminate();
    await store.close();
    const { worker, said } = await inWorker();
    same(said, "open");
    await isRefused(open(), process.pid);
    await worker.terminate();
    if (linux) same((await open().listRecords()).length, 1);
  });

  it("in another process, until that has ended", async () => {
    const { child, said } = await inProcess();
    same(said, "open");
    await isRefused(open(), child.pid);
    child.kill("SIGKILL");
    await once(child, "exit");
    const store = open();
    same(await store.listRecords(), []);
    same((await inProcess()).said, "ERR_STORE");
  });

  it.runIf(linux)("a process that has ended counts as ended although nobody asks for its exit code", async () => {
    const script = program("console.log(said, process.pid); setInterval(() => {}, 1000);");
    // The shell becomes a program that knows of no child, as many an init of a container.
    const shell = ['"$0" --input-type=module -e "$1" & exec sleep 1000', process.execPath, script];
    const parent = spawn("sh", ["-c", ...shell], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(parent);
    const [line] = (await once(parent.stdout!, "data")) as [Buffer];
    const [said, pid] = line.toString("latin1").trim().split(" ");
    same(said, "open");
    await isRefused(open(), Number(pid));
    process.kill(Number(pid), "SIGKILL");
    const state = () => readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)![0];
    while (state() !== "Z") await new Promise((resolve) => setTimeout(resolve, 5));
    await opens("a zombie's lock");
  });

  it("of many that open at once over a dead one's lock, one gets it at most, and one does in the end", async () => {
    for (let round = 0; round < 3; round++) {
      await writeFile(join(root, "lock"), "4194304\n");
      const stores = Array.from({ length: 6 }, () => open());
      const all = await Promise.allSettled(stores.map((store) => store.listRecords()));
      ok(all.filter(({ status }) => status === "fulfilled").length <= 1, "one at most");
      same((await locks()).length, all.filter(({ status }) => status === "fulfilled").length);
      for (const store of stores) await store.close();
      await opens("afterwards");
    }
  });
});

describe("what a restart leaves", () => {
  it.runIf(linux)("a pid that a living process has got since locks nobody out", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    children.push(child);
    await once(child, "spawn");
    const pid = child.pid!;
    for (const [what, thread, start, boot] of [
      ["another boot", pid, startOf(pid), "1b4e28ba2fa111d2883f0016d3cca427"],
      ["another start", pid, String(Number(startOf(pid)) + 1), bootId()],
      ["a thread that is not there", 4194304, startOf(pid), bootId()],
    ] as const) {
      await writeFile(join(root, `lock.${pid}.${thread}.${start}.${boot}.${TOKEN}`), "");
      await opens(what);
    }
    // Our own pid, as in a container that is started again.
    await writeFile(join(root, `lock.${process.pid}.${process.pid}.1.${bootId()}.${TOKEN}`), "");
    await opens("our own pid");
    const living = `lock.${pid}.${pid}.${startOf(pid)}.${bootId()}.${TOKEN}`;
    await writeFile(join(root, living), "");
    await isRefused(open(), pid);
    same(await locks(), [living]);
    child.kill("SIGKILL");
    await once(child, "exit");
    await opens("after its end");
  });

  it("where the platform tells no more, the pid decides", async () => {
    await writeFile(join(root, `lock.1.1.0.0.${TOKEN}`), "");
    await isRefused(open(), 1);
    await rm(join(root, `lock.1.1.0.0.${TOKEN}`));
    await writeFile(join(root, `lock.4194304.4194304.0.0.${TOKEN}`), "");
    await opens("a pid that nobody has");
  });

  it("earlier versions' lock, a pid in a file, is understood", async () => {
    await writeFile(join(root, "lock"), "1\n");
    await isRefused(open(), 1);
    same(await locks(), ["lock"]);
    for (const nobodys of ["4194304\n", `${process.pid}\n`, "1", "", "x\n", "0\n", "\0\0"]) {
      await writeFile(join(root, "lock"), nobodys);
      await opens(JSON.stringify(nobodys));
    }
  });

  it("files that only look like locks stay", async () => {
    for (const name of ["lock.bak", "lock.1", "locks"]) await writeFile(join(root, name), "1\n");
    await open().listRecords();
    for (const name of ["lock.bak", "lock.1", "locks"]) ok((await locks()).includes(name), name);
  });
});

/** Whether this process may make PID namespaces, as root may in most places. */
const namespaces = linux && spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status === 0;
if (!namespaces) console.warn("unshare --pid is not allowed here: the tests of two PID namespaces are skipped");

describe.runIf(namespaces)("in another PID namespace, as in a second container on one volume", () => {
  async function inNamespace(directory = root): Promise<{ child: ChildProcess; said: string }> {
    const script = program("console.log(said); setInterval(() => {}, 1000);", directory);
    const command = [
      "--pid",
      "--fork",
      "--kill-child=SIGKILL",
      "--mount-proc",
      process.execPath,
      "--input-type=module",
      "-e",
      script,
    ];
    const child = spawn("unshare", command, { stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    const [said] = (await once(child.stdout!, "data")) as [Buffer];
    return { child, said: said.toString("latin1").trim() };
  }

  it("refused while it lives, with who it is and since when; opened at once after its SIGKILL", async () => {
    const before = new Date().toISOString();
    const { child, said } = await inNamespace();
    same(said, "open");
    const error = (await rejectsCode(
      open().listRecords(),
      "ERR_STORE",
      /open elsewhere: process 1 on .* since 20/,
    )) as PosCryptoError;
    const { process: holder, host, since } = error.details!;
    same([holder, host, (since as string) >= before], [1, hostname(), true]);
    same((await inNamespace()).said, "ERR_STORE", "a third one");
    child.kill("SIGKILL");
    await once(child, "exit");
    const start = performance.now();
    await opens("after its end");
    ok(performance.now() - start < 1500, "without watching a heartbeat");
  });

  it("the other way round", async () => {
    const store = open();
    await store.putRecord(record("a"));
    same((await inNamespace()).said, "ERR_STORE");
    await store.close();
    same((await inNamespace()).said, "open");
  });

  it("in a directory whose path is longer than a socket's address", async () => {
    const deep = join(root, "d".repeat(120), "store");
    await mkdir(deep, { recursive: true });
    const { child, said } = await inNamespace(deep);
    same(said, "open");
    await isRefused(open(deep), 1);
    ok(
      (await readdir(deep)).some((name) => name.startsWith("socket.")),
      "a socket",
    );
    child.kill("SIGKILL");
    await once(child, "exit");
    same(await open(deep).listRecords(), []);
  });
});

describe("on a volume that machines share, or after a power loss", () => {
  const INTERVAL = 60;
  const elsewhere: Owner = {
    pid: 1,
    thread: 1,
    start: "100",
    boot: "1b4e28ba2fa111d2883f0016d3cca427",
    namespace: "4026531836",
    device: "1",
    intervalMs: INTERVAL,
    token: TOKEN,
  };

  it("a heartbeat that moves is a holder; one that stops is dead after two intervals, whatever its file holds", async () => {
    const path = join(root, lockName(elsewhere));
    let beat = 0;
    const told = { host: "till-2", since: "2026-01-15T12:00:00.000Z" };
    await writeFile(path, JSON.stringify({ ...told, beat }));
    const beating = setInterval(() => void writeFile(path, JSON.stringify({ ...told, beat: ++beat })), INTERVAL / 4);
    const error = (await rejectsCode(
      open().listRecords(),
      "ERR_STORE",
      /process 1 on till-2 has it since 2026-01-15T12/,
    )) as PosCryptoError;
    same(error.details, { process: 1, ...told });
    clearInterval(beating);
    await new Promise((resolve) => setTimeout(resolve, INTERVAL));
    const start = performance.now();
    await opens("a heart that stopped");
    ok(performance.now() - start >= 2 * INTERVAL, "not before two intervals");
    for (const left of ["", "\0\0\0\0", "half a li"]) {
      await writeFile(path, left);
      await opens(`a file that holds ${JSON.stringify(left)}`);
    }
  });

  it("the same where nothing can be said of the boot", async () => {
    const path = join(root, lockName({ ...elsewhere, boot: "0" }));
    await writeFile(path, "");
    await opens("no boot id");
  });

  it("a holder shows that it lives, at the interval that its name says", async () => {
    const store = open(root, { heartbeatMs: 20 });
    await store.listRecords();
    const [name] = await locks();
    ok(name!.includes(`.20.`), "the interval");
    const before = readFileSync(join(root, name!), "utf8");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const after = readFileSync(join(root, name!), "utf8");
    ok(before !== after && before.length === after.length, "another beat of the same length");
  });

  it("a holder that was stopped, and taken for dead, writes nothing more and does not come back by itself", async () => {
    const store = open(root, { heartbeatMs: 20 });
    await store.putRecord(record("a"));
    for (const name of [...(await locks()), ...(await sockets())]) await rm(join(root, name));
    const next = open();
    await next.putRecord(record("b"));
    await new Promise((resolve) => setTimeout(resolve, 60));
    for (const call of [() => store.putRecord(record("c")), () => store.listRecords()]) {
      await rejectsCode(call(), "ERR_STORE", /taken over/);
    }
    await store.close();
    same((await next.listRecords()).length, 2);
    same((await locks()).length, 1, "the next one's lock stays");
  });
});

it("a directory that cannot be written is ERR_STORE and leaves no lock", async () => {
  // Root may write anywhere.
  if (process.getuid?.() === 0) return;
  await mkdir(join(root, "payloads"));
  await chmod(root, 0o500);
  await rejectsCode(open().listRecords(), "ERR_STORE");
  await chmod(root, 0o700);
  same(await locks(), []);
});

it("a relative path means what it meant when the store was made", async () => {
  const store = open(relative(process.cwd(), root));
  const before = process.cwd();
  process.chdir(base);
  try {
    await store.putRecord(record("a"));
  } finally {
    process.chdir(before);
  }
  ok((await readdir(root)).includes("journal.log"), "where it was");
});
