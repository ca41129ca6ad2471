/** DUKPT beyond published values: KSNs, sides, dialects, the life of a terminal, and everything that is refused. */
import {
  type DukptKeyType,
  DukptTerminal,
  type DukptWanted,
  deriveDukptKeys,
  deriveInitialKey,
  issueInitialKey,
  parseKsn,
} from "../../ts/core/dukpt/index.js";
import {
  aesCmac,
  encryptPinBlock,
  exposeKeyBytes,
  generateKey,
  importKey,
  type KeyAttributes,
  retailMac,
  type SecretKey,
  tdesCbcEncrypt,
  unwrapKeyBlock,
  verifyMac,
  wrapKeyBlock,
} from "../../ts/index.js";
import { type Cases, hex, ok, same, throwsCode, toHex } from "../harness.js";

const TDES_BDK = "0123456789ABCDEFFEDCBA9876543210";
const AES_BDK = "FEDCBA9876543210F1F1F1F1F1F1F1F1";
const AES_BDK_256 = AES_BDK + AES_BDK;
const TDES_KSN = "FFFF9876543210E00000";
const AES_KSN = "123456789012345600000000";
const COMPATIBLE_KSN = "0E111111112222200000";

function bdkOf(material: string, attributes: Partial<KeyAttributes> = {}): SecretKey {
  return importKey(material, {
    algorithm: material.startsWith("FEDC") ? "AES" : "TDES",
    usage: "B0",
    modeOfUse: "X",
    ...attributes,
  });
}

function terminalOf(material: string, ksn: string): DukptTerminal {
  const bdk = bdkOf(material);
  try {
    return DukptTerminal.load(deriveInitialKey(bdk, ksn), ksn);
  } finally {
    bdk.destroy();
  }
}

function destroyAll(...keys: (SecretKey | DukptTerminal)[]): void {
  for (const key of keys) key.destroy();
}

/** The terminal's next PIN key is the host's for that KSN; returns the KSN. */
function checkNext(terminal: DukptTerminal, bdk: SecretKey): string {
  const { ksn, pin } = terminal.next({ pin: true }, { extractable: true });
  const host = deriveDukptKeys(bdk, ksn, { pin: true }, { extractable: true });
  same(toHex(exposeKeyBytes(pin)), toHex(exposeKeyBytes(host.pin)), `PIN key of ${ksn}`);
  destroyAll(pin, host.pin);
  return ksn;
}

const schemes = [
  { name: "TDES", bdk: TDES_BDK, ksn: TDES_KSN, most: 10, end: 0x1fffff, last: 0x1ff800 },
  { name: "AES-128", bdk: AES_BDK, ksn: AES_KSN, most: 16, end: 0xffffffff, last: 0xffff0000 },
  { name: "AES-256", bdk: AES_BDK_256, ksn: AES_KSN, most: 16, end: 0xffffffff, last: 0xffff0000 },
  { name: "AES in the compatibility form", bdk: AES_BDK, ksn: COMPATIBLE_KSN, most: 16, end: 0x1fffff, last: 0x1fffe0 },
] as const;

function parsing(suite: Parameters<Cases>[0]): void {
  suite.test("the three forms, short KSNs, bytes, small letters", () => {
    same(parseKsn("FFFF9876543210E00008"), {
      scheme: "TDES",
      ksn: "FFFF9876543210E00008",
      initialKeyId: "FFFF9876543210E0",
      counter: 8,
    });
    same(parseKsn("ffff9876543210f1f234").counter, 0x11f234);
    same(parseKsn("ffff9876543210f1f234").initialKeyId, "FFFF9876543210E0");
    same(parseKsn("9876543210E00008").ksn, "FFFF9876543210E00008");
    same(parseKsn("FF9876543210E00008").ksn, "FFFF9876543210E00008");
    same(parseKsn(hex("9876543210E00008")).ksn, "FFFF9876543210E00008");
    same(parseKsn("1234567890123456FFFF0000").counter, 0xffff0000);
    same(parseKsn(hex("123456789012345600000001")).scheme, "AES");
    same(parseKsn("0E111111112222200001", "AES"), {
      scheme: "AES",
      ksn: "0E111111112222200001",
      initialKeyId: "00E1111111122222",
      counter: 1,
    });
    same(parseKsn("0E111111112222300001", "AES"), {
      scheme: "AES",
      ksn: "0E111111112222300001",
      initialKeyId: "00E1111111122222",
      counter: 0x100001,
    });
  });

  suite.test("KSNs that are none", () => {
    for (const digits of [
      "",
      "9876543210E000",
      "FFFF9876543210E0000100",
      `${AES_KSN}00`,
      "FFFF9876543210E0000",
      "G".repeat(20),
    ]) {
      throwsCode(() => parseKsn(digits), "ERR_KSN");
      throwsCode(() => parseKsn(digits, "TDES"), "ERR_KSN");
      throwsCode(() => parseKsn(digits, "AES"), "ERR_KSN");
    }
    for (const length of [0, 7, 11, 13]) throwsCode(() => parseKsn(new Uint8Array(length)), "ERR_KSN");
    for (const digits of ["9876543210E00008", "FF9876543210E00008"]) throwsCode(() => parseKsn(digits, "AES"), "ERR_KSN");
    throwsCode(() => parseKsn(AES_KSN, "TDES"), "ERR_KSN");
    for (const wrong of [undefined, null, 5, {}, []])
      throwsCode(() => parseKsn(wrong as unknown as string), "ERR_INVALID_ARGUMENT");
    throwsCode(() => parseKsn(AES_KSN, "DES" as "AES"), "ERR_INVALID_ARGUMENT");
  });
}

