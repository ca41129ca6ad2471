/**
 * The life of key sets: fetched and installed, renewed before they expire, replaced, kept while open payments need them.
 *
 * A set is persisted as the host's answer, its blocks wrapped under the ZMK, and unwrapped again after a restart. It is renewed when a
 * tenth of its life is left, one day at most, and not while payments are open: their payloads are sealed under its MSK. One that has
 * expired is replaced all the same; it then stays, wrapped in the store and as handles here, until those payments are settled.
 * Replaced keys are wiped as soon as nothing needs them.
 */
import { PosCryptoError } from "../../base/errors.js";
import { installKeySet, type KeySet, type KeysResponse } from "../../core/key-set/install.js";
import { attested } from "./attestation.js";
import { requireObject } from "../http/json-fields.js";
import { restoreSession, saveSession } from "../persistence.js";
import type { CallOptions, Context, Installed, StepOptions } from "../session.js";
import { untilAborted } from "../http/sleep.js";

const DAY_MS = 24 * 60 * 60 * 1000;
/** After a failed renewal of keys that still work. */
const RENEWAL_PAUSE_MS = 60_000;

export function isExpired(context: Context, { keys }: Installed): boolean {
  return keys.expiresAt !== undefined && context.clock.now() >= keys.expiresAt.getTime();
}

function isNearExpiry(context: Context, { keys, installedAt }: Installed): boolean {
  if (keys.expiresAt === undefined) return false;
  const end = keys.expiresAt.getTime();
  const life = end - (keys.issuedAt?.getTime() ?? installedAt);
  return context.clock.now() >= end - Math.min(DAY_MS, life / 10);
}

/** Whether a request is on its way, `own` aside, or a payment open. */
export async function isBusy(context: Context, own?: string): Promise<boolean> {
  const others = context.inFlight.size - (own !== undefined && context.inFlight.has(own) ? 1 : 0);
  return others > 0 || (await context.journal.openRecords()).length > 0;
}

/**
 * Fetches and installs a key set. An earlier one, of this process or of the one before, is replaced when the new one is whole and
 * stored; that is refused while payments are open, unless the earlier one has expired. Stored keys that do not open are given up
 * where nothing is open that needs them.
 */
export async function installKeys(context: Context, options: CallOptions = {}): Promise<KeySet> {
  if (context.renewal !== undefined) throw new PosCryptoError("ERR_STATE", "installKeys() is already under way");
  // Payments that are called for from here on wait for the end, and do not need the keys that there are.
  const underWay = context.inFlight.size > 0;
  const isNeeded = async () => underWay || (await context.journal.openRecords()).length > 0;
  return await renewing(context, async () => {
    await restoreSession(context, isNeeded);
    const { installed } = context.session;
    if (installed !== undefined && !isExpired(context, installed) && (await isNeeded())) {
      throw new PosCryptoError("ERR_STATE", "installKeys() while payments are open: recover() first", {
        details: { step: "installKeys()", needs: "recover()" },
      });
    }
    return await replaceKeys(context, undefined, options);
  });
}

/** Holds payments back until `work` is done. */
async function renewing<T>(context: Context, work: () => Promise<T>): Promise<T> {
  const running = work();
  context.renewal = running.then(
    () => {},
    () => {},
  );
  try {
    return await running;
  } finally {
    context.renewal = undefined;
  }
}

/** Resolves when no installation is under way. Errors: `ERR_ABORTED`. */
export async function installationsOver(context: Context, { signal }: CallOptions): Promise<void> {
  while (context.renewal !== undefined) await untilAborted(context.renewal, signal);
}

async function replaceKeys(context: Context, own: string | undefined, options: StepOptions): Promise<KeySet> {
  const { session } = context;
  const { body } = await attested(context, "installKeys()", "keys", undefined, options);
  const response = requireObject(body, "keys") as unknown as KeysResponse;
  const keys = installKeySet(context.zmk, response);
  let former: Installed | undefined;
  let kept: Installed[] = [];
  try {
    // A terminal that was destroyed meanwhile has forgotten what the store holds, and what this set must not push out of it.
    await restoreSession(context, () => isBusy(context, own));
    former = session.installed;
    const retiring = former !== undefined && (await isBusy(context, own)) ? [former] : [];
    await saveSession(
      context,
      () => {
        kept = [...session.retired, ...retiring];
        return { keys: response, retiredKeys: kept.map((set) => set.response) };
      },
      () => {
        session.retired = kept;
        session.installed = { response, keys, installedAt: context.clock.now() };
        session.renewAfter = 0;
      },
    );
  } catch (error) {
    keys.destroy();
    throw error;
  }
  if (former !== undefined && !kept.includes(former)) former.keys.destroy();
  return keys;
}

/**
 * Renews the installed keys where they have expired, or are about to and nothing needs them. `own`: the payment that asks. Keys that
 * still work are not worth an error. Errors: those of attestation and installation, where the keys have expired.
 */
export async function renewIfDue(context: Context, own: string | undefined, options: CallOptions): Promise<void> {
  const { session, clock } = context;
  const due = (set: Installed | undefined): set is Installed => set !== undefined && isNearExpiry(context, set);
  if (!due(session.installed)) return;
  if (!isExpired(context, session.installed)) {
    if (clock.local() < session.renewAfter || (await isBusy(context, own))) return;
  }
  await installationsOver(context, options);
  if (!due(session.installed)) return;
  const expired = isExpired(context, session.installed);
  try {
    await renewing(context, () => replaceKeys(context, own, expired ? options : { ...options, attempts: 1 }));
  } catch (error) {
    if (expired) throw error;
    session.renewAfter = clock.local() + RENEWAL_PAUSE_MS;
  }
}

/** Wipes retired sets, and takes them out of the store, once no payment is open or on its way. */
export async function releaseRetired(context: Context): Promise<void> {
  const { session } = context;
  // Those of now: a set that is retired while the journal is read has a payment that the look at it may have missed.
  const candidates = session.retired;
  if (candidates.length === 0 || context.renewal !== undefined || (await isBusy(context))) return;
  let kept: Installed[] = [];
  await saveSession(
    context,
    () => {
      kept = session.retired.filter((set) => !candidates.includes(set));
      return { retiredKeys: kept.map(({ response }) => response) };
    },
    () => {
      session.retired = session.retired.filter((set) => kept.includes(set));
    },
  );
  for (const { keys } of candidates) keys.destroy();
}
