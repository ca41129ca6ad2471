/** The command line: what each command prints, where secrets come from, exit codes, and that nothing quotes a secret. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";
import { PosTerminal } from "../../ts/client/index.js";
import { importKey } from "../../ts/core/keys/key.js";
import type { Io } from "../../ts/cli/io.js";
import { readOptions } from "../../ts/cli/options.js";
import { Sources } from "../../ts/cli/sources.js";
import negatives from "../../vectors/key-block-negatives.json" with { type: "json" };
import { ok, rejectsCode, same, throwsCode } from "../harness.js";
import { command, type Surroundings } from "./cli-io.js";

const AES = "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF";
const KBPK = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
const TDES = "0123456789ABCDEFFEDCBA9876543210";
/** TR-31:2018 A.7.2.1. */
const BLOCK_A = "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701";
const KBPK_A = "89E88CF7931444F334BD7547FC3F380C";
const KEY_A = "F039121BEC83D26B169BDCD5B22AAF8F";
const PAN = "4111111111111111";
const SIGN = ["sign", "request", "--key", "env:K", "--path", "/", "--terminal-id", "T"];
const WRAP = ["keyblock", "wrap", "--kbpk", "env:K", "--key", "env:K"];
const UNWRAP = ["keyblock", "unwrap", "--kbpk", "env:A"];

async function done(args: readonly string[], around?: Surroundings): Promise<string> {
  const { code, out, err } = await command(args, around);
  same([code, err], [0, ""], args.slice(0, 2).join(" "));
  return out;
}

async function fails(code: 1 | 2, args: readonly string[], around?: Surroundings, message?: RegExp): Promise<void> {
  const result = await command(args, around);
  same(result.code, code, `exit code of ${args.slice(0, 2).join(" ")}`);
  same(result.out, "", "standard output");
  ok(result.err.startsWith("viopay-pos: "), "an error message");
  if (message !== undefined) ok(message.test(result.err), `message ${result.err}`);
}

