/** The walkthrough's first phase: everything in clear, from bootstrap to the merchant's claim. */
import { addressOf } from "../../core/protocol/endpoints.js";
import { APP, member, type Stage } from "./stage.js";

const PHASE = "Pairing, in clear";

export async function pair(stage: Stage): Promise<void> {
  const { terminal, around } = stage;
  const { signal, deviceId } = around;

  await stage.step(
    PHASE,
    "Bootstrap",
    () => terminal.bootstrap({ signal }),
    ({ serverTime, minSupportedVersion = "0", clockOffsetMs }, checks) => {
      checks.that(`host's clock read: ${serverTime}`, !Number.isNaN(Date.parse(serverTime)));
      checks.that(`clock offset ${clockOffsetMs} ms, applied to signatures`, Math.abs(clockOffsetMs) < 5000);
      const recent = APP.appVersion.localeCompare(minSupportedVersion, "en", { numeric: true }) >= 0;
      checks.that(`app ${APP.appVersion} is recent enough for ${minSupportedVersion}`, recent);
      return [{ action: "in clear", what: "device id, app version" }];
    },
  );

  const { code } = await stage.step(
    PHASE,
    "Pairing code",
    () => terminal.createPairingCode({ signal }),
    (pairing, checks) => {
      checks.that(`code ${pairing.code}: 6 characters, none of 0 O 1 I`, /^[2-9A-HJ-NP-Z]{6}$/.test(pairing.code));
      checks.same(`valid for ${pairing.expiresInSec} s`, pairing.expiresInSec, 300);
      return [{ action: "in clear", what: "shown on the terminal's screen" }];
    },
  );

  await stage.step(
    PHASE,
    "Status",
    () => terminal.fetchStatus({ signal }),
    ({ isClaimed, deviceStatus, pairingCodeStatus }, checks) => {
      checks.same("not claimed yet", isClaimed, false);
      checks.same("device inactive", deviceStatus, "inactive");
      checks.same("code pending", pairingCodeStatus, "pending");
      return [];
    },
  );

  await stage.step(
    PHASE,
    "Claim, by the portal",
    () => claim(stage, code),
    ({ status, answer }, checks) => {
      checks.same("HTTP 200", status, 200);
      checks.same("claimed", member(answer, "status"), "claimed");
      checks.same("this device", member(answer, "device_id"), deviceId);
      return [{ action: "bearer", what: "merchant's JWT", method: "HS256, verified by the host" }];
    },
  );

  await stage.step(
    PHASE,
    "Status, until claimed",
    () => terminal.waitUntilClaimed({ signal, pollMs: 100 }),
    ({ deviceStatus, pairingCodeStatus }, checks) => {
      checks.same("device claimed", deviceStatus, "claimed");
      checks.same("code used", pairingCodeStatus, "used");
      return [];
    },
  );
}

/** What the merchant's portal does once the code is typed in. */
async function claim(stage: Stage, code: string): Promise<{ status: number; answer: unknown }> {
  const { baseUrl, merchantToken, deviceId, signal } = stage.around;
  const headers = { Authorization: `Bearer ${merchantToken}`, "Content-Type": "application/json" };
  const { method, path } = addressOf("claim");
  const body = JSON.stringify({ pairing_code: code, device_id: deviceId });
  const response = await stage.fetch(`${baseUrl}${path}`, { method, headers, body, signal });
  return { status: response.status, answer: await response.json() };
}
