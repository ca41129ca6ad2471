/** The six lines of a request's signature text in another order, with other line ends, or not all of them. Public. */
import type { MessagePart } from "../../backend/contract.js";
import type { Request } from "../signing.js";

/** A whole text, and what is unusual about it. */
export interface Layout {
  readonly what: string;
  readonly parts: readonly MessagePart[];
  /** The fields as a text in the right order would hold them. */
  readonly fields: Request;
}

const LINES = ["method", "path", "body", "terminalId", "timestamp", "nonce"] as const;

const NAMES: Readonly<Record<keyof Request, string>> = {
  method: "method",
  path: "path",
  body: "body",
  terminalId: "terminal id",
  timestamp: "time",
  nonce: "nonce",
};

const SEPARATORS: readonly (readonly [name: string, separator: string])[] = [
  ["CR LF", "\r\n"],
  ["nothing", ""],
  ["|", "|"],
  [":", ":"],
  [".", "."],
  [",", ","],
  ["&", "&"],
  ["a space", " "],
  ["the characters \\n", "\\n"],
];

function joined(lines: readonly MessagePart[], separator: string): MessagePart[] {
  const parts: MessagePart[] = [];
  for (const line of lines) parts.push(...(parts.length === 0 ? [line] : [separator, line]));
  return parts;
}

/** Other separators, a line end too many, a line too few. */
export function separatorLayouts(fields: Request): Layout[] {
  const lines = LINES.map((name) => fields[name]);
  const layout = (what: string, parts: MessagePart[]): Layout => ({ what, parts, fields });
  return [
    ...SEPARATORS.map(([name, separator]) => layout(`lines separated by ${name} instead of LF`, joined(lines, separator))),
    layout("a line end (LF) behind the last line", [...joined(lines, "\n"), "\n"]),
    layout("a line end (CR LF) behind the last line", [...joined(lines, "\n"), "\r\n"]),
    ...LINES.map((left) => {
      const rest = LINES.filter((name) => name !== left).map((name) => fields[name]);
      return layout(`the line of the ${NAMES[left]} left out`, joined(rest, "\n"));
    }),
  ];
}

/** All orders but the right one; exchanges of two lines first. */
export function orderLayouts(fields: Request): Layout[] {
  const orders = permutations([0, 1, 2, 3, 4, 5]).map((order) => ({ order, moved: order.filter((from, to) => from !== to) }));
  return orders
    .filter(({ moved }) => moved.length > 0)
    .sort((a, b) => a.moved.length - b.moved.length)
    .map(({ order, moved }) => {
      const lines = order.map((from) => fields[LINES[from]!]);
      const what =
        moved.length === 2
          ? `${NAMES[LINES[Math.min(...moved)]!]} and ${NAMES[LINES[Math.max(...moved)]!]} exchanged`
          : `lines in the order ${order.map((from) => NAMES[LINES[from]!]).join(", ")}`;
      return { what, parts: joined(lines, "\n"), fields: inPlaces(lines) };
    });
}

function inPlaces(lines: readonly (string | Uint8Array)[]): Request {
  return Object.assign({}, ...LINES.map((name, i) => ({ [name]: lines[i] }))) as Request;
}

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  const found: number[][] = [];
  for (const item of items) for (const rest of permutations(items.filter((other) => other !== item))) found.push([item, ...rest]);
  return found;
}