describe("viopay-pos", () => {
  it("tells its commands and their options", async () => {
    const overview = await done(["--help"]);
    same(await done(["help"]), overview);
    const names = ["demo", "mock", "keyblock", "key", "kcv", "pin", "envelope", "sign"];
    for (const name of names) {
      ok(overview.includes(`\n  ${name} `), `${name} in the overview`);
      ok((await done([name, "--help"])).startsWith(`usage: viopay-pos ${name}`), `usage of ${name}`);
    }
    const nothing = await command([]);
    same([nothing.code, nothing.err], [2, overview]);
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
    same(await done(["--version"]), `${version}\n`);
  });

  it("--help has examples that the command line itself accepts the options of", async () => {
    for (const name of ["demo", "mock", "keyblock", "key", "kcv", "pin", "envelope", "sign"]) {
      const [options, examples] = (await done([name, "--help"])).split("\nexamples:\n");
      const lines = (examples ?? "").split("\n").filter((line) => line.startsWith(`  viopay-pos ${name}`));
      ok(lines.length > 0, `examples of ${name}`);
      for (const option of examples!.match(/--[a-z-]+/g) ?? [])
        ok(options!.includes(option), `${option} of ${name} is an option`);
      for (const line of `${options}${examples}`.split("\n")) ok(line.length <= 130, `${line.length} characters: ${line}`);
    }
  });

  it("a slip is answered with the word that is close", async () => {
    await fails(2, ["kvc"], {}, /^viopay-pos: unknown command; did you mean kcv\?\nsee viopay-pos --help\n$/);
    await fails(2, ["kcv", "--kye", "env:K"], {}, /unknown option --kye; did you mean --key\?\nsee viopay-pos kcv --help/);
    await fails(2, ["pin", "decript"], {}, /did you mean decrypt\?/);
    await fails(2, ["sign", "requst"], {}, /did you mean request\?/);
    await fails(2, ["xylophone"], {}, /^viopay-pos: unknown command\nsee/);
  });

  it("wrong usage, values of options included, is exit code 2 and quotes nothing that was typed", async () => {
    const secret = AES;
    const wrong: readonly (readonly string[])[] = [
      [secret],
      ["__proto__"],
      ["kcv"],
      ["kcv", secret],
      ["kcv", "--key", secret],
      ["kcv", `--key=${secret}`],
      ["kcv", `--${secret}`],
      ["kcv", "--key", "env:K", "--key", secret],
      ["kcv", "--key", "env:K", "--algorithm", secret],
      ["kcv", "--key", "env:K", "--length", secret],
      ["kcv", "--key", "env:K", "--method", "HMAC"],
      ["kcv", "--key", "env:MISSING"],
      ["kcv", "--key", "file:missing"],
      ["kcv", "--key"],
      ["kcv", "--key", "--json"],
      ["kcv", "--json=yes", "--key", "env:K"],
      ["keyblock", "unwrap", BLOCK_A],
      ["keyblock", "unwrap", "--kbpk", secret, BLOCK_A],
      ["keyblock", "wrap", "--kbpk", "env:K", "--key", secret, "--usage", "D0"],
      ["pin", "encrypt", "--tpk", "env:K", "--format", "4", "--pin", "1234"],
      ["pin", "encrypt", "--tpk", "env:K", "--format", "9", "--pin", "env:K"],
      ["envelope", "seal", "--key", "-", "-"],
      ["envelope", "seal", "--key", "env:K", "--chunk-bytes", "9", "1"],
      ["sign", "request", "--key", "env:K"],
      ["sign", "request", "--key", "env:K", "--path", "/", "--terminal-id", "T", "--verify", "v1=x"],
      ["demo", "--backend", "fast"],
      ["mock", "--port", "65536"],
      ["mock", "--seed", "1"],
      ["mock", "--min-version", "new"],
      ["mock", "--port", "0", "--host", secret],
      ["mock", "--port", "0", "--host", "192.0.2.1"],
      ["mock", "--fault", `delay@charge:ms=${"9".repeat(20)}`],
      ["mock", "--fault", "500@charge:p=0.5", "--seed", "4294967296"],
      ...["get", "", "P T", secret].map((method) => [...SIGN, "--method", method]),
      ...["5", "2025-12-13", "2025-12-13T14:35:00+01:00", secret].map((time) => [...SIGN, "--timestamp", time]),
      ...["short", "not-alphanumeric", `${secret}\n`].map((nonce) => [...SIGN, "--nonce", nonce]),
      [...SIGN.slice(0, 4), "--path", secret, "--terminal-id", "T"],
      [...SIGN.slice(0, 4), "--path", "/", "--terminal-id", `${secret}\n`],
      ["sign", "attestation", "--key", "env:K", "--device-id", "POS-8F3A2C91", "--key-id", `${secret}\n`],
      ["sign", "attestation", "--key", "env:K", "--device-id", "POS-8F3A2C91", "--key-id", "k", "--timestamp", "5"],
      ...["zz", "P", "M7", secret].map((usage) => [...WRAP, "--usage", usage]),
      ...["V", "z", "EE", secret].map((mode) => [...WRAP, "--usage", "P0", "--mode", mode]),
      ...["1", "001", "-0", secret].map((version) => [...WRAP, "--usage", "P0", "--key-version", version]),
      [...WRAP, "--usage", "P0", "--label", `${secret}\u00fc`],
      [...WRAP, "--usage", "P0", "--label", `${secret}\u00fc`, "--with-kcv"],
      [...WRAP, "--usage", "M7", "--algorithm", "HMAC", "--with-kcv"],
      [...WRAP, "--usage", "P0", "--version", "F"],
      ...["zz", "p0", "P", secret].map((usage) => [...UNWRAP, "--usage", usage, BLOCK_A]),
      ...["z", "e", "EE", secret].map((mode) => [...UNWRAP, "--mode", mode, BLOCK_A]),
      ...["1", "zzzzzz", secret].map((kcv) => [...UNWRAP, "--kcv", kcv, BLOCK_A]),
      ...["0", "3", "4"].map((format) => ["pin", "encrypt", "--tpk", "env:K", "--format", format, "--pin", "env:K"]),
      ["pin", "translate", "--tpk", "env:K", "--format", "1", "--to-key", "env:K", "--to-format", "4", "00"],
    ];
    for (const args of wrong) {
      const { code, out, err } = await command(args, { env: { K: KBPK, A: KBPK_A }, stdin: KBPK });
      same([args.join(" "), code, out], [args.join(" "), 2, ""]);
      ok(!err.includes(secret) && !err.includes(KBPK), "no secret in the message");
      ok(/^viopay-pos: [^\n]+\nsee viopay-pos(?: [a-z]+)? --help\n$/.test(err), `one line, and where to read on: ${err}`);
    }
  });
});

