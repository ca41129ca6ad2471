/** What an observer of the mock may see: no card number however it is written, and nothing that only authorisation may know. */
import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../ts/core/envelope/envelope.js";
import { mask, maskText } from "../../ts/mock/observe/masking.js";
import type { RequestEvent } from "../../ts/mock/index.js";
import { createWorld, expectError, expectOk } from "./mock-client.js";

describe("card numbers keep six digits and four", () => {
  test.each([
    ["4111111111111111", "411111******1111"],
    ["pan 4111 1111 1111 1111", "pan 4111 11** **** 1111"],
    ["4111-1111-1111-1111", "4111-11**-****-1111"],
    ["3782 822463 10005", "3782 82**** *0005"],
    ["4111\u00a01111\u20111111 - 1111", "4111\u00a011**\u2011**** - 1111"],
    ["4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "4 1 1 1 1 1 * * * * * * 1 1 1 1"],
    ["411111111111", "411111**1111"],
    ["6304 0000 0000 0000 000, or 4111\n1111\n1111\n1111", "6304 00** **** ***0 000, or 4111\n11**\n****\n1111"],
  ])("%j", (text, shown) => expect(maskText(text)).toBe(shown));

  test.each(["2025-12-13T14:35:00Z", "41111111111", "4111 1111 111", "1500", "TID-004812", "ch_abc123def456"])(
    "%j stays",
    (text) => expect(maskText(text)).toBe(text),
  );

  test.each([
    ["4111111111111111=30122010000000000", "411111******1111=(withheld)"],
    ["4111111111111111D30122010000000000F", "411111******1111D(withheld)F"],
    ["%B4111111111111111^DOE/JANE^30122010000000000?", "%B411111******1111^(withheld)?"],
    ["%B4111 1111 1111 1111^DOE/JANE^30122010000000000", "%B4111 11** **** 1111^(withheld)"],
    ["4111111111111111 Done = yes", "411111******1111 Done = yes"],
  ])("what follows on a track goes with them: %j", (text, shown) => expect(maskText(text)).toBe(shown));

  test("a long text takes no long time", () => {
    const start = performance.now();
    for (const text of ["1".repeat(1e6), `1${" ".repeat(1e6)}`.repeat(2), "1 ".repeat(5e5), "12345678901 ".repeat(1)])
      maskText(text);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe("members that are not shown", () => {
  test.each([
    [
      "cvv",
      "CVV2",
      "cvc",
      "cardCvc",
      "cvc2",
      "cvv_code",
      "csc",
      "cav2",
      "security_code",
      "securityCode",
      "card_verification_value",
    ],
    ["track1", "track2", "track_2", "track2_data", "Track2Data", "track3", "tracks", "trackData", "magstripe", "magnetic_stripe"],
    ["pin", "PIN", "pin_block", "pinBlock", "online_pin", "pinData", "pinblock", "ePin", "emv_data", "auxiliary_data"],
  ])("%s, ...", (...names) => {
    for (const value of ["737", 737, { a: "1" }, ["1"]] as JsonValue[]) {
      for (const name of names) expect(mask({ inner: [{ [name]: value }] })).toEqual({ inner: [{ [name]: "(withheld)" }] });
    }
  });

  test("others are: names that only sound alike, and yes or no", () => {
    const shown = {
      shipping: "x",
      spin: "x",
      tracking_id: "x",
      cardholder_verification_method: "pin",
      pin_required: true,
      cvv_present: false,
      pin_block: null,
      opinion: "x",
      stan: "000123",
      rrn: "123456789012",
    };
    expect(mask(shown)).toEqual(shown);
  });
});

test("what is nested too deeply is left out, and the rest is masked", () => {
  const nested = (depth: number): JsonValue => JSON.parse(`${'{"a":'.repeat(depth)}"4111111111111111"${"}".repeat(depth)}`);
  expect(JSON.stringify(mask(nested(64)))).toContain("411111******1111");
  for (const depth of [65, 20_000]) {
    const shown = JSON.stringify(mask({ note: "4111111111111111", rrn: nested(depth), inner: nested(depth) }));
    expect(shown).toContain('"note":"411111******1111"');
    expect(shown.match(/nested too deeply to show/g)).toHaveLength(2);
  }
});

test("a payload nested 2,000 deep is answered, and observed", async () => {
  const events: RequestEvent[] = [];
  const { terminal } = createWorld({ onRequest: (event) => events.push(event), logger: () => {}, portal: true });
  await terminal.activated();
  const deep = JSON.parse(`${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`) as JsonValue;
  await expectError(terminal.charge({ ...terminal.chargeOf(), deep } as never), 400, "4000");
  expect(JSON.stringify(events.at(-1)?.request)).toContain("nested too deeply to show");
});

test("a request event shows none of it", async () => {
  const events: RequestEvent[] = [];
  const { terminal } = createWorld({ onRequest: (event) => events.push(event) });
  await terminal.activated();
  const charge = terminal.chargeOf();
  const card = {
    ...(charge["card"] as object),
    cvv: "737",
    track2: "4111111111111111=30122010000000000",
    holder: "4111-1111-1111-1111",
  };
  await expectOk(terminal.charge({ ...charge, card, note: "pan 4111 1111 1111 1111" } as unknown as typeof charge));
  await terminal.send("GET", "/card/4111111111111111", {});
  expect(events.at(-2)?.request).toMatchObject({
    card: { number: "411111******1111", cvv: "(withheld)", track2: "(withheld)", holder: "4111-11**-****-1111" },
    note: "pan 4111 11** **** 1111",
  });
  expect(events.at(-1)?.path).toBe("/card/411111******1111");
  expect(JSON.stringify(events.slice(-2))).not.toMatch(/"737"|4111[ -]?1111[ -]?1111/);
});
