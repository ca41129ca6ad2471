/** The walkthrough's second and third phase: attestation, keys, configuration, activation. */
import { keyCheckValue } from "../../core/keys/check-value.js";
import type { KeySet } from "../../core/key-set/install.js";
import { jsonBytes, member, type Stage } from "./stage.js";
import type { Protection } from "./step.js";

const KEYS = "Attestation and keys";
const ACTIVATION = "Configuration and activation, under the MSK";

/** Each role with the key its block is wrapped under. */
const PARENTS = { tmk: "ZMK", kek: "TMK", msk: "KEK", tpk: "KEK", tdk: "KEK", mac: "KEK" } as const;
type Role = keyof typeof PARENTS;
const ROLES = Object.keys(PARENTS) as Role[];

export async function attestAndInstall(stage: Stage): Promise<void> {
  const { terminal, around } = stage;
  const { signal, identityKey, identityKeyId } = around;

  await stage.step(
    KEYS,
    "Attest",
    () => terminal.attest({ signal }),
    ({ expiresInSec }, checks) => {
      const { headers, status } = stage.wire;
      checks.that("signature of its documented form", /^v1=[A-Za-z0-9+/]{43}=$/.test(headers["X-Signature"] ?? ""));
      checks.same("attested: the host has verified it", status, 200);
      checks.same(`token for ${expiresInSec} s`, expiresInSec, 300);
      const what = "device id, key id, timestamp, nonce";
      return [{ action: "signed", what, method: "HMAC-SHA-256", key: identityKeyId, backend: identityKey.backend }];
    },
  );

  await stage.step(
    KEYS,
    "Install keys",
    () => terminal.installKeys({ signal }),
    (keys, checks) => {
      const answer: unknown = JSON.parse(stage.wire.received);
      const stated = (role: Role) => String(member(member(member(answer, "verification"), "kcv"), role)).toUpperCase();
      const verified = ROLES.filter((role) => keys.checkValues[role].kcv === stated(role));
      checks.same(`${verified.length} check values verified, each before the next key`, verified.length, ROLES.length);
      for (const role of ["msk", "tpk", "tdk"] as const) {
        checks.same(`installed ${role.toUpperCase()} has the host's`, keyCheckValue(keys[role]), stated(role));
      }
      checks.that("TMK and KEK wiped after use", keys.tmk.destroyed && keys.kek.destroyed);
      checks.that(
        "no key can be read out",
        ROLES.every((role) => !keys[role].extractable),
      );
      return ROLES.map((role) => unwrapped(stage, keys, role, member(member(member(answer, "keys"), role), "key_block")));
    },
  );
}

function unwrapped(stage: Stage, keys: KeySet, role: Role, block: unknown): Protection {
  const key = keys[role];
  const parent = PARENTS[role];
  const text = String(block);
  return {
    action: "unwrapped",
    what: `${role.toUpperCase()}, ${key.usage} ${key.algorithm}-${key.bits}, KCV ${keys.checkValues[role].kcv}`,
    method: `TR-31 version ${text.charAt(0)}, ${text.length} characters,`,
    key: parent,
    kcv: parent === "ZMK" ? keyCheckValue(stage.around.zmk) : keys.checkValues[parent === "TMK" ? "tmk" : "kek"].kcv,
    backend: key.backend,
  };
}

export async function configure(stage: Stage): Promise<void> {
  const { terminal, around } = stage;
  const { signal, deviceId } = around;

  await stage.step(
    ACTIVATION,
    "Config",
    () => terminal.fetchConfig({ signal }),
    (config, checks) => {
      const { received } = stage.wire;
      const { terminalId = "" } = terminal;
      checks.that(`terminal id ${terminalId}`, terminalId !== "");
      checks.same("for this device", member(member(config, "terminal"), "device_id"), deviceId);
      checks.that("EMV section present", typeof member(config, "emv") === "object");
      checks.that("nothing of it readable on the wire", !received.includes(terminalId) && !received.includes("emv"));
      checks.same("envelope names the MSK", member(JSON.parse(received), "key_kcv"), stage.kcv("msk"));
      return [stage.opened("config", config)];
    },
  );

  await stage.step(
    ACTIVATION,
    "Terminal parameters",
    () => terminal.fetchTerminalParameters({ signal }),
    (parameters, checks) => {
      const envelope: unknown = JSON.parse(stage.wire.received);
      const chunks = member(envelope, "chunks");
      const list: readonly unknown[] = Array.isArray(chunks) ? chunks : [];
      const ivs = new Set(list.map((chunk) => member(chunk, "initialization_vector")));
      checks.that(`${list.length} chunks, each with an IV of its own`, list.length > 1 && ivs.size === list.length);
      checks.same("gzip inside", member(envelope, "content_encoding"), "gzip");
      checks.that("realistic size after gunzip", jsonBytes(parameters) > 100_000);
      checks.same("envelope names the MSK", member(envelope, "key_kcv"), stage.kcv("msk"));
      return [stage.opened("terminal parameters", parameters)];
    },
  );

  const statements = { ...terminal.activationConditions };
  await stage.step(
    ACTIVATION,
    "Activate",
    () => terminal.activate({ signal }),
    ({ status, activatedAt }, checks) => {
      const { emv_ready, keys_installed, network_ok } = statements;
      checks.that("ready by its own judgement", emv_ready && keys_installed && network_ok);
      checks.same("activated", status, "activated");
      checks.that(`since ${activatedAt}`, !Number.isNaN(Date.parse(activatedAt)));
      checks.that("statements not readable on the wire", !stage.wire.sent.includes("emv_ready"));
      return [stage.sealed("readiness", statements), stage.opened("answer", { status, activated_at: activatedAt })];
    },
  );
}