describe("options and sources", () => {
  it("mistakes are ERR_COMMAND_LINE", async () => {
    const table = { key: "text", json: "flag" } as const;
    throwsCode(() => readOptions(["--kye", AES], table), "ERR_COMMAND_LINE", "unknown option --kye; did you mean --key?");
    throwsCode(() => readOptions([`--${AES}`], table), "ERR_COMMAND_LINE", "unknown option");
    throwsCode(() => readOptions([AES], table), "ERR_COMMAND_LINE", "only options are expected here");
    throwsCode(() => readOptions(["-k"], table), "ERR_COMMAND_LINE");
    throwsCode(() => readOptions([], table).required("key"), "ERR_COMMAND_LINE", "--key is missing");
    const options = readOptions(["--json", "--key", "env:K", "--", "-x"], table, 1);
    same([options.text("key"), options.flag("json"), options.positionals], ["env:K", true, ["-x"]]);
  });

  it("standard input serves one purpose", async () => {
    const io = { readStdin: async () => new TextEncoder().encode(AES), env: {} } as unknown as Io;
    const sources = new Sources(io);
    same(await sources.key("key", "-", "key"), AES);
    await rejectsCode(sources.input("INPUT", undefined), "ERR_COMMAND_LINE", /both --key and INPUT/);
    await rejectsCode(sources.secret("pin", "1234", "PIN"), "ERR_COMMAND_LINE", /file:PATH, env:NAME or -/);
  });
});

describe("kcv", () => {
  it("reads the key from file, environment or standard input", async () => {
    const args = ["kcv", "--method", "CMAC"];
    const expected = (await done([...args, "--key", "env:K"], { env: { K: AES } })).trim();
    ok(/^CMAC {2}[0-9A-F]{6}$/.test(expected), expected);
    same((await done([...args, "--key", "file:k.hex"], { files: { "k.hex": `${AES.toLowerCase()}\n` } })).trim(), expected);
    same((await done([...args, "--key", "-"], { stdin: AES.replace(/(.{8})/g, "$1 ") })).trim(), expected);
  });

  it("gives every method, or one JSON line: the worked values of the specification", async () => {
    const around = { env: { K: "3F419E1CB7079442AA37474C2EFBF8B8" } };
    const kcv = async (...args: string[]) => await done(["kcv", "--key", "env:K", ...args], around);
    same(await kcv(), "CMAC            08793E\nANSI_X9_24      E5E07C\nGLOBALPLATFORM  A801BE\n");
    same(await kcv("--algorithm", "tdes"), "ANSI_X9_24  57C409\nCMAC        C66363\n");
    same(await kcv("--algorithm", "HMAC"), "HMAC  731FE1\n");
    same(await kcv("--algorithm", "HMAC", "--hash", "SHA-512"), "HMAC  4A99BC\n");
    same(
      await kcv("--method", "cmac", "--length", "5", "--json"),
      '{"algorithm":"AES","bits":128,"kcv":{"CMAC":"08793E25AB"}}\n',
    );
  });

  it("a key that is none is exit code 1, unquoted", async () => {
    for (const key of ["12", "zz".repeat(16), `${AES}00`])
      await fails(1, ["kcv", "--key", "env:K"], { env: { K: key } }, /ERR_INVALID_ARGUMENT/);
  });
});

