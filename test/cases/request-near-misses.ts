/**
 * `explainRequestSignature`: every planted mistake is named, alone and in pairs, and nothing is named where no known mistake was made.
 */
import { explainRequestSignature, hmacSha256, importKey, type RequestFields, type SecretKey } from "../../ts/index.js";
import { encodeBase64, encodeUtf8 } from "../../ts/base/bytes.js";
import { type Cases, same, throwsCode, toHex } from "../harness.js";

const secret = "6F1C83D40B9E2A75F3581E6CD9A70B424D98E1537AC60F2BB4E8931D65F0A7C2";

const request: RequestFields = {
  method: "POST",
  path: "/api/pos/charge?trace=1&a=2",
  body: '{"format":"TR31-DATA","note":"Caf\u00e9 1/2"}',
  terminalId: "TID-004812",
  timestamp: "2025-12-13T14:35:00Z",
  nonce: "f9E8d7c6b5a4",
};

/** The same, where a case makes its own from it. */
const plain = request;

const lines = ({ method, path, body, terminalId, timestamp, nonce }: RequestFields): string[] => [
  method,
  path,
  body as string,
  terminalId,
  timestamp,
  nonce,
];
const textOf = (fields: RequestFields, separator = "\n"): string => lines(fields).join(separator);

/** HMAC over any text, as an implementation with a mistake makes it. */
function mac(text: string): Uint8Array {
  const key = importKey(secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "C" });
  try {
    return hmacSha256(key, encodeUtf8(text));
  } finally {
    key.destroy();
  }
}

const sent = (text: string): string => `v1=${encodeBase64(mac(text))}`;

function withKey(body: (key: SecretKey) => void): void {
  const key = importKey(secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "V" });
  try {
    body(key);
  } finally {
    key.destroy();
  }
}

/** Mistakes in one field: what was signed instead, and how it must be named. */
const inOneField: readonly [what: string, signed: Partial<RequestFields>, received?: Partial<RequestFields>][] = [
  ["the path without its query", { path: "/api/pos/charge" }],
  ["the path with a slash at its end", { path: "/api/pos/charge/?trace=1&a=2" }],
  ["the path without the slash at its end", { path: "/pos" }, { path: "/pos/" }],
  ["the path with a question mark at its end", { path: "/pos?" }, { path: "/pos" }],
  ["the path without the slash in front", { path: "api/pos/charge?trace=1&a=2" }],
  ["the path without /api in front", { path: "/pos/charge?trace=1&a=2" }],
  ["the path with /api/v1 in front", { path: "/api/v1/pos" }, { path: "/pos" }],
  ["the query in alphabetical order", { path: "/api/pos/charge?a=2&trace=1" }],
  ["the path with its percent signs decoded", { path: "/pos/a b" }, { path: "/pos/a%20b" }],
  ["the path in small letters", { path: "/pos/charge" }, { path: "/POS/Charge" }],
  ["no body", { body: "" }],
  ["no body", { body: "" }, { body: "{}" }],
  ["the body {}", { body: "{}" }, { body: "" }],
  [
    "the body as JSON written anew, with a space after commas and colons",
    { body: '{"format": "TR31-DATA", "note": "Caf\u00e9 1/2"}' },
  ],
  ["the body as JSON written anew, without white space", { body: '{"a":[1,2]}' }, { body: '{ "a": [1, 2] }' }],
  ["the body as JSON written anew, indented by two spaces", { body: '{\n  "a": 1\n}' }, { body: '{"a":1}' }],
  ["the body as JSON with its members in alphabetical order", { body: '{"a":1,"b":2}' }, { body: '{"b":2,"a":1}' }],
  ["the body as JSON with escaped slashes", { body: '{"format":"TR31-DATA","note":"Caf\u00e9 1\\/2"}' }],
  ["the body as JSON with \\u for what is not ASCII", { body: '{"format":"TR31-DATA","note":"Caf\\u00e9 1/2"}' }],
  ["the body without the line end at its end", { body: "{}" }, { body: "{}\n" }],
  ["the body with a line end (LF) at its end", { body: `${request.body as string}\n` }],
  ["the body with CR LF as line ends", { body: '{\r\n"a":1}' }, { body: '{\n"a":1}' }],
  ["the body without its byte order mark", { body: "text" }, { body: "\ufefftext" }],
  ["the time with +00:00 instead of Z", { timestamp: "2025-12-13T14:35:00+00:00" }],
  ["the time without its fraction", { timestamp: "2025-12-13T14:35:00Z" }, { timestamp: "2025-12-13T14:35:00.25Z" }],
  ["the time with the fraction .417", { timestamp: "2025-12-13T14:35:00.417Z" }],
  ["the time with the fraction .000", { timestamp: "2025-12-13T14:35:00.000Z" }],
  ["the time in seconds since 1970", { timestamp: "1765636500" }],
  ["the time in milliseconds since 1970", { timestamp: "1765636500000" }],
  ["the time 2 seconds earlier", { timestamp: "2025-12-13T14:34:58Z" }],
  ["the time 1 second later", { timestamp: "2025-12-13T14:35:01Z" }],
  ["the method in small letters", { method: "post" }],
  ["the method GET", { method: "GET" }],
  ["the terminal id in small letters", { terminalId: "tid-004812" }],
  ["the terminal id in capital letters", { terminalId: "TID-00481A" }, { terminalId: "TID-00481a" }],
  ["no terminal id", { terminalId: "" }],
  ["the nonce in capital letters", { nonce: "F9E8D7C6B5A4" }],
  [
    "the nonce with the hyphens of a UUID",
    { nonce: "01234567-89ab-cdef-0123-456789abcdef" },
    { nonce: "0123456789abcdef0123456789abcdef" },
  ],
];

