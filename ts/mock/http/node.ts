/** The mock behind node:http: the only file of the mock that knows Node. Request targets are passed on as they stood on the wire. */
import { isLoopback } from "../../base/loopback.js";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { concatBytes, encodeUtf8 } from "../../base/bytes.js";
import { type Delivery, type IncomingRequest, piecesOf, type Reply } from "./message.js";

type Handler = (request: IncomingRequest) => Promise<Reply>;

/** How long requests under way may take to end when the server closes. */
const GRACE_MS = 5000;
/**
 * How long an idle connection is kept. Node's 5 seconds are few: a client that is busy for a moment sends its next request into the
 * close, and cannot know whether a payment was carried out.
 */
const KEEP_ALIVE_MS = 65_000;

export async function listen(
  handle: Handler,
  port: number,
  host: string,
): Promise<{ url: string; port: number; close(): Promise<void> }> {
  let closing = false;
  const server = createServer((message, response) => {
    // Once the server closes, no connection outlives the request on it.
    response.on("finish", () => closing && message.socket.end());
    serve(handle, message, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}`,
    port: address.port,
    close() {
      closing = true;
      return close(server);
    },
  };
}

async function serve(handle: Handler, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = await handle({
    method: message.method ?? "GET",
    target: originForm(message.url ?? "/"),
    headers: headersOf(message),
    fromLoopback: isLoopback(message.socket.remoteAddress ?? ""),
    readBody: (limit) => readBody(message, limit),
  });
  if (reply.cut === true) {
    if (reply.reset === true) message.socket.resetAndDestroy();
    else response.destroy();
    return;
  }
  if (reply.delivery !== undefined && reply.status !== 204 && message.method !== "HEAD") {
    await deliver(response, reply, reply.delivery);
    message.resume();
    return;
  }
  const body = encodeUtf8(reply.body);
  response.writeHead(reply.status, reply.status === 204 ? reply.headers : { ...reply.headers, "Content-Length": body.length });
  response.end(message.method === "HEAD" ? undefined : body);
  // What the handler did not read must not be taken for the next request.
  message.resume();
}

/** Resolves when the kernel has the piece, so that what is cut after it is cut there; or when the receiver has gone away. */
function written(response: ServerResponse, piece: string): Promise<void> {
  return new Promise((resolve) => {
    response.once("close", resolve);
    response.write(piece, () => {
      response.off("close", resolve);
      resolve();
    });
  });
}

/** A body that a faulty host or network spoils: by chunks, at the receiver's pace, until it ends or the receiver goes away. */
async function deliver(response: ServerResponse, reply: Reply, delivery: Delivery): Promise<void> {
  response.writeHead(reply.status, reply.headers);
  for await (const piece of piecesOf(reply.body, delivery)) {
    if (response.destroyed) return;
    await written(response, piece);
  }
  response.end();
}

/** RFC 9112 3.2.2: a proxy's absolute form names the same target. */
function originForm(target: string): string {
  return target.replace(/^https?:\/\/[^/?]*/i, "");
}

function headersOf(message: IncomingMessage): Headers {
  const headers = new Headers();
  const raw = message.rawHeaders;
  for (let i = 0; i + 1 < raw.length; i += 2) headers.append(raw[i] as string, raw[i + 1] as string);
  return headers;
}

function readBody(message: IncomingMessage, limit: number): Promise<Uint8Array | undefined> {
  if (Number(message.headers["content-length"] ?? 0) > limit) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    let length = 0;
    const take = (part: Uint8Array): void => {
      length += part.length;
      if (length > limit) {
        message.off("data", take);
        resolve(undefined);
      } else {
        parts.push(part);
      }
    };
    message.on("data", take);
    message.once("end", () => resolve(concatBytes(parts)));
    message.once("error", reject);
    message.once("aborted", () => reject(new Error("the client went away")));
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await closed;
  clearTimeout(timer);
}