describe("keyblock", () => {
  it("reads a block without a key", async () => {
    const text = await done(["keyblock", "read", BLOCK_A]);
    for (const word of ["P0", "PIN encryption", "1CEE8701", "deprecated"]) ok(text.includes(word), word);
    const parsed = JSON.parse(await done(["keyblock", "read", "--json"], { stdin: `${BLOCK_A}\n` })) as {
      header: { usage: string };
    };
    same(parsed.header.usage, "P0");
    const broken = await command(["keyblock", "read", "B0080"]);
    same(broken.code, 1);
    ok(broken.out.includes("error"), "the finding is printed");
  });

  it("unwraps a published block; the key is printed with --expose only", async () => {
    const around = { env: { K: KBPK_A }, files: { block: BLOCK_A } };
    const hidden = await done(["keyblock", "unwrap", "--kbpk", "env:K", "file:block"], around);
    ok(/kcv +CB9DEA/.test(hidden) && !hidden.includes(KEY_A), "a KCV, no key");
    const shown = await done(["keyblock", "unwrap", "--kbpk", "env:K", "--expose", BLOCK_A], around);
    ok(shown.includes(KEY_A), "the key");
    const json = JSON.parse(await done(["keyblock", "unwrap", "--kbpk", "env:K", "--json", BLOCK_A], around)) as Record<
      string,
      unknown
    >;
    same([json["bits"], json["kcv"], json["key"]], [128, "CB9DEA", undefined]);
  });

  it("refuses a wrong key, a damaged block, another usage, another check value", async () => {
    const around = { env: { K: KBPK_A, W: TDES } };
    await fails(1, ["keyblock", "unwrap", "--kbpk", "env:W", BLOCK_A], around, /ERR_KEY_BLOCK_MAC/);
    await fails(1, ["keyblock", "unwrap", "--kbpk", "env:K", `${BLOCK_A.slice(0, -1)}2`], around, /ERR_KEY_BLOCK_MAC/);
    await fails(1, ["keyblock", "unwrap", "--kbpk", "env:K", "--usage", "D0", BLOCK_A], around, /ERR_KEY_BLOCK_POLICY/);
    await fails(1, ["keyblock", "unwrap", "--kbpk", "env:K", "--kcv", "000000", BLOCK_A], around, /ERR_KCV_MISMATCH/);
  });

  it("--hash: says what an HMAC block without HM does not, and is written as HM", async () => {
    const { kbpk, block } = negatives.vectors.find(({ id }) => id === "HMAC without HM")!;
    const unwrap = ["keyblock", "unwrap", "--kbpk", "env:KBPK"];
    await fails(1, [...unwrap, block], { env: { KBPK: kbpk } }, /ERR_KEY_BLOCK_POLICY.*hash/);
    ok(/algorithm +HMAC/.test(await done([...unwrap, "--hash", "sha-1", block], { env: { KBPK: kbpk } })), "opens with --hash");
    const wrap = ["keyblock", "wrap", "--kbpk", "env:KBPK", "--key", "env:KEY", "--usage", "M7"];
    const around = { env: { KBPK, KEY: AES } };
    const made = (await done([...wrap, "--algorithm", "HMAC", "--hash", "SHA-512"], around)).trim();
    ok(/HM .*SHA-512/.test(await done(["keyblock", "read", made])), "HM");
    await fails(2, [...wrap, "--hash", "SHA-512"], around, /--hash needs --algorithm HMAC/);
  });

  for (const [version, kbpk] of [
    ["A", TDES],
    ["B", TDES],
    ["C", TDES],
    ["D", KBPK],
    ["E", KBPK],
  ] as const) {
    it(`wraps version ${version} and opens it again`, async () => {
      const payload = { algorithm: "TDES", key: `${TDES.slice(16)}${TDES.slice(0, 16)}`, usage: "P0" };
      const around = { env: { KBPK: kbpk, KEY: payload.key } };
      const sources = ["--kbpk", "env:KBPK", "--key", "env:KEY"];
      const what = [
        "--usage",
        "P0",
        "--algorithm",
        "TDES",
        "--mode",
        "E",
        "--version",
        version,
        "--exportability",
        "N",
        "--with-kcv",
      ];
      const block = (await done(["keyblock", "wrap", ...sources, ...what, "--label", "terminal 7"], around)).trim();
      ok(block.startsWith(version), "the version");
      const opened = await done(["keyblock", "unwrap", "--kbpk", "env:KBPK", "--expose", "--usage", "P0", "--mode", "E", "-"], {
        ...around,
        stdin: block,
      });
      ok(opened.includes(payload.key), "the key comes back");
      ok((await done(["keyblock", "read", block])).includes("terminal 7"), "the label");
    });
  }
});

