/**
 * The life of key sets: fetched and installed, renewed before they expire, replaced, kept while open payments need them.
 *
 * A set is persisted as the host's answer, its blocks wrapped under the ZMK, and unwrapped again after a restart. It is renewed when a
 * tenth of its life is left, one day at most, at a time when no payment is open; `installKeys()` renews it at any time. A replaced set
 * stays, wrapped in the store and as handles here, until no open payment needs it: payloads are sealed under its MSK. Then it is wiped.
 */
import { flag, ownOptions } from "../../base/arguments.js";
import { PosCryptoError } from "../../base/errors.js";
import { installKeySet, type KeySet, type KeysResponse } from "../../core/key-set/install.js";
import { createNonce } from "../../core/signing.js";
import { attested } from "./attestation.js";
import { ownValue, requireObject } from "../http/json-fields.js";
import { restoreSession, saveSession } from "../persistence.js";
import { type CallOptions, type Context, type Installed, readCallOptions, type StepOptions } from "../session.js";
import { untilAborted } from "../http/sleep.js";

const DAY_MS = 24 * 60 * 60 * 1000;
/** `key_kcv` of an envelope: three bytes. */
const ENVELOPE_KCV_DIGITS = 6;
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

/** Whether a request other than `own` is on its way. */
function othersInFlight({ inFlight }: Context, own: string | undefined): boolean {
  return inFlight.size > (own !== undefined && inFlight.has(own) ? 1 : 0);
}

/** Whether a request other than `own` is on its way, or a payment open. */
async function isBusy(context: Context, own: string | undefined): Promise<boolean> {
  return othersInFlight(context, own) || (await context.journal.openRecords()).length > 0;
}

/**
 * Which sets open payments need: those whose MSK sealed a payload that the store still has. While a request other than `own` is on
 * its way, every set may be one.
 */
async function neededSets(context: Context, own: string | undefined): Promise<(response: KeysResponse) => boolean> {
  if (othersInFlight(context, own)) return () => true;
  const needed = new Set<unknown>();
  for (const { idempotencyKey } of await context.journal.openRecords()) {
    needed.add(ownValue(await context.journal.payload(idempotencyKey), "key_kcv"));
  }
  return ({ verification }) => needed.has(verification.kcv.msk.toUpperCase().slice(0, ENVELOPE_KCV_DIGITS));
}

/** How keys are installed. */
export interface InstallKeysOptions extends CallOptions {
  /**
   * Accepts a key set whose blocks state (TS) an earlier time than those of the last one, as after a host was restored from a
   * backup. Default false: such a set may be a replay.
   */
  readonly acceptOlderKeys?: boolean | undefined;
}

/** A caller's options, checked and copied. Throws `ERR_INVALID_ARGUMENT`. */
export function readInstallKeysOptions(options: InstallKeysOptions = {}): InstallKeysOptions & StepOptions {
  const given = ownOptions("options", options);
  return { ...readCallOptions(given), acceptOlderKeys: flag(given, "acceptOlderKeys") };
}

/**
 * Fetches and installs a key set. An earlier one, of this process or of the one before, is replaced when the new one is whole and
 * stored, and kept beside it while an open payment needs it.
 */
