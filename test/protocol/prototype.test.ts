/**
 * What is planted on `Object.prototype` chooses nothing in client, mock and command line: with the name of every option of every public
 * function there, each does what it does without. test/cases/prototype.ts holds core to the same.
 */
import { describe, it } from "vitest";
import { setRandomSource } from "../../ts/base/random.js";
import { type ChargeOutcome, type Fetch, type PosTerminal, PosTerminal as Terminal } from "../../ts/client/index.js";
import { importKey } from "../../ts/core/keys/key.js";
import { generateProvision, parseProvision, toProvisionJson } from "../../ts/mock/index.js";
import { ok, pseudoRandom, same } from "../harness.js";
import { plant, VALUES } from "../option-names.js";
import { command, type Surroundings } from "./cli-io.js";
import { CARD, TEN, World } from "./client-world.js";
import { createWorld, PROVISION } from "./mock-client.js";

/** `undefined`: nothing is planted. */
type Planted = { readonly value: unknown; readonly names?: readonly string[] } | undefined;

const PLANTS: readonly Planted[] = VALUES.map((value) => ({ value }));

/** Plants while the part under test runs, and not while the other side of it does, or the platform: `Request` reads the prototype. */
class Plants {
  readonly #what: Planted;
  #remove = () => {};
  #pauses = 0;

  constructor(what: Planted) {
    this.#what = what;
  }

  async during<T>(body: () => Promise<T>): Promise<T> {
    this.#set();
    try {
      return await body();
    } finally {
      this.#remove();
    }
  }