describe("pin", () => {
  const secrets = { TPK: TDES, ZPK: AES, PIN: "1234\n", PAN };
  const pan = ["--pan", "env:PAN"];

  it("encrypts, decrypts and translates", async () => {
    const encrypt = ["pin", "encrypt", "--tpk", "env:TPK", "--format", "0", "--pin", "env:PIN", ...pan];
    const block = (await done(encrypt, { env: secrets })).trim();
    ok(/^[0-9A-F]{16}$/.test(block), "8 bytes");
    const decrypt = ["pin", "decrypt", "--tpk", "env:TPK", "--format", "0", ...pan, block];
    const quiet = await done(decrypt, { env: secrets });
    ok(!quiet.includes("1234"), "no PIN without --expose");
    same((await done([...decrypt, "--expose"], { env: secrets })).trim(), "1234");
    const how = ["--tpk", "env:TPK", "--to-key", "env:ZPK", "--format", "0", "--to-format", "4", ...pan];
    const translated = (await done(["pin", "translate", ...how, block], { env: secrets })).trim();
    ok(/^[0-9A-F]{32}$/.test(translated), "16 bytes");
    same(
      (
        await done(["pin", "decrypt", "--tpk", "env:ZPK", "--format", "4", ...pan, "--expose", translated], { env: secrets })
      ).trim(),
      "1234",
    );
  });

  it("a block of another key or card does not open", async () => {
    const decrypt = ["pin", "decrypt", "--tpk", "env:TPK", "--format", "0", ...pan, "--expose", "0123456789ABCDEF"];
    await fails(1, decrypt, { env: secrets }, /ERR_PIN_BLOCK/);
    await fails(2, ["pin", "show"]);
  });
});

describe("envelope", () => {
  const around = { env: { K: AES }, stdin: '{"amount":{"value":"1500"}}' };

  it("seals and opens JSON, compressed and in chunks, too", async () => {
    for (const how of [[], ["--encoding", "raw"], ["--gzip"], ["--gzip", "--chunk-bytes", "16", "--kcv"]]) {
      const sealed = await done(["envelope", "seal", "--key", "env:K", ...how], around);
      const format = how.includes("--chunk-bytes") ? "TR31-DATA-CHUNKED" : "TR31-DATA";
      same((JSON.parse(sealed) as { format: string }).format, format);
      ok(!sealed.includes('"1500"'), "sealed");
      const opened = await done(["envelope", "open", "--key", "env:K", "file:e"], { ...around, files: { e: sealed } });
      same(JSON.parse(opened), { amount: { value: "1500" } });
    }
  });

  it("seals and opens bytes", async () => {
    const sealed = await done(["envelope", "seal", "--key", "env:K", "--bytes", "plain text"], around);
    same((await done(["envelope", "open", "--key", "env:K", "--bytes", sealed], around)).trim(), "706C61696E2074657874");
  });

  it("refuses what is no JSON, no envelope, or another key's", async () => {
    await fails(1, ["envelope", "seal", "--key", "env:K", "{secret"], around, /must be JSON/);
    await fails(1, ["envelope", "open", "--key", "env:K", "{}"], around, /ERR_ENVELOPE_FORMAT/);
    const sealed = await done(["envelope", "seal", "--key", "env:K"], around);
    await fails(1, ["envelope", "open", "--key", "env:W", sealed], { env: { W: KBPK } }, /ERR_ENVELOPE_OPEN/);
  });
});