function host(suite: Parameters<Cases>[0]): void {
  suite.test("counters that are no transaction's", () => {
    const [tdes, aes] = [bdkOf(TDES_BDK), bdkOf(AES_BDK)];
    const at = (ksn: string, counter: number): string => {
      const prefix = ksn.length === 24 ? ksn.slice(0, 16) : ksn.slice(0, 14);
      const first = ksn.length === 24 ? 0 : Number.parseInt(ksn.charAt(14), 16) & 14;
      const digits = counter
        .toString(16)
        .toUpperCase()
        .padStart(ksn.length === 24 ? 8 : 6, "0");
      return ksn.length === 24 ? prefix + digits : prefix + (first | Number(digits.charAt(0))).toString(16) + digits.slice(1);
    };
    for (const counter of [0, 0x7ff, 0x1ff801, 0x1fffff]) {
      throwsCode(() => deriveDukptKeys(tdes, at(TDES_KSN, counter), { pin: true }), "ERR_KSN");
      throwsCode(() => deriveDukptKeys(tdes, at(TDES_KSN, counter), { pin: true }, { strictCounter: false }), "ERR_KSN");
    }
    for (const counter of [0, 0x1ffff, 0x3ffff, 0xffffffff, 0xffff8001]) {
      throwsCode(() => deriveDukptKeys(aes, at(AES_KSN, counter), { pin: true }), "ERR_KSN");
    }
    for (const counter of [0, 0x3ffff, 0xffffffff]) {
      throwsCode(() => deriveDukptKeys(aes, at(AES_KSN, counter), { pin: true }, { strictCounter: false }), "ERR_KSN");
    }
    destroyAll(deriveDukptKeys(aes, at(AES_KSN, 0x1ffff), { pin: true }, { strictCounter: false }).pin);
    for (const ksn of ["9876543210E00001", "FF9876543210E00001"]) {
      throwsCode(() => deriveDukptKeys(aes, ksn, { pin: true }), "ERR_KSN");
    }
    throwsCode(() => deriveDukptKeys(tdes, at(AES_KSN, 1), { pin: true }), "ERR_KSN");
    destroyAll(tdes, aes);
  });

  suite.test("keys that start no chain", () => {
    const triple = "0123456789ABCDEFFEDCBA987654321089ABCDEF01234567";
    const attempts: [string, KeyAttributes][] = [
      ["0123456789ABCDEF", { algorithm: "DES", usage: "M1" }],
      [triple, { algorithm: "TDES", usage: "B0", modeOfUse: "X" }],
      [AES_BDK, { algorithm: "HMAC", usage: "M7" }],
      [AES_BDK, { algorithm: "HMAC", usage: "B3", modeOfUse: "X" }],
      [AES_BDK, { algorithm: "AES", usage: "K0" }],
      ["0123456789ABCDEF0123456789ABCDEF", { algorithm: "TDES", usage: "B0", modeOfUse: "X" }],
    ];
    for (const [material, attributes] of attempts) {
      const key = importKey(material, attributes);
      const ksn = attributes.algorithm === "AES" || attributes.algorithm === "HMAC" ? AES_KSN : TDES_KSN;
      throwsCode(() => deriveInitialKey(key, ksn), "ERR_KEY_USAGE");
      throwsCode(() => deriveDukptKeys(key, ksn.replace(/0$/, "1"), { pin: true }), "ERR_KEY_USAGE");
      throwsCode(() => DukptTerminal.load(key, ksn), "ERR_KEY_USAGE");
      key.destroy();
    }
    const ik = importKey(AES_BDK, { algorithm: "AES", usage: "B1", modeOfUse: "X" });
    throwsCode(() => deriveInitialKey(ik, AES_KSN), "ERR_KEY_USAGE");
    ik.destroy();
    const bdk = bdkOf(AES_BDK);
    throwsCode(() => DukptTerminal.load(bdk, AES_KSN), "ERR_KEY_USAGE");
    bdk.destroy();
    throwsCode(() => deriveDukptKeys(bdk, AES_KSN, { pin: true }), "ERR_KEY_DESTROYED");
    throwsCode(() => deriveInitialKey({} as SecretKey, AES_KSN), "ERR_INVALID_ARGUMENT");
  });

  suite.test("two halves of a TDES key that differ in parity only are equal", () => {
    const equal = importKey("0122446688AACCEE0123456789ABCDEF", { algorithm: "TDES", usage: "B0", modeOfUse: "X" });
    throwsCode(() => deriveInitialKey(equal, TDES_KSN), "ERR_KEY_USAGE", /equal halves/);
    equal.destroy();
  });

  suite.test("types stronger than the chain, HMAC where no MAC is made, names and words that are none", () => {
    const [tdes, aes, wide] = [bdkOf(TDES_BDK), bdkOf(AES_BDK), bdkOf(AES_BDK_256)];
    const middle = importKey(AES_BDK_256.slice(0, 48), { algorithm: "AES", usage: "B0" });
    const refused = (
      key: SecretKey,
      ksn: string,
      type: string,
      code: "ERR_KEY_USAGE" | "ERR_INVALID_ARGUMENT",
      name = "macRequest",
    ) => throwsCode(() => deriveDukptKeys(key, ksn, { [name]: type } as DukptWanted), code);
    const aesKsn = "123456789012345600000001";
    for (const type of ["AES-192", "AES-256", "HMAC-192", "HMAC-256"]) refused(aes, aesKsn, type, "ERR_KEY_USAGE");
    for (const type of ["AES-256", "HMAC-256"]) refused(middle, aesKsn, type, "ERR_KEY_USAGE");
    for (const type of ["AES-128", "AES-192", "AES-256", "HMAC-128", "HMAC-256", "TDES-192"]) {
      refused(tdes, "FFFF9876543210E00001", type, "ERR_KEY_USAGE");
    }
    for (const name of ["pin", "dataRequest", "dataResponse", "dataBoth", "keyEncryption"]) {
      refused(wide, aesKsn, "HMAC-128", "ERR_INVALID_ARGUMENT", name);
    }
    refused(tdes, "FFFF9876543210E00001", "TDES-128", "ERR_KEY_USAGE", "keyEncryption");
    for (const type of ["", "AES", "aes-128", "DES-64", 5, null, false])
      refused(aes, aesKsn, type as string, "ERR_INVALID_ARGUMENT");
    refused(aes, aesKsn, "AES-128", "ERR_INVALID_ARGUMENT", "mac");
    for (const wanted of [{}, null, [], 5, "pin"]) {
      throwsCode(() => deriveDukptKeys(aes, aesKsn, wanted as DukptWanted), "ERR_INVALID_ARGUMENT");
    }
    const options = [
      { side: "both" },
      { dataKeys: "none" },
      { dataKeys: "pin-variant" },
      { macUsage: "M7" },
      { extractable: 1 },
      5,
      null,
    ];
    for (const bad of options) {
      throwsCode(() => deriveDukptKeys(aes, aesKsn, { pin: true }, bad as object), "ERR_INVALID_ARGUMENT");
    }
    throwsCode(
      () => deriveDukptKeys(aes, aesKsn, { pin: true }, { strictCounter: "no" as unknown as boolean }),
      "ERR_INVALID_ARGUMENT",
    );
    destroyAll(tdes, aes, wide, middle);
  });

  suite.test("every key of every side: usage, mode of use, hash, what it prints", () => {
    const bdk = bdkOf(AES_BDK_256);
    const all: Record<keyof DukptWanted, DukptKeyType> = {
      pin: "AES-128",
      macRequest: "AES-192",
      macResponse: "HMAC-256",
      macBoth: "TDES-192",
      dataRequest: "TDES-128",
      dataResponse: "AES-256",
      dataBoth: "AES-128",
      keyEncryption: "AES-256",
    };
    const shown = (side: "host" | "terminal"): string[] => {
      const { ksn, ...keys } = deriveDukptKeys(bdk, "123456789012345600000003", all, { side });
      same(ksn, "123456789012345600000003");
      return Object.entries(keys).map(([name, key]) => {
        same([key.exportability, key.extractable], ["N", false]);
        throwsCode(() => exposeKeyBytes(key), "ERR_KEY_NOT_EXTRACTABLE");
        const text = `${name} ${key} ${key.modeOfUse}`;
        key.destroy();
        return text;
      });
    };
    const both = (host: string) => [
      `pin SecretKey(P0 AES-128 counter 00000003) ${host[0]}`,
      `macRequest SecretKey(M6 AES-192 counter 00000003) ${host[1]}`,
      `macResponse SecretKey(M7 HMAC-256 counter 00000003) ${host[2]}`,
      "macBoth SecretKey(M6 TDES-192 counter 00000003) C",
      `dataRequest SecretKey(D0 TDES-128 counter 00000003) ${host[3]}`,
      `dataResponse SecretKey(D0 AES-256 counter 00000003) ${host[4]}`,
      "dataBoth SecretKey(D0 AES-128 counter 00000003) B",
      `keyEncryption SecretKey(K0 AES-256 counter 00000003) ${host[5]}`,
    ];
    same(shown("host"), both("DVGDEE"));
    same(shown("terminal"), both("EGVEDD"));
    bdk.destroy();
  });

  suite.test("a side's key does what that side does, and nothing else", () => {
    const bdk = bdkOf(TDES_BDK);
    const ksn = "FFFF9876543210E00001";
    const wanted = { pin: true, macRequest: true, macResponse: true, dataRequest: true } as const;
    const atHost = deriveDukptKeys(bdk, ksn, wanted);
    const atTerminal = deriveDukptKeys(bdk, ksn, wanted, { side: "terminal" });
    const data = hex("0011223344556677");
    const mac = retailMac(atTerminal.macRequest, data);
    ok(verifyMac(atHost.macRequest, data, mac, { algorithm: "RETAIL-MAC", padding: "method1" }));
    throwsCode(() => retailMac(atHost.macRequest, data), "ERR_KEY_USAGE");
    throwsCode(() => retailMac(atTerminal.macResponse, data), "ERR_KEY_USAGE");
    ok(
      !verifyMac(atTerminal.macResponse, data, mac, { algorithm: "RETAIL-MAC", padding: "method1" }),
      "the other direction's key",
    );
    const pan = "4111111111111111";
    throwsCode(() => encryptPinBlock(atHost.pin, { format: 0, pin: "1234", pan }), "ERR_KEY_USAGE");
    throwsCode(() => encryptPinBlock(atTerminal.pin, { format: 4, pin: "1234", pan }), "ERR_KEY_USAGE");
    throwsCode(() => tdesCbcEncrypt(atHost.dataRequest, data, data, { padding: "none" }), "ERR_KEY_USAGE");
    const aes = bdkOf(AES_BDK);
    const aesPin = deriveDukptKeys(aes, "123456789012345600000001", { pin: true }, { side: "terminal" }).pin;
    throwsCode(() => encryptPinBlock(aesPin, { format: 0, pin: "1234", pan }), "ERR_KEY_USAGE");
    const { ksn: _host, ...hostKeys } = atHost;
    const { ksn: _terminal, ...terminalKeys } = atTerminal;
    destroyAll(bdk, aes, aesPin, ...Object.values(hostKeys), ...Object.values(terminalKeys));
  });

  suite.test("TDES dialects by name, and both ways as request", () => {
    const bdk = bdkOf(TDES_BDK);
    const of = (wanted: DukptWanted, dataKeys?: "no-one-way" | "pin-variant"): string => {
      const options = { extractable: true, ...(dataKeys === undefined ? {} : { dataKeys }) };
      const { ksn: _, ...keys } = deriveDukptKeys(bdk, "FFFF9876543210E00001", wanted, options);
      const [key] = Object.values(keys) as SecretKey[];
      const material = toHex(exposeKeyBytes(key!));
      key!.destroy();
      return material;
    };
    same(of({ dataRequest: true }), "448D3F076D8304036A55A3D7E0055A78");
    same(of({ dataResponse: true }), "AD7BFC8B06AD3A08A560B4105CF8D9E5");
    same(of({ dataBoth: true }), of({ dataRequest: true }));
    same(of({ macBoth: true }), of({ macRequest: true }));
    same(of({ macRequest: "TDES-128" }), "042666B4918430A368DE9628D03984C9");
    same(of({ macResponse: true }), "042666B46E84CFA368DE96282F397BC9");
    same(of({ dataRequest: true }, "no-one-way"), "042666B4917BCFA368DE9628D0C67BC9");
    same(of({ dataResponse: true }, "no-one-way"), "0426664B9184CFA368DE96D7D0397BC9");
    same(of({ dataRequest: true }, "pin-variant"), of({ pin: true }));
    bdk.destroy();
  });

  suite.test("keys of 192 bits, HMAC keys, an initial key for a base derivation key", () => {
    const middle = importKey("FEDCBA9876543210F1F1F1F1F1F1F1F1FEDCBA9876543210", { algorithm: "AES", usage: "B0" });
    const ik = deriveInitialKey(middle, AES_KSN, { extractable: true });
    same(toHex(exposeKeyBytes(ik)), "5B6DEE2B5B7FABFFA32591F35BF8F23DD9329AE85131E584");
    for (const key of [middle, ik]) {
      const { pin } = deriveDukptKeys(key, "123456789012345600000001", { pin: true }, { extractable: true });
      same(toHex(exposeKeyBytes(pin)), "C5043EDC7F2C001097974D40FF82A050B64A1AB27879F3DB");
      pin.destroy();
    }
    const bdk = bdkOf(AES_BDK);
    const keys = deriveDukptKeys(
      bdk,
      "123456789012345600000001",
      { macRequest: "HMAC-128", macResponse: "HMAC-128", keyEncryption: true },
      { extractable: true },
    );
    same(toHex(exposeKeyBytes(keys.macRequest)), "27D99DA9C091C20DEC0D1C56244ADF8C");
    same(toHex(exposeKeyBytes(keys.macResponse)), "6123B83ED0F9F13DF07F15DF51BE7609");
    same(toHex(exposeKeyBytes(keys.keyEncryption)), "36A724B7BEFA5A25F5E7B5782A4554A2");
    same(keys.macRequest.hash, "SHA-256");
    destroyAll(middle, ik, bdk, keys.macRequest, keys.macResponse, keys.keyEncryption);
  });
}