export const requestNearMissCases: Cases = (suite) => {
  suite.group("near misses of a request's signature", () => {
    for (const [what, signed, received = {}] of inOneField) {
      suite.test(`${what}${signed.body === "" && received.body === "{}" ? " where {} came" : ""}`, () => {
        const [arrived, made] = [
          { ...request, ...received },
          { ...request, ...received, ...signed },
        ];
        withKey((key) => {
          same(explainRequestSignature(key, sent(textOf(arrived)), arrived), { verifies: true, nearMisses: [] }, "the right one");
          const { verifies, nearMisses } = explainRequestSignature(key, sent(textOf(made)), arrived);
          same([verifies, nearMisses.map((miss) => miss.what)], [false, [what]]);
          same(lines(nearMisses[0]!.fields), lines(made), "the fields that were signed");
        });
      });
    }

    suite.test("digests of the body in its place", () => {
      // SHA-256 of "abc": FIPS 180-4.
      const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
      withKey((key) => {
        for (const [body, what] of [
          [digest, "the SHA-256 of the body in hex, small letters"],
          [digest.toUpperCase(), "the SHA-256 of the body in hex, capital letters"],
          ["ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "the SHA-256 of the body in Base64"],
          ["YWJj", "the body in Base64"],
        ] as const) {
          for (const received of ["abc", encodeUtf8("abc")]) {
            const { nearMisses } = explainRequestSignature(key, sent(textOf({ ...request, body })), {
              ...request,
              body: received,
            });
            same(
              nearMisses.map((miss) => miss.what),
              [what],
            );
          }
        }
      });
    });

    suite.test("lines exchanged, in another order, with other line ends, one too few or a line end too many", () => {
      const [method, path, body, terminalId, timestamp, nonce] = lines(request);
      const planted: readonly [what: string, text: string][] = [
        ["time and nonce exchanged", [method, path, body, terminalId, nonce, timestamp].join("\n")],
        ["method and path exchanged", [path, method, body, terminalId, timestamp, nonce].join("\n")],
        [
          "lines in the order method, path, time, nonce, terminal id, body",
          [method, path, timestamp, nonce, terminalId, body].join("\n"),
        ],
        ["lines separated by CR LF instead of LF", textOf(request, "\r\n")],
        ["lines separated by nothing instead of LF", textOf(request, "")],
        ["lines separated by | instead of LF", textOf(request, "|")],
        ["lines separated by the characters \\n instead of LF", textOf(request, "\\n")],
        ["a line end (LF) behind the last line", `${textOf(request)}\n`],
        ["the line of the body left out", [method, path, terminalId, timestamp, nonce].join("\n")],
        ["the line of the terminal id left out", [method, path, body, timestamp, nonce].join("\n")],
      ];
      withKey((key) => {
        for (const [what, text] of planted) {
          const { nearMisses } = explainRequestSignature(key, sent(text), request);
          same(
            nearMisses.map((miss) => miss.what),
            [what],
          );
        }
      });
    });

    suite.test("the signature in another form", () => {
      const request = [...Array(100).keys()]
        .map((i) => ({ ...plain, nonce: `f9E8d7c6b5a4${i}` }))
        .find((fields) => /[+/]/.test(encodeBase64(mac(textOf(fields)))))!;
      const right = mac(textOf(request));
      const base64 = encodeBase64(right);
      const url = base64.replace(/\+/g, "-").replace(/\//g, "_");
      const hex = toHex(right);
      const unpadded = `v1=${base64.slice(0, -1)}`;
      withKey((key) => {
        for (const [signature, what] of [
          [base64, "the signature has no v1= in front"],
          [`v1:${base64}`, "the signature has something else than v1= in front"],
          [`v1=${hex}`, "the signature is hex"],
          [`v1=${hex.toLowerCase()}`, "the signature is hex"],
          [hex, "the signature has no v1= in front; the signature is hex"],
          [unpadded, "the signature lacks its padding ="],
          [`v1=${encodeBase64(encodeUtf8(hex.toLowerCase()))}`, "the signature is Base64 of hex text"],
          [` v1=${base64}`, "the signature has white space or quotation marks around it"],
          [`"v1=${base64}"`, "the signature has white space or quotation marks around it"],
        ] as const) {
          const { verifies, nearMisses } = explainRequestSignature(key, signature, request);
          same([verifies, nearMisses.map((miss) => miss.what)], [false, [what]]);
          same(lines(nearMisses[0]!.fields), lines(request), "the fields are right");
        }
        for (const signature of [`v1=${url}`, `v1=${url.slice(0, -1)}`]) {
          same(explainRequestSignature(key, signature, request).nearMisses[0]?.what, "the signature is Base64url");
        }
      });
    });

    suite.test("the key's hex digits used as the key", () => {
      withKey((key) => {
        for (const [digits, letters] of [
          [secret, "capital"],
          [secret.toLowerCase(), "small"],
        ] as const) {
          const material = encodeUtf8(digits);
          const misread = importKey(material, { algorithm: "HMAC", usage: "M7", modeOfUse: "C" });
          const signature = `v1=${encodeBase64(hmacSha256(misread, encodeUtf8(textOf(request))))}`;
          misread.destroy();
          const [miss] = explainRequestSignature(key, signature, request).nearMisses;
          same(miss?.what, `the key's hex digits (${letters} letters) used as the key, instead of the bytes that they stand for`);
        }
      });
    });

    suite.test("what nobody may sign, but somebody did", () => {
      withKey((key) => {
        for (const [field, value, what] of [
          ["method", "post", "the signature fits, but the method must be upper-case letters"],
          ["nonce", "short", "the signature fits, but the nonce must be at least 12 letters and digits"],
          ["path", "pos/charge", "the signature fits, but the path must be a request target that begins with /"],
        ] as const) {
          const fields = { ...request, [field]: value };
          const { verifies, nearMisses } = explainRequestSignature(key, sent(textOf(fields)), fields);
          same([verifies, nearMisses.map((miss) => miss.what)], [false, [what]]);
        }
      });
    });

    suite.test("two mistakes at once, and one with the form of the signature", () => {
      withKey((key) => {
        const both = { ...request, path: "/api/pos/charge", method: "post" };
        const [pair] = explainRequestSignature(key, sent(textOf(both)), request).nearMisses;
        same(pair?.what, "the path without its query, and the method in small letters");
        same(lines(pair!.fields), lines(both), "the fields that were signed");
        const hex = `v1=${toHex(mac(textOf({ ...request, body: "" })))}`;
        same(explainRequestSignature(key, hex, request).nearMisses[0]?.what, "the signature is hex; no body");
      });
    });

    suite.test("nothing is named where no known mistake was made", () => {
      withKey((key) => {
        const none = { verifies: false, nearMisses: [] };
        const others = [
          { ...request, path: "/another" },
          { ...request, terminalId: "TID-999999" },
          { ...request, nonce: "a1b2c3d4e5f6" },
          { ...request, timestamp: "2025-12-13T15:00:00Z" },
          { ...request, body: '{"format":"TR31-DATA","note":"other"}' },
        ];
        for (const fields of others) same(explainRequestSignature(key, sent(textOf(fields)), request), none);
        for (const text of ["", "v1=", "v1=AAAA", `v1=${"A".repeat(43)}=`, "nonsense", "v1=".repeat(40)]) {
          same(explainRequestSignature(key, text, request), none, text);
        }
        const otherKey = importKey(secret.replace("6F", "6E"), { algorithm: "HMAC", usage: "M7", modeOfUse: "C" });
        const foreign = `v1=${encodeBase64(hmacSha256(otherKey, encodeUtf8(textOf(request))))}`;
        otherKey.destroy();
        same(explainRequestSignature(key, foreign, request), none, "another key");
      });
    });

    suite.test("a large body is guessed at only as long as 8 MiB are hashed", () => {
      withKey((key) => {
        // One guess of this body is all that an interpreting engine has the time for.
        const large = { ...request, body: "x".repeat(1 << (suite.interpreted ? 19 : 20)) };
        same(explainRequestSignature(key, sent(textOf({ ...large, path: "/api/pos/charge" })), large).nearMisses.length, 1);
        if (suite.interpreted) return;
        same(explainRequestSignature(key, sent(textOf({ ...large, nonce: "another00000" })), large).nearMisses, []);
      });
    });

    suite.test("keys and arguments as verifyRequestSignature has them", () => {
      const signing = importKey(secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" });
      throwsCode(() => explainRequestSignature(signing, "v1=", request), "ERR_KEY_USAGE");
      signing.destroy();
      throwsCode(() => explainRequestSignature(signing, "v1=", request), "ERR_KEY_DESTROYED");
      withKey((key) => {
        throwsCode(() => explainRequestSignature(key, 1 as never, request), "ERR_INVALID_ARGUMENT", /^"signature"/);
        throwsCode(
          () => explainRequestSignature(key, "v1=", { ...request, path: 1 as never }),
          "ERR_INVALID_ARGUMENT",
          /^"path"/,
        );
      });
    });
  });
};