describe("sign", () => {
  const around = { env: { K: AES }, files: { body: '{"format":"TR31-DATA"}' } };
  const fixed = ["--timestamp", "2025-12-13T14:35:00Z", "--nonce", "f9e8d7c6b5a4"];

  it("signs a request and verifies it, body included", async () => {
    const request = ["sign", "request", "--key", "env:K", "--path", "/pos/charge", "--terminal-id", "TID-004812", ...fixed];
    const text = await done([...request, "--body", "file:body"], around);
    const signature = /^X-Signature: (v1=[A-Za-z0-9+/]{43}=)$/m.exec(text)![1]!;
    same(await done([...request, "--body", "file:body", "--verify", signature], around), "valid\n");
    const other = await command([...request, "--body", "{}", "--verify", signature], around);
    same([other.code, other.out], [1, "not valid\n"]);
    const query = request.map((arg) => (arg === "/pos/charge" ? "/pos/charge?x=1" : arg));
    const near = await command([...query, "--body", "file:body", "--verify", signature], around);
    same([near.code, near.out], [1, "not valid\nnear miss: the path without its query: /pos/charge\n"]);
    const asJson = await command([...request, "--body", "file:body", "--json", "--verify", signature.slice(3)], around);
    const line = JSON.parse(asJson.out) as { valid: boolean; nearMisses: { what: string }[] };
    same([line.valid, line.nearMisses[0]!.what], [false, "the signature has no v1= in front"]);
    ok(!asJson.out.includes("TR31-DATA"), "no body");
    // The same over openssl: HMAC-SHA-256 of the six lines.
    const { createHmac } = await import("node:crypto");
    const lines = ["POST", "/pos/charge", around.files.body, "TID-004812", "2025-12-13T14:35:00Z", "f9e8d7c6b5a4"].join("\n");
    same(signature, `v1=${createHmac("sha256", Buffer.from(AES, "hex")).update(lines).digest("base64")}`);
  });

  it("signs an attestation, with a fresh time and nonce by default", async () => {
    const args = [
      "sign",
      "attestation",
      "--key",
      "env:K",
      "--device-id",
      "POS-8F3A2C91",
      "--key-id",
      "device-id-key-2025-01",
      "--json",
    ];
    const [one, two] = [JSON.parse(await done(args, around)), JSON.parse(await done(args, around))] as Record<string, string>[];
    ok(one!["X-Nonce"] !== two!["X-Nonce"] && one!["X-Signature"] !== two!["X-Signature"], "fresh each time");
    const verify = ["--timestamp", one!["X-Timestamp"]!, "--nonce", one!["X-Nonce"]!, "--verify", one!["X-Signature"]!];
    same(JSON.parse(await done([...args, ...verify], around)), { valid: true });
    await fails(2, ["sign", "letter"]);
  });
});