function terminal(suite: Parameters<Cases>[0]): void {
  const steps = suite.interpreted === true ? 20 : 300;
  for (const { name, bdk: material, ksn, most, end, last } of schemes) {
    suite.test(`${name}: terminal and host agree from the start, and around counters with the most ones`, () => {
      const bdk = bdkOf(material);
      const from = terminalOf(material, ksn);
      for (let i = 1; i <= steps; i++) same(parseKsn(checkNext(from, bdk), bdk.algorithm as "AES").counter, i);
      for (const start of [2 ** most - 2, 0x18ff7, 0xeff7f0, 0x80000001, 0xfffe8000]) {
        if (start >= end || from.remaining === 0) continue;
        const ones = start.toString(2).replace(/0/g, "").length;
        if (ones > most) continue;
        from.skipTo(start);
        for (let i = 0; i < 12 && from.remaining > 0; i++) checkNext(from, bdk);
      }
      destroyAll(bdk, from);
    });

    suite.test(`${name}: the last counter is used, then none`, () => {
      const bdk = bdkOf(material);
      const from = terminalOf(material, ksn);
      from.skipTo(last);
      same(from.remaining, 1);
      same(parseKsn(checkNext(from, bdk), bdk.algorithm as "AES").counter, last);
      same(from.remaining, 0);
      for (let i = 0; i < 2; i++) throwsCode(() => from.next({ pin: true }), "ERR_DUKPT_EXHAUSTED");
      throwsCode(() => from.skipTo(last), "ERR_KSN");
      const storageKey = generateKey({ algorithm: "AES", usage: "K0", bits: 256 });
      const again = DukptTerminal.restore(from.save(storageKey), storageKey, { notBefore: from.ksn });
      same([again.ksn, again.remaining], [from.ksn, 0]);
      throwsCode(() => again.next({ pin: true }), "ERR_DUKPT_EXHAUSTED");
      destroyAll(bdk, from, again, storageKey);
    });
  }

  suite.test("how many transactions are left", () => {
    const expected = { [TDES_KSN]: 1_048_575, [AES_KSN]: 2_448_023_842 };
    for (const [ksn, remaining] of Object.entries(expected)) {
      const from = terminalOf(ksn === TDES_KSN ? TDES_BDK : AES_BDK, ksn);
      same(from.remaining, remaining);
      from.next({ pin: true }).pin.destroy();
      same(from.remaining, remaining - 1);
      from.skipTo(0x1000);
      same(from.remaining, remaining - (ksn === TDES_KSN ? 0xfff - 12 - 1 : 0xfff));
      from.destroy();
    }
  });

  suite.test("skipping spends what is between, and only moves forward", () => {
    const bdk = bdkOf(AES_BDK);
    const from = terminalOf(AES_BDK, AES_KSN);
    for (const counter of [1, 2, 3, 4, 7, 8, 12, 1000, 1001, 0xffff, 0x10000, 0x80000000, 0x80000003, 0xffff0000]) {
      from.skipTo(counter);
      same(parseKsn(from.ksn).counter, counter);
      same(parseKsn(checkNext(from, bdk)).counter, counter);
      throwsCode(() => from.skipTo(counter), "ERR_KSN");
    }
    destroyAll(from);
    const other = terminalOf(AES_BDK, AES_KSN);
    for (const counter of [0, -1, 0x1ffff, 0xffffffff, 2 ** 32, 2 ** 40]) throwsCode(() => other.skipTo(counter), "ERR_KSN");
    for (const counter of [1.5, Number.NaN, "2", undefined]) {
      throwsCode(() => other.skipTo(counter as number), "ERR_INVALID_ARGUMENT");
    }
    same(checkNext(other, bdk), "123456789012345600000001");
    destroyAll(bdk, other);
  });

  suite.test("loading: where it starts, whose the initial key is, when the KSN disagrees", () => {
    const bdk = bdkOf(AES_BDK);
    const zmk = importKey(AES_BDK_256, { algorithm: "AES", usage: "K0" });
    for (const [counter, first] of [
      ["00000000", "00000001"],
      ["00000001", "00000001"],
      ["00000005", "00000005"],
    ]) {
      const ik = deriveInitialKey(bdk, AES_KSN);
      const from = DukptTerminal.load(ik, AES_KSN.slice(0, 16) + counter);
      same(from.ksn, AES_KSN.slice(0, 16) + first);
      same(ik.destroyed, true);
      checkNext(from, bdk);
      from.destroy();
    }
    const kept = deriveInitialKey(bdk, AES_KSN);
    destroyAll(DukptTerminal.load(kept, AES_KSN, { keep: true }));
    same(kept.destroyed, false);
    throwsCode(() => DukptTerminal.load(kept, `${AES_KSN.slice(0, 16)}0001FFFF`), "ERR_KSN");
    throwsCode(() => DukptTerminal.load(kept, undefined), "ERR_KSN");
    throwsCode(() => DukptTerminal.load(kept, TDES_KSN.slice(4)), "ERR_KSN");
    same(kept.destroyed, false);

    const block = issueInitialKey(bdk, AES_KSN, zmk);
    const opened = () => unwrapKeyBlock(zmk, block, { expectUsage: "B1" });
    const fromBlock = DukptTerminal.load(opened());
    same(checkNext(fromBlock, bdk), "123456789012345600000001");
    destroyAll(fromBlock, DukptTerminal.load(opened(), "123456789012345600000009"));
    const foreign = opened();
    throwsCode(() => DukptTerminal.load(foreign, "123456789012345700000001"), "ERR_KSN");
    throwsCode(() => DukptTerminal.load(foreign, "0E111111112222200000"), "ERR_KSN");
    const bare = unwrapKeyBlock(zmk, wrapKeyBlock(zmk, kept));
    throwsCode(() => DukptTerminal.load(bare), "ERR_KSN", /pass the terminal's KSN/);
    destroyAll(bdk, zmk, kept, foreign.key, bare.key);
  });

  for (const { name, bdk: material, ksn } of schemes) {
    suite.test(`${name}: an initial key is issued in a block, and loads the terminal that the host knows`, () => {
      const bdk = bdkOf(material);
      const zmk = importKey(AES_BDK_256, { algorithm: "AES", usage: "K0" });
      const loaded = DukptTerminal.load(unwrapKeyBlock(zmk, issueInitialKey(bdk, ksn, zmk)));
      for (let i = 0; i < 3; i++) checkNext(loaded, bdk);
      destroyAll(bdk, zmk, loaded);
    });
  }

  suite.test("a refused call spends nothing; a destroyed terminal does nothing", () => {
    const from = terminalOf(TDES_BDK, TDES_KSN);
    const before = from.ksn;
    throwsCode(() => from.next({}), "ERR_INVALID_ARGUMENT");
    throwsCode(() => from.next({ pin: "AES-128" }), "ERR_KEY_USAGE");
    throwsCode(() => from.next({ pin: true }, { macUsage: "M9" as "M1" }), "ERR_INVALID_ARGUMENT");
    same(from.ksn, before);
    const storageKey = generateKey({ algorithm: "AES", usage: "K0", bits: 128 });
    throwsCode(() => from.update("D0112P0AE00E0000"), "ERR_KEY_USAGE");
    from.destroy();
    from.destroy();
    same([from.destroyed, from.ksn], [true, before]);
    for (const body of [
      () => from.next({ pin: true }),
      () => from.skipTo(5),
      () => from.save(storageKey),
      () => from.update(""),
    ]) {
      throwsCode(body, "ERR_KEY_DESTROYED");
    }
    const make = DukptTerminal as unknown as new () => DukptTerminal;
    throwsCode(() => new make(), "ERR_INVALID_ARGUMENT");
    storageKey.destroy();
  });

  suite.test("a terminal prints its place and nothing else", () => {
    const from = terminalOf(AES_BDK, AES_KSN);
    same(`${from}`, "DukptTerminal(AES-128 123456789012345600000001)");
    same(JSON.stringify({ from }), '{"from":"DukptTerminal(AES-128 123456789012345600000001)"}');
    same(Object.keys(from), []);
    from.destroy();
  });
}

function states(suite: Parameters<Cases>[0]): void {
  for (const { name, bdk: material, ksn } of schemes) {
    suite.test(`${name}: saved and restored after every transaction`, () => {
      const bdk = bdkOf(material);
      const storageKey = generateKey({ algorithm: "AES", usage: "K1", bits: 256 });
      let from = terminalOf(material, ksn);
      for (let i = 1; i <= 20; i++) {
        const used = checkNext(from, bdk);
        const saved = from.save(storageKey);
        const next = from.ksn;
        from.destroy();
        from = DukptTerminal.restore(saved, storageKey, { notBefore: next });
        same(from.ksn, next);
        ok(next > used);
      }
      destroyAll(bdk, storageKey, from);
    });
  }

  suite.test("older states, another terminal's, damaged ones, other keys", () => {
    const storageKey = generateKey({ algorithm: "AES", usage: "K0", bits: 256 });
    const other = generateKey({ algorithm: "AES", usage: "K0", bits: 256 });
    const from = terminalOf(AES_BDK, AES_KSN);
    const old = from.save(storageKey);
    from.next({ pin: true }).pin.destroy();
    const now = from.save(storageKey);
    ok(old !== now);
    throwsCode(() => DukptTerminal.restore(old, storageKey, { notBefore: from.ksn }), "ERR_DUKPT_STATE", /older/);
    destroyAll(DukptTerminal.restore(now, storageKey, { notBefore: from.ksn }));
    destroyAll(DukptTerminal.restore(old, storageKey));
    const foreign = "123456789012345700000001";
    throwsCode(() => DukptTerminal.restore(now, storageKey, { notBefore: foreign }), "ERR_DUKPT_STATE", /another terminal/);
    throwsCode(() => DukptTerminal.restore(now, storageKey, { notBefore: "12" }), "ERR_KSN");
    throwsCode(() => DukptTerminal.restore(now, other), "ERR_DUKPT_STATE");
    for (const length of [0, 10, 16, 100, now.length - 1]) {
      throwsCode(() => DukptTerminal.restore(now.slice(0, length), storageKey), "ERR_DUKPT_STATE");
    }
    for (const at of [20, 40, 200, now.length - 40, now.length - 1]) {
      const changed = now.slice(0, at) + (now[at] === "0" ? "1" : "0") + now.slice(at + 1);
      throwsCode(() => DukptTerminal.restore(changed, storageKey), "ERR_DUKPT_STATE");
    }
    throwsCode(() => DukptTerminal.restore(7 as unknown as string, storageKey), "ERR_INVALID_ARGUMENT");
    destroyAll(storageKey, other, from);
  });

  suite.test("authentic blocks that hold no terminal", () => {
    const storageKey = generateKey({ algorithm: "AES", usage: "K0", bits: 128 });
    const data = generateKey({ algorithm: "AES", usage: "D0", bits: 128, exportability: "E" });
    throwsCode(() => DukptTerminal.restore(wrapKeyBlock(storageKey, data), storageKey), "ERR_DUKPT_STATE");
    const blocks = (bytes: Uint8Array) => {
      const fake = importKey(bytes, { algorithm: "OPAQUE", usage: "10", exportability: "E" });
      const header = { algorithm: "0", optionalBlocks: [{ id: "IK", data: AES_KSN.slice(0, 16) }] };
      try {
        return wrapKeyBlock(storageKey, fake, header, { grammar: "lenient" });
      } finally {
        fake.destroy();
      }
    };
    const head = (...bytes: number[]) => {
      const state = new Uint8Array(576);
      state.set(bytes);
      return state;
    };
    const states = [
      new Uint8Array(16).fill(1),
      head(),
      head(1, 16, 32, 0, 0, 0, 0, 1),
      head(1, 16, 32, 1, 0, 0, 0, 0),
      head(1, 16, 32, 1, 0, 1, 255, 255),
      head(1, 16, 33, 1, 0, 0, 0, 1),
      head(1, 32, 32, 1, 0, 0, 0, 1),
      head(2, 16, 21, 1, 0, 0, 0, 1),
      head(3, 16, 32, 1, 0, 0, 0, 1),
      head(1, 16, 21, 1, 0, 32, 0, 0),
      head(1, 16, 32, 1, 0, 0, 0, 1),
    ];
    for (const state of states) throwsCode(() => DukptTerminal.restore(blocks(state), storageKey), "ERR_DUKPT_STATE");
    // A head as it should be, of this terminal, with no register in use: there is no next key.
    const empty = head(1, 16, 32, 1, 0, 0, 0, 1);
    empty.set(hex(AES_KSN.slice(0, 16)), 12);
    const hollow = DukptTerminal.restore(blocks(empty), storageKey);
    throwsCode(() => hollow.next({ pin: true }), "ERR_DUKPT_STATE");
    same(parseKsn(hollow.ksn).counter, 1);
    throwsCode(() => hollow.skipTo(3), "ERR_DUKPT_STATE");
    destroyAll(storageKey, data, hollow);
  });

  suite.test("storage keys that will not do", () => {
    const from = terminalOf(AES_BDK_256, AES_KSN);
    const narrow = generateKey({ algorithm: "AES", usage: "K0", bits: 128 });
    const data = generateKey({ algorithm: "AES", usage: "D0", bits: 256 });
    const tdes = generateKey({ algorithm: "TDES", usage: "K0", bits: 192 });
    const opening = generateKey({ algorithm: "AES", usage: "K0", bits: 256, modeOfUse: "D" });
    throwsCode(() => from.save(narrow), "ERR_KEY_USAGE");
    throwsCode(() => from.save(data), "ERR_KEY_USAGE");
    throwsCode(() => from.save(tdes), "ERR_KEY_BLOCK_KBPK");
    throwsCode(() => from.save(opening), "ERR_KEY_USAGE");
    destroyAll(from, narrow, data, tdes, opening);
  });

  suite.test("a new initial key under the update key", () => {
    const bdk = bdkOf(AES_BDK);
    const from = terminalOf(AES_BDK, AES_KSN);
    const updateKey = importKey("9A9770AEE1ACD1B13473D0463A1883B9", { algorithm: "AES", usage: "K0" });
    const stranger = importKey("9A9770AEE1ACD1B13473D0463A1883BA", { algorithm: "AES", usage: "K0" });
    const next = "ABCDEF012345678900000000";
    from.next({ pin: true }).pin.destroy();
    const before = from.ksn;
    throwsCode(() => from.update(issueInitialKey(bdk, next, stranger)), "ERR_KEY_BLOCK_MAC");
    const pin = generateKey({ algorithm: "AES", usage: "P0", bits: 128, exportability: "E" });
    throwsCode(() => from.update(wrapKeyBlock(updateKey, pin)), "ERR_KEY_BLOCK_POLICY");
    throwsCode(() => from.update("nonsense"), "ERR_KEY_BLOCK_SYNTAX");
    same(from.ksn, before);
    from.update(issueInitialKey(bdk, next, updateKey));
    same(from.ksn, "ABCDEF012345678900000001");
    checkNext(from, bdk);
    throwsCode(() => from.update(issueInitialKey(bdk, next, updateKey)), "ERR_KEY_BLOCK_MAC");
    destroyAll(bdk, from, updateKey, stranger, pin);
  });

  suite.test("keys of a terminal make and verify what the host's verify and make", () => {
    const bdk = bdkOf(AES_BDK);
    const from = terminalOf(AES_BDK, AES_KSN);
    const atTerminal = from.next({ macRequest: true, macResponse: true });
    const atHost = deriveDukptKeys(bdk, atTerminal.ksn, { macRequest: true, macResponse: true });
    const data = hex("00112233");
    ok(verifyMac(atHost.macRequest, data, aesCmac(atTerminal.macRequest, data), { algorithm: "CMAC" }));
    ok(verifyMac(atTerminal.macResponse, data, aesCmac(atHost.macResponse, data), { algorithm: "CMAC" }));
    throwsCode(() => aesCmac(atHost.macRequest, data), "ERR_KEY_USAGE");
    destroyAll(bdk, from, atTerminal.macRequest, atTerminal.macResponse, atHost.macRequest, atHost.macResponse);
  });
}

export const dukptCases: Cases = (suite) => {
  suite.group("DUKPT: key serial numbers", () => parsing(suite));
  suite.group("DUKPT: host", () => host(suite));
  suite.group("DUKPT: terminal", () => terminal(suite));
  suite.group("DUKPT: states", () => states(suite));
};
