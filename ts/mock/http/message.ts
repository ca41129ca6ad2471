/**
 * HTTP messages as the mock's handlers see them, independent of who carries them: `fetch(Request)` here, node:http in http.ts.
 *
 * The request target is kept as sent, because signatures cover it verbatim.
 */
import { concatBytes, encodeUtf8 } from "../../base/bytes.js";

/** A request, whoever carried it. */
export interface IncomingRequest {
  readonly method: string;
  /** Path and query exactly as sent. */
  readonly target: string;
  readonly headers: Headers;
  /** Whether the other end of the connection is this machine, where that is known. */
  readonly fromLoopback?: boolean;
  /** The body's bytes, read once; `undefined` as soon as there are more than `limit`. */
  readBody(limit: number): Promise<Uint8Array | undefined>;
}

/** An answer before it is sent. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  /** Text of the body; empty for 204. */
  body: string;
  /** Nothing is answered: the connection ends, and `fetch` rejects. */
  cut?: true;
  /** With `cut`: by TCP's RST where there is a connection of one's own. */
  reset?: true;
  /** How a faulty host or network delivers the body; left out, as it should. */
  delivery?: Delivery;
}

/** `cut`: it ends in its middle. `slow`: it comes in pieces over `ms`. `endless`: spaces follow it without end. */
export interface Delivery {
  readonly kind: "cut" | "slow" | "endless";
  readonly ms: number;
}

const PIECES = 10;
const FILLER = " ".repeat(16 * 1024);

/** The pieces in which a faulty body comes. Throws where the body breaks off. */
export async function* piecesOf(body: string, { kind, ms }: Delivery): AsyncGenerator<string, void, undefined> {
  if (kind === "cut") {
    yield body.slice(0, body.length >> 1);
    throw new TypeError("terminated: the connection was cut within the body");
  }
  const size = Math.max(1, Math.ceil(body.length / (kind === "slow" ? PIECES : 1)));
  for (let at = 0; at < body.length; at += size) {
    if (kind === "slow") await new Promise((resolve) => setTimeout(resolve, ms / PIECES));
    yield body.slice(at, at + size);
  }
  while (kind === "endless") {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield FILLER;
  }
}

/** The end of the connection instead of an answer. The status is for observers: 0. */
export function cutReply(): Reply {
  return { status: 0, headers: {}, body: "", cut: true };
}

/**
 * The message of a `Request`.
 *
 * @param target path and query as they stood on the wire; without it the URL's own, which is the same unless the URL parser
 *   normalised it
 */
export function fromFetch(request: Request, target?: string): IncomingRequest {
  const url = new URL(request.url);
  return {
    method: request.method,
    target: target ?? url.pathname + url.search,
    headers: headersOf(request),
    readBody: (limit) => readStream(request.body, request.headers.get("Content-Length"), limit),
  };
}

interface BrowserScope {
  readonly ServiceWorkerGlobalScope?: unknown;
  readonly navigator?: { readonly userAgent?: string };
}

/** A browser's service worker sees a request before the browser has said how it fetches, which a wire would carry. */
function headersOf(request: Request): Headers {
  const { ServiceWorkerGlobalScope, navigator } = globalThis as BrowserScope;
  const inBrowser = ServiceWorkerGlobalScope !== undefined && navigator?.userAgent?.startsWith("Mozilla/") === true;
  if (!inBrowser || request.headers.has("Sec-Fetch-Mode")) return request.headers;
  const headers = new Headers(request.headers);
  headers.set("Sec-Fetch-Mode", request.mode);
  return headers;
}

async function readStream(
  stream: ReadableStream<Uint8Array> | null,
  contentLength: string | null,
  limit: number,
): Promise<Uint8Array | undefined> {
  if (stream === null) return new Uint8Array(0);
  if (contentLength !== null && Number(contentLength) > limit) {
    await stream.cancel();
    return undefined;
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concatBytes(parts);
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      return undefined;
    }
    parts.push(value);
  }
}

/** Throws a `TypeError` for a cut connection, as `fetch` rejects (WHATWG Fetch, "network error"). */
export function toResponse(reply: Reply): Response {
  if (reply.cut === true) throw new TypeError("fetch failed: the connection was cut");
  const headers = new Headers();
  for (const [name, value] of Object.entries(reply.headers)) {
    // Connection management belongs to whoever owns the connection.
    if (name !== "Connection") headers.set(name, value);
  }
  const body = reply.delivery === undefined ? reply.body : streamOf(piecesOf(reply.body, reply.delivery));
  return new Response(reply.status === 204 ? null : body, { status: reply.status, headers });
}

function streamOf(pieces: AsyncGenerator<string, void, undefined>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(encodeUtf8(value));
      } catch (error) {
        controller.error(error);
      }
    },
    async cancel() {
      await pieces.return();
    },
  });
}

/** 302 to a path of this server. */
export function redirectTo(path: string): Reply {
  return { status: 302, headers: { Location: path }, body: "" };
}

export function jsonReply(value: unknown): Reply {
  return textReply(JSON.stringify(value));
}

/** 200 with JSON that is text already. */
export function textReply(body: string): Reply {
  return { status: 200, headers: { "Content-Type": "application/json" }, body };
}