describe("mock", () => {
  /** Starts the mock, hands its first line to `use`, stops it. */
  async function running(args: readonly string[], around: Surroundings, use: (first: string) => Promise<void>): Promise<string> {
    const stop = new AbortController();
    let started: (text: string) => void = () => {};
    const first = new Promise<string>((resolve) => {
      started = resolve;
    });
    const end = command(["mock", "--port", "0", ...args], { ...around, signal: stop.signal, onOut: (text) => started(text) });
    try {
      await use(await Promise.race([first, end.then(({ err }) => Promise.reject(new Error(err)))]));
    } finally {
      stop.abort();
    }
    const { code, out } = await end;
    same(code, 0);
    return out;
  }

  interface Device {
    readonly device_id: string;
    readonly identity_key_id: string;
    readonly identity_secret: string;
    readonly zmk: string;
  }

  async function walk(baseUrl: string, device: Device, token: string): Promise<void> {
    const terminal = new PosTerminal({
      baseUrl,
      deviceId: device.device_id,
      identityKeyId: device.identity_key_id,
      identityKey: importKey(device.identity_secret, { algorithm: "HMAC", usage: "M7" }),
      zmk: importKey(device.zmk, { algorithm: "AES", usage: "K0" }),
      appVersion: "1.4.2",
      os: "Android 12",
      model: "PAX-A920",
    });
    await terminal.setUp({
      pollMs: 5,
      onPairingCode: ({ code }) => {
        void fetch(`${baseUrl}/pos/claim`, {
          method: "POST",
          headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
          body: JSON.stringify({ pairing_code: code }),
        });
      },
    });
    const card = { number: PAN, expiry_year: 2032, expiry_month: 12 };
    same((await terminal.charge({ card, amount: { value: "1500", currency: "EUR" } })).outcome, "approved");
    terminal.destroy();
  }

  it("--json: the first line is all a terminal needs; requests follow, masked", async () => {
    const out = await running(
      ["--json", "--tpk", "AES", "--min-version", "1.4.2", "--cors", "https://pos.example"],
      {},
      async (line) => {
        const first = JSON.parse(line) as { listening: string; provision: { devices: Device[] }; merchant_token: string };
        same(Object.keys(first), ["listening", "provision", "merchant_token"]);
        ok(/^http:\/\/127\.0\.0\.1:\d+$/.test(first.listening), "loopback");
        const preflight = { Origin: "https://pos.example", "Access-Control-Request-Method": "POST" };
        const allowed = await fetch(`${first.listening}/pos/charge`, { method: "OPTIONS", headers: preflight });
        same(allowed.headers.get("Access-Control-Allow-Origin"), "https://pos.example");
        await walk(first.listening, first.provision.devices[0]!, first.merchant_token);
      },
    );
    const lines = out
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => (JSON.parse(line) as { request: { path: string; status: number } }).request);
    ok(
      lines.some(({ path, status }) => path === "/pos/charge" && status === 200),
      "the charge",
    );
    ok(!out.includes(PAN), "no card number");
  });

  it("--provision: devices of the file, whose secrets are not echoed", async () => {
    const device = {
      device_id: "POS-8F3A2C91",
      merchant_id: "550e8400-e29b-41d4-a716-446655440000",
      terminal_id: "TID-004812",
      identity_key_id: "device-id-key-2025-01",
      identity_secret: AES,
      zmk: KBPK,
      hmac_key_id: "hmac-key-2025-01",
    };
    const files = {
      "p.json": JSON.stringify({ devices: [device], jwt: { hs256_secret: "a development secret of more than 32 bytes" } }),
    };
    const out = await running(["--json", "--provision", "p.json"], { files }, async (line) => {
      const first = JSON.parse(line) as { listening: string; merchant_token: string };
      same(Object.keys(first), ["listening", "merchant_token"]);
      await walk(first.listening, device, first.merchant_token);
    });
    ok(!out.includes(AES) && !out.includes(KBPK), "no secrets");
    const text = await running(["--provision", "p.json"], { files }, async (line) =>
      ok(line.includes("listening on http://"), line),
    );
    ok(!text.includes(AES) && !text.includes(KBPK), "no secrets in text, either");
  });

  it("a defective file is exit code 1, a port in use is told without the address", async () => {
    await fails(1, ["mock", "--provision", "p.json"], { files: { "p.json": '{"devices":[]}' } }, /ERR_PROVISION/);
    await running(["--json"], {}, async (line) => {
      const { port } = new URL((JSON.parse(line) as { listening: string }).listening);
      await fails(1, ["mock", "--port", port], {}, /^viopay-pos: listen failed: EADDRINUSE\n$/);
    });
  });
});

describe("the installed command", () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const { bin } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { bin: Record<string, string> };
  const main = root + bin["viopay-pos"];

  it("runs from dist, with real standard input and exit codes", () => {
    ok(readFileSync(main, "utf8").startsWith("#!/usr/bin/env node\n"), "the first line");
    const kcv = spawnSync(process.execPath, [main, "kcv", "--key", "-", "--method", "CMAC"], {
      input: `${AES}\n`,
      encoding: "utf8",
    });
    same([kcv.status, kcv.stderr], [0, ""]);
    ok(/^CMAC {2}[0-9A-F]{6}\n$/.test(kcv.stdout), kcv.stdout);
    same(spawnSync(process.execPath, [main, "kcv"], { encoding: "utf8" }).status, 2);
  });

  it("mock ends well when it is asked to", async () => {
    const child = spawn(process.execPath, [main, "mock", "--port", "0", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const { listening } = JSON.parse(line.toString("utf8").split("\n", 1)[0]!) as { listening: string };
    same((await fetch(`${listening}/pos/status`)).status, 400);
    child.kill("SIGTERM");
    same(await ended, 0);
  });
});
