/**
 * Request and attestation signatures: our vectors both ways, every change of every field, texts that nobody may sign, keys, nonces.
 */
import {
  type AttestationFields,
  createNonce,
  importKey,
  type RequestFields,
  signAttestation,
  signRequest,
  signRequests,
  verifyAttestationSignature,
  verifyRequestSignature,
  verifyRequests,
} from "../../ts/index.js";
import { setRandomSource } from "../../ts/base/random.js";
import { formatTimestamp, isSentTimestamp, parseTimestamp } from "../../ts/base/timestamp.js";
import vectors from "../../vectors/signatures.json" with { type: "json" };
import { ascii, type Cases, hex, ok, same, throwsCode } from "../harness.js";

const secret = "6F1C83D40B9E2A75F3581E6CD9A70B424D98E1537AC60F2BB4E8931D65F0A7C2";
const macKey = (modeOfUse = "C") => importKey(secret, { algorithm: "HMAC", usage: "M7", modeOfUse });

const request: RequestFields = {
  method: "POST",
  path: "/pos/charge",
  body: '{"format":"TR31-DATA"}',
  terminalId: "TID-004812",
  timestamp: "2025-12-13T14:35:00Z",
  nonce: "f9e8d7c6b5a4",
};
const attestation: AttestationFields = {
  deviceId: "POS-8F3A2C91",
  keyId: "device-id-key-2025-01",
  timestamp: "2025-12-13T14:25:30Z",
  nonce: "a1b2c3d4e5f6",
};

function withKey(body: (key: ReturnType<typeof macKey>) => void): void {
  const key = macKey();
  try {
    body(key);
  } finally {
    key.destroy();
  }
}

interface Vector extends Partial<RequestFields & AttestationFields> {
  id: string;
  kind: string;
  key: string;
  bodyHex?: string;
  text: string;
  signature: string;
}

/** Texts that no line may be, with the beginning of what is said about them. */
const badLines: readonly [string, string][] = [
  ["", "text that is not empty"],
  ["a\nb", "text without control characters"],
  ["a\r", "text without control characters"],
  ["\0", "text without control characters"],
  ["a\tb", "text without control characters"],
  ["\x1f", "text without control characters"],
  ["a\x7f", "text without control characters"],
  ["a\x80", "text without control characters"],
  ["\x85a", "text without control characters"],
  ["a\x9fb", "text without control characters"],
  ["a\ud800", "text without lone surrogates"],
  ["\udc00a", "text without lone surrogates"],
  ["\udc00\ud800", "text without lone surrogates"],
];

const sentOnly = ["2025-12-13T14:35:00Z", "2024-02-29T00:00:00Z", "2000-02-29T23:59:59Z", "1999-12-31T23:59:59Z"];
const acceptedToo = [
  "2025-12-13T14:35:00.1Z",
  "2025-12-13T14:35:00.123456789Z",
  "2025-12-13T14:35:00+00:00",
  "2025-12-13T14:35:00.5+00:00",
];
const noTimestamps = [
  "",
  "now",
  "2025-12-13",
  "2025-12-13 14:35:00Z",
  "2025-12-13t14:35:00Z",
  "2025-12-13T14:35:00z",
  "2025-12-13T14:35:00",
  "2025-12-13T14:35Z",
  "2025-12-13T14:35:00+01:00",
  "2025-12-13T14:35:00-00:00",
  "2025-12-13T14:35:00.Z",
  "2025-12-13T14:35:00,5Z",
  "2025-12-13T14:35:00.5",
  "2025-12-13T14:35:00Z\n",
  " 2025-12-13T14:35:00Z",
  "2025-00-13T14:35:00Z",
  "2025-13-13T14:35:00Z",
  "2025-12-00T14:35:00Z",
  "2025-11-31T14:35:00Z",
  "2025-02-29T14:35:00Z",
  "1900-02-29T14:35:00Z",
  "2025-12-13T24:00:00Z",
  "2025-12-13T14:60:00Z",
  "2025-12-13T14:35:60Z",
  "+025-12-13T14:35:00Z",
  "20251-12-13T14:35:00Z",
  "2025-12-13T14:35:0\u0660Z",
];