  async without<T>(body: () => Promise<T>): Promise<T> {
    this.#pauses++;
    this.#remove();
    try {
      return await body();
    } finally {
      this.#pauses--;
      if (this.#pauses === 0) this.#set();
    }
  }

  #set(): void {
    if (this.#what !== undefined) this.#remove = plant(this.#what.value, this.#what.names);
  }
}

/** Equal random bytes for every run. */
async function fixed<T>(body: () => Promise<T>): Promise<T> {
  const before = setRandomSource(pseudoRandom(11));
  try {
    return await body();
  } finally {
    setRandomSource(before);
  }
}

/** The same call without and with each value planted; returns what it gives without. */
async function equalResults(run: (what: Planted) => Promise<unknown>): Promise<string> {
  const before = JSON.stringify(await fixed(() => run(undefined)));
  for (const what of PLANTS) {
    const meanwhile = JSON.stringify(await fixed(() => run(what)));
    const at = [...before].findIndex((character, index) => character !== meanwhile[index]);
    const [expected, got] = [before, meanwhile].map((text) => text.slice(Math.max(0, at - 200), at + 200));
    if (before !== meanwhile) same(got, expected, `with ${String(what?.value)} planted, at ${at}`);
  }
  return before;
}

async function settled(body: () => Promise<unknown>): Promise<unknown> {
  return await body().catch((error: unknown) => String(error));
}

/** A terminal that is given no option that it can do without, and what it is seen to pass to `fetch`. */
function smallestTerminal(world: World, plants: Plants) {
  const passed: unknown[] = [];
  const fetch: Fetch = (url, init) => {
    const { method, body, redirect, signal } = init;
    passed.push([method, body, redirect, typeof signal]);
    return plants.without(() => world.fetch(url, init));
  };
  const { device_id, identity_key_id, identity_secret, zmk } = world.device;
  const terminal = new Terminal({
    baseUrl: "https://mock.test",
    deviceId: device_id,
    identityKeyId: identity_key_id,
    identityKey: importKey(identity_secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" }),
    zmk: importKey(zmk, { algorithm: "AES", usage: "K0", modeOfUse: "D" }),
    appVersion: "1.4.2",
    os: "Android 12",
    model: "PAX-A920",
    fetch,
    now: () => world.clock.now,
    retry: { firstDelayMs: 0 },
  });
  return { terminal, passed };
}

async function activate(terminal: PosTerminal, world: World, plants: Plants): Promise<void> {
  await terminal.bootstrap({});
  const { code } = await terminal.createPairingCode({});
  await plants.without(() => world.claim(code));
  await terminal.waitUntilClaimed({ pollMs: 1 });
  await terminal.setUp({});
}

function idOf(charged: ChargeOutcome): string {
  return ("chargeId" in charged ? charged.chargeId : undefined) ?? "";
}

const TEN_BACK = { amount: TEN.amount };

describe("client", () => {
  it("from first boot to payments, the wire and the outcomes are the same", async () => {
    const seen = await equalResults(async (what) => {
      const world = new World({ provision: PROVISION });
      const plants = new Plants(what);
      return await plants.during(async () => {
        const { terminal, passed } = smallestTerminal(world, plants);
        await activate(terminal, world, plants);
        const charged = await terminal.charge(TEN, {});
        const chargeId = idOf(charged);
        const results = [
          charged,
          await terminal.refund(chargeId, TEN_BACK, {}),
          await terminal.cancel(chargeId, {}),
          await terminal.recover({}),
          await settled(() => terminal.charge({} as typeof TEN, {})),
          await settled(() => terminal.charge({ ...TEN, card: {} as typeof CARD }, {})),
          await settled(async () => new Terminal({} as ConstructorParameters<typeof Terminal>[0])),
          terminal.encryptPin({ pin: "1234", pan: CARD.number }),
          terminal.sealAuxiliary({}),
        ];
        terminal.destroy();
        return [results, passed, world.wire];
      });
    });
    ok(seen.includes('"outcome":"approved"'), "a charge that was made");
  });

  it("hostDedupesRefunds planted: a refund whose answer is lost is sent once", async () => {
    const sendings = async (what: Planted): Promise<number> => {
      const world = new World();
      const plants = new Plants(what);
      return await plants.during(async () => {
        const { terminal } = smallestTerminal(world, plants);
        await activate(terminal, world, plants);
        const charged = await terminal.charge(TEN);
        world.fault = async (_path, pass) => {
          await pass();
          throw new TypeError("the answer is lost");
        };
        const refunded = await terminal.refund(idOf(charged), TEN_BACK);
        same(refunded.outcome, "unknown");
        terminal.destroy();
        return world.wire.filter(({ path }) => path.endsWith("/refund")).length;
      });
    };
    same(await sendings(undefined), 1, "nothing planted");
    same(await sendings({ value: true, names: ["hostDedupesRefunds"] }), 1, "planted");
    same(await sendings({ value: true }), 1, "every name planted");
  });
});

describe("mock", () => {
  it("every endpoint answers the same", async () => {
    const seen = await equalResults(async (what) => {
      const plants = new Plants(what);
      const { terminal } = await plants.during(async () => createWorld({}));
      const { server } = terminal;
      const { fetch } = server;
      const answers: unknown[] = [];
      server.fetch = async (request) => {
        const response = await plants.during(() => fetch(request));
        answers.push([response.status, [...response.headers], await response.clone().text()]);
        return response;
      };
      await terminal.activated();
      const id = await terminal.charged();
      await terminal.config();
      await terminal.terminalParameters();
      await terminal.refund(id, TEN_BACK);
      await terminal.cancel(id);
      await terminal.charge({});
      await terminal.claim({});
      const after = () => plants.during(async () => [await server.ledger(), server.requests().length, await server.health()]);
      return [answers, await after()];
    });
    ok(seen.includes("approved"), "a charge that was made");
  });

  it("provisioning, faults and refusals are the same", async () => {
    await equalResults(async (what) => {
      const plants = new Plants(what);
      return await plants.during(async () => [
        generateProvision(2),
        parseProvision(toProvisionJson(PROVISION)),
        await settled(async () => parseProvision({} as never)),
        await settled(async () => parseProvision({ devices: [{}], jwt: {} } as never)),
        createWorld({ faults: ["500@charge"] }).terminal.server.faults.report(),
        await settled(async () => createWorld({ faults: [{} as never] })),
      ]);
    });
  });
});

describe("command line", () => {
  const K = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
  const fresh = ["--timestamp", "2025-12-13T14:35:00Z", "--nonce", "f9e8d7c6b5a4"];
  const BLOCK = "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701";
  const env = { K, A: "89E88CF7931444F334BD7547FC3F380C" };
  const commands: readonly (readonly string[])[] = [
    ["--help"],
    ["no-such-command"],
    ["kcv", "--key", "env:K"],
    ["kcv"],
    ["sign", "request", "--key", "env:K", "--path", "/", "--terminal-id", "T", ...fresh],
    ["sign", "request", "--key", "env:K"],
    ["keyblock", "read", BLOCK],
    ["keyblock", "unwrap", "--kbpk", "env:A", BLOCK],
    ["keyblock", "wrap", "--kbpk", "env:K", "--key", "env:K", "--usage", "D0", "--algorithm", "A"],
    ["pin", "encrypt"],
    ["envelope", "open", "--key", "env:K", "{}"],
    ["mock", "--port", "x"],
  ];

  for (const args of commands) {
    it(`viopay-pos ${args.slice(0, 2).join(" ")} prints the same`, async () => {
      const around: Surroundings = { env };
      const seen = await equalResults((what) => new Plants(what).during(() => command(args, around)));
      ok(/"(out|err)":"[^"]/.test(seen), "it prints something");
    });
  }
});