export async function installKeys(context: Context, options: InstallKeysOptions): Promise<KeySet> {
  if (context.renewal !== undefined) throw new PosCryptoError("ERR_STATE", "installKeys() is already under way");
  return await renewing(context, async () => {
    await restoreSession(context, "if they open");
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

/** Runs a step whose answer is sealed under the installed keys: they stay until it is over, although others are installed meanwhile. */
export async function keepingKeys<T>(context: Context, step: () => Promise<T>): Promise<T> {
  const entry = `step ${createNonce()}`;
  context.inFlight.add(entry);
  try {
    return await step();
  } finally {
    context.inFlight.delete(entry);
    await releaseRetired(context).catch(() => {});
  }
}

/** Resolves when no installation is under way. Errors: `ERR_ABORTED`. */
export async function installationsOver(context: Context, { signal }: CallOptions): Promise<void> {
  while (context.renewal !== undefined) await untilAborted(context.renewal, signal);
}

async function replaceKeys(
  context: Context,
  own: string | undefined,
  options: StepOptions & InstallKeysOptions,
): Promise<KeySet> {
  const { session } = context;
  const { body } = await attested(context, "installKeys()", "keys", undefined, options);
  const response = requireObject(body, "keys") as unknown as KeysResponse;
  // A terminal that was destroyed meanwhile has forgotten what the store holds, and what this set must not push out of it.
  await restoreSession(context, "if they open");
  const notBefore =
    options.acceptOlderKeys === true || session.keysMadeAt === undefined ? undefined : new Date(session.keysMadeAt);
  const keys = installKeySet(context.zmk, response, { notBefore });
  try {
    await storeNewSet(context, own, { response, keys, installedAt: context.clock.now() });
  } catch (error) {
    keys.destroy();
    throw error;
  }
  return keys;
}

/** Puts a set in the place of the installed one, in the store and here, and wipes what nothing needs any more. */
async function storeNewSet(context: Context, own: string | undefined, installed: Installed): Promise<void> {
  const { session } = context;
  const isNeeded = await neededSets(context, own);
  let replaced: Installed[] = [];
  await saveSession(
    context,
    () => {
      replaced = [...session.retired, ...(session.installed === undefined ? [] : [session.installed])];
      const keysMadeAt = installed.keys.wrappedAt?.toISOString() ?? session.keysMadeAt;
      const retiredKeys = [...session.unopened, ...replaced.map((set) => set.response)].filter(isNeeded);
      return { keys: installed.response, retiredKeys, ...(keysMadeAt === undefined ? {} : { keysMadeAt }) };
    },
    () => {
      session.retired = replaced.filter((set) => isNeeded(set.response));
      session.unopened = session.unopened.filter(isNeeded);
      session.installed = installed;
      session.keysMadeAt = installed.keys.wrappedAt?.toISOString() ?? session.keysMadeAt;
      session.renewAfter = undefined;
    },
  );
  for (const set of replaced) if (!session.retired.includes(set)) set.keys.destroy();
}

/**
 * Renews the installed keys where they have expired, or are about to and nothing needs them. `own`: the payment that asks. A failed
 * renewal is ignored while the current keys are valid. Throws what attestation and installation throw, where the keys have expired.
 */
export async function renewIfDue(context: Context, own: string | undefined, options: CallOptions): Promise<void> {
  const { session, clock } = context;
  const due = (set: Installed | undefined): set is Installed => set !== undefined && isNearExpiry(context, set);
  if (!due(session.installed)) return;
  if (!isExpired(context, session.installed)) {
    if (session.renewAfter?.isOver() === false || (await isBusy(context, own))) return;
  }
  await installationsOver(context, options);
  if (!due(session.installed)) return;
  const expired = isExpired(context, session.installed);
  try {
    await renewing(context, () => replaceKeys(context, own, expired ? options : { ...options, attempts: 1 }));
  } catch (error) {
    if (expired) throw error;
    session.renewAfter = clock.startTimer(RENEWAL_PAUSE_MS);
  }
}

/** Wipes retired sets, and takes them out of the store, once no payment needs them that is open or on its way. */
export async function releaseRetired(context: Context): Promise<void> {
  const { session } = context;
  if (session.retired.length + session.unopened.length === 0) return;
  if (context.renewal !== undefined || othersInFlight(context, undefined)) return;
  // Those of now: a set that is retired while the journal is read has a payment that the look at it may have missed.
  const candidates = [...session.unopened, ...session.retired.map(({ response }) => response)];
  const isNeeded = await neededSets(context, undefined);
  const released = candidates.filter((response) => !isNeeded(response));
  if (released.length === 0) return;
  const stays = (response: KeysResponse) => !released.includes(response);
  const wiped = session.retired.filter(({ response }) => !stays(response));
  await saveSession(
    context,
    () => ({ retiredKeys: [...session.unopened, ...session.retired.map(({ response }) => response)].filter(stays) }),
    () => {
      session.retired = session.retired.filter(({ response }) => stays(response));
      session.unopened = session.unopened.filter(stays);
    },
  );
  for (const { keys } of wiped) keys.destroy();
}
