/**
 * The merchant portal at `/portal`: a static page, its files, and the state it asks for again and again.
 *
 * The page, its style and its script hold nothing of value. State and merchants' tokens are given to browsers on this machine
 * that are at the portal itself, and to everyone else only for the portal's token, which the mock prints: it comes in the address
 * behind `#`, which browsers do not send, and then in `Authorization: Portal ...`.
 */
import type { Context } from "../context.js";
import { methodNotAllowed, notFound } from "../http/errors.js";
import { randomText } from "../identifiers.js";
import { requireOwner } from "../http/local.js";
import { jsonReply, type Reply } from "../http/message.js";
import type { RequestJournal } from "../observe/journal.js";
import type { Provision } from "../state/provision.js";
import { PAGE } from "./page.js";
import { portalScript } from "./script.js";
import { type PortalState, portalDevices } from "./state.js";
import { STYLE } from "./style.js";

const PATH = "/portal";
const TOKEN_SECONDS = 12 * 3600;

const HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

export class Portal {
  /** What a browser elsewhere needs. */
  readonly token: string = randomText(32);
  readonly #provision: Provision;
  readonly #journal: RequestJournal;
  readonly #instance: string = randomText(16);

  constructor(provision: Provision, journal: RequestJournal) {
    this.#provision = provision;
    this.#journal = journal;
  }

  /** Whether the request is the portal's business. */
  serves(context: Context): boolean {
    return context.path === PATH || context.path?.startsWith(`${PATH}/`) === true;
  }

  async handle(context: Context): Promise<Reply> {
    if (context.request.method !== "GET") throw methodNotAllowed(["GET"]);
    switch (context.path?.slice(PATH.length)) {
      case "":
        return file("text/html", PAGE);
      case "/portal.css":
        return file("text/css", STYLE);
      case "/portal.js":
        return file("text/javascript", portalScript());
      case "/state":
        this.#check(context);
        return jsonReply(await this.#state(context));
      case "/merchants":
        this.#check(context);
        return jsonReply(await this.#merchants(context));
      default:
        throw notFound("Not found");
    }
  }

  #check(context: Context): void {
    requireOwner(context, this.token);
  }

  async #state(context: Context): Promise<PortalState> {
    const after = Number(/[?&]after=([0-9]{1,15})(?:&|$)/.exec(context.request.target)?.[1] ?? 0);
    const known = context.request.target.includes(`instance=${this.#instance}`);
    const { devices } = this.#provision;
    return {
      instance: this.#instance,
      devices: await portalDevices(context.services.devices, devices),
      device_count: devices.length,
      events: this.#journal.after(known ? after : 0),
    };
  }

  /** Every merchant, with a token to claim by, unless tokens come from elsewhere. */
  async #merchants(context: Context): Promise<{ merchants: { merchant_id: string; token?: string }[] }> {
    const ids = [...new Set(this.#provision.devices.map((device) => device.merchant_id))];
    const ours = "hs256_secret" in this.#provision.jwt;
    const { merchants } = context.services;
    return {
      merchants: await Promise.all(
        ids.map(async (merchant_id) =>
          ours ? { merchant_id, token: await merchants.mint(merchant_id, TOKEN_SECONDS) } : { merchant_id },
        ),
      ),
    };
  }
}

function file(type: string, body: string): Reply {
  return { status: 200, headers: { "Content-Type": `${type}; charset=utf-8`, ...HEADERS }, body };
}