export const signatureCases: Cases = (suite) => {
  suite.group("signatures: our vectors", () => {
    for (const { id, kind, key, bodyHex, text: _text, signature, ...fields } of vectors.vectors as Vector[]) {
      suite.test(id, () => {
        const mac = importKey(key, { algorithm: "HMAC", usage: "M7" });
        if (kind === "attestation") {
          same(signAttestation(mac, fields as AttestationFields), signature, "signature");
          ok(verifyAttestationSignature(mac, signature, fields as AttestationFields), "verifies");
        } else {
          const whole = { ...fields, ...(bodyHex === undefined ? {} : { body: hex(bodyHex) }) } as RequestFields;
          same(signRequest(mac, whole), signature, "signature");
          ok(verifyRequestSignature(mac, signature, whole), "verifies");
        }
        mac.destroy();
      });
    }
  });

  suite.group("signatures: what they bind", () => {
    suite.test("form; text and bytes of a body are one; no body and an empty one are one", () => {
      withKey((key) => {
        const signature = signRequest(key, request);
        ok(/^v1=[0-9A-Za-z+/]{43}=$/.test(signature), "form");
        same(signRequest(key, { ...request, body: ascii(request.body as string) }), signature, "bytes");
        const { body: _body, ...bodiless } = request;
        same(signRequest(key, { ...request, body: "" }), signRequest(key, bodiless), "no body");
        same(signRequest(key, { ...request, body: new Uint8Array(0) }), signRequest(key, bodiless), "empty bytes");
      });
    });

    suite.test("every field counts", () => {
      withKey((key) => {
        const signature = signRequest(key, request);
        const changes: Partial<RequestFields>[] = [
          { method: "PUT" },
          { path: "/pos/charge/" },
          { path: "/pos/charge?" },
          { body: '{"format":"TR31-DATA"} ' },
          { body: "" },
          { terminalId: "TID-004813" },
          { timestamp: "2025-12-13T14:35:01Z" },
          { timestamp: "2025-12-13T14:35:00.0Z" },
          { timestamp: "2025-12-13T14:35:00+00:00" },
          { nonce: "f9e8d7c6b5a5" },
          { nonce: "F9e8d7c6b5a4" },
        ];
        for (const change of changes) {
          ok(!verifyRequestSignature(key, signature, { ...request, ...change }), JSON.stringify(change));
        }
        const attested = signAttestation(key, attestation);
        for (const change of [
          { deviceId: "POS-8F3A2C92" },
          { keyId: "other" },
          { timestamp: "2025-12-13T14:25:31Z" },
          { nonce: "a1b2c3d4e5f7" },
        ]) {
          ok(!verifyAttestationSignature(key, attested, { ...attestation, ...change }), JSON.stringify(change));
        }
        const other = importKey("00".repeat(32), { algorithm: "HMAC", usage: "M7" });
        ok(!verifyRequestSignature(other, signature, request), "another key");
        other.destroy();
      });
    });

    suite.test("every character of a signature counts; other forms are false", () => {
      withKey((key) => {
        const signature = signRequest(key, request);
        for (let i = 0; i < signature.length; i++) {
          const changed = signature.slice(0, i) + (signature[i] === "A" ? "B" : "A") + signature.slice(i + 1);
          ok(!verifyRequestSignature(key, changed, request), `character ${i}`);
        }
        const others = [
          "",
          "v1=",
          signature.slice(3),
          signature.slice(0, -1),
          `${signature}=`,
          ` ${signature}`,
          `${signature}\n`,
          signature.replace("v1", "v2"),
          signature.replace("v1", "V1"),
        ];
        for (const other of others) ok(!verifyRequestSignature(key, other, request), JSON.stringify(other));
        // The last character before the padding has two bits that Base64 decoders drop.
        for (const last of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
          const twin = `${signature.slice(0, -2)}${last}=`;
          same(verifyRequestSignature(key, twin, request), twin === signature, `ends with ${last}`);
        }
      });
    });

    suite.test("accepted forms of a timestamp are signed as text", () => {
      const [host, key] = [macKey("V"), macKey("G")];
      for (const timestamp of acceptedToo) {
        throwsCode(() => signRequest(key, { ...request, timestamp }), "ERR_INVALID_ARGUMENT", /^"timestamp" must be /);
        const signature = signRequest(key, request);
        ok(!verifyRequestSignature(host, signature, { ...request, timestamp }), `${timestamp} is another text`);
      }
      host.destroy();
      key.destroy();
    });
  });

  suite.group("signatures: texts that nobody may sign", () => {
    suite.test("control characters and lone surrogates in a line: signing throws, verifying is false", () => {
      withKey((key) => {
        const [signature, attested] = [signRequest(key, request), signAttestation(key, attestation)];
        for (const [text, expected] of badLines) {
          for (const name of ["path", "terminalId"] as const) {
            const value = name === "path" ? `/${text}` : text;
            if (value === "/") continue;
            const fields = { ...request, [name]: value };
            throwsCode(
              () => signRequest(key, fields),
              "ERR_INVALID_ARGUMENT",
              `"${name}" must be ${expected}, got other content`,
            );
            same(verifyRequestSignature(key, signature, fields), false, `${name} ${JSON.stringify(text)}`);
          }
          for (const name of ["deviceId", "keyId"] as const) {
            const fields = { ...attestation, [name]: text };
            throwsCode(
              () => signAttestation(key, fields),
              "ERR_INVALID_ARGUMENT",
              `"${name}" must be ${expected}, got other content`,
            );
            same(verifyAttestationSignature(key, attested, fields), false, `${name} ${JSON.stringify(text)}`);
          }
        }
      });
    });

    suite.test("methods, paths, nonces, bodies", () => {
      withKey((key) => {
        const wrong: readonly (readonly [Partial<RequestFields>, RegExp])[] = [
          ...["", "post", "POST ", "PO\nST", "P0ST"].map(
            (method) => [{ method }, /^"method" must be upper-case letters/] as const,
          ),
          ...["", "pos/charge", "https://api.example/pos/charge", " /pos"].map(
            (path) => [{ path }, /^"path" must be a request target/] as const,
          ),
          ...["", "a1b2c3d4e5f", "a1b2c3d4e5f-", "a1b2c3d4e5f6\n", "ä1b2c3d4e5f6", "a1b2c3 4e5f6"].map(
            (nonce) => [{ nonce }, /^"nonce" must be at least 12/] as const,
          ),
          ...["\ud800", '{"a":"\udfff"}'].map((body) => [{ body }, /^"body" must be text without lone surrogates/] as const),
          ...noTimestamps.map((timestamp) => [{ timestamp }, /^"timestamp" must be an RFC 3339 time/] as const),
        ];
        const signature = signRequest(key, request);
        for (const [change, message] of wrong) {
          throwsCode(() => signRequest(key, { ...request, ...change }), "ERR_INVALID_ARGUMENT", message);
          same(verifyRequestSignature(key, signature, { ...request, ...change }), false, JSON.stringify(change));
        }
        ok(
          signRequest(key, { ...request, path: "/pos/caf\u00e9", terminalId: "T \ud83d\ude00" }) !== signature,
          "text beyond ASCII is allowed",
        );
      });
    });

    suite.test("no two requests have one text: a field cannot borrow from its neighbour", () => {
      withKey((key) => {
        const whole = signRequest(key, { ...request, body: "x\nTID-1", terminalId: "TID-2" });
        ok(!verifyRequestSignature(key, whole, { ...request, body: "x", terminalId: "TID-1\nTID-2" }), "body into terminal id");
        ok(
          !verifyRequestSignature(key, whole, { ...request, path: "/pos/charge\nx", body: "TID-1", terminalId: "TID-2" }),
          "body into path",
        );
      });
    });

    suite.test("wrong types throw on both sides", () => {
      withKey((key) => {
        const signature = signRequest(key, request);
        for (const name of ["method", "path", "terminalId", "timestamp", "nonce"] as const) {
          for (const value of [undefined, null, 1, ["/"], new Date(0)]) {
            const fields = { ...request, [name]: value } as unknown as RequestFields;
            throwsCode(() => signRequest(key, fields), "ERR_INVALID_ARGUMENT", new RegExp(`^"${name}" must be text, got `));
            throwsCode(() => verifyRequestSignature(key, signature, fields), "ERR_INVALID_ARGUMENT", new RegExp(`^"${name}" `));
          }
        }
        for (const body of [null, 1, {}, ["x"]]) {
          throwsCode(
            () => signRequest(key, { ...request, body } as unknown as RequestFields),
            "ERR_INVALID_ARGUMENT",
            /^"body" must be /,
          );
        }
        for (const wrong of [undefined, null, 1, {}]) {
          throwsCode(
            () => verifyRequestSignature(key, wrong as unknown as string, request),
            "ERR_INVALID_ARGUMENT",
            /^"signature" must be text/,
          );
        }
        throwsCode(
          () => signRequest(key, Object.create(request)),
          "ERR_INVALID_ARGUMENT",
          /^"method" must be text, got undefined/,
        );
      });
    });
  });

  suite.group("signatures: keys", () => {
    suite.test("G signs, V verifies, C and N do both, other modes and usages neither", () => {
      const make = (modeOfUse: string) => importKey(secret, { algorithm: "HMAC", usage: "M7", modeOfUse });
      const [g, v, c, n] = [make("G"), make("V"), make("C"), make("N")];
      const signature = signRequest(g, request);
      ok(verifyRequestSignature(v, signature, request) && verifyRequestSignature(c, signature, request), "verify");
      same([signRequest(c, request), signRequest(n, request)], [signature, signature], "sign");
      throwsCode(() => signRequest(v, request), "ERR_KEY_USAGE", /"macKey"/);
      throwsCode(() => signAttestation(v, attestation), "ERR_KEY_USAGE", /"identityKey"/);
      throwsCode(() => verifyRequestSignature(g, signature, request), "ERR_KEY_USAGE");
      throwsCode(() => verifyAttestationSignature(g, signature, attestation), "ERR_KEY_USAGE");
      for (const key of [g, v, c, n]) key.destroy();
      throwsCode(() => signRequest(g, request), "ERR_KEY_DESTROYED");
    });

    suite.test("other algorithms, usages and hashes are refused", () => {
      const others = [
        importKey(secret, { algorithm: "AES", usage: "M6" }),
        importKey(secret, { algorithm: "AES", usage: "D0" }),
        ...(["SHA-1", "SHA-224", "SHA-384", "SHA-512"] as const).map((hash) =>
          importKey(secret, { algorithm: "HMAC", usage: "M7", hash }),
        ),
      ];
      for (const key of others) {
        throwsCode(() => signRequest(key, request), "ERR_KEY_USAGE");
        throwsCode(() => verifyRequestSignature(key, "v1=", request), "ERR_KEY_USAGE");
        throwsCode(() => signAttestation(key, attestation), "ERR_KEY_USAGE");
        throwsCode(() => verifyAttestationSignature(key, "v1=", attestation), "ERR_KEY_USAGE");
        key.destroy();
      }
    });

    suite.test("batches give what single calls give, in order", () => {
      withKey((key) => {
        const batch = Array.from({ length: 9 }, (_, i) => ({ ...request, body: "x".repeat(i * 37), nonce: `nonce0000000${i}` }));
        const signatures = signRequests(key, batch);
        same(
          signatures,
          batch.map((fields) => signRequest(key, fields)),
          "signatures",
        );
        const signed = batch.map((fields, i) => ({ ...fields, signature: i % 3 === 1 ? "v1=" : (signatures[i] as string) }));
        same(
          verifyRequests(key, signed),
          batch.map((_, i) => i % 3 !== 1),
          "verdicts",
        );
        same([signRequests(key, []), verifyRequests(key, [])], [[], []], "empty");
        throwsCode(() => signRequests(key, [request, { ...request, nonce: "short" }]), "ERR_INVALID_ARGUMENT", /^"nonce"/);
        throwsCode(() => verifyRequests(key, [request as never]), "ERR_INVALID_ARGUMENT", /^"signature"/);
      });
    });
  });

  suite.group("nonces", () => {
    suite.test("22 letters and digits, all of them, never twice, good for signing", () => {
      const seen = new Set<string>();
      const used = new Set<string>();
      for (let i = 0; i < 500; i++) {
        const nonce = createNonce();
        ok(/^[0-9A-Za-z]{22}$/.test(nonce), "form");
        seen.add(nonce);
        for (const character of nonce) used.add(character);
      }
      same([seen.size, used.size], [500, 62], "nonces and characters");
      withKey((key) => ok(signRequest(key, { ...request, nonce: createNonce() }), "signs"));
    });

    suite.test("bytes that would favour some characters are drawn again", () => {
      let draws = 0;
      const before = setRandomSource((n) => new Uint8Array(n).fill(draws++ === 0 ? 248 : 247));
      try {
        same(createNonce(), "9".repeat(22), "nonce");
        same(draws, 2, "draws");
        setRandomSource((n) => new Uint8Array(n).fill(255));
        throwsCode(() => createNonce(), "ERR_NO_RANDOM", /again and again/);
      } finally {
        setRandomSource(before);
      }
    });
  });

  suite.group("timestamps", () => {
    suite.test("RFC 3339 in UTC, and nothing else", () => {
      for (const text of sentOnly) {
        same(parseTimestamp(text), Date.parse(text), text);
        same([isSentTimestamp(text), formatTimestamp(Date.parse(text))], [true, text], text);
      }
      for (const text of acceptedToo) {
        same(parseTimestamp(text), Date.parse(text), text);
        same(isSentTimestamp(text), false, `${text} is not the form that is sent`);
      }
      for (const text of noTimestamps) same(parseTimestamp(text), undefined, JSON.stringify(text));
      same(formatTimestamp(Date.parse("2025-12-13T14:35:00.999Z")), "2025-12-13T14:35:00Z", "cut, not rounded");
    });
  });
};
