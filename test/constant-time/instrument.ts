/**
 * Turns a WebAssembly binary into one that reports everything an observer of time could see: every branch condition, every
 * condition of a `select` (an engine may compile it to a branch), every memory address, every length of a bulk operation, every
 * operand of a division. Two runs with different secrets and equal public inputs must report the same sequence.
 *
 * The binary is the shipped one: binaryen prints its folded text, where an operand is a child of its operator, and each watched
 * operand `x` becomes `(call $trace.note (i32.const site) x)`; order of evaluation stays. What it cannot see: how an engine
 * compiles the rest (see SECURITY.md).
 */
import binaryen from "binaryen";

/** A parsed s-expression: an atom, or a list of them. */
type Node = string | Node[];

/** What a site number means, to name the first difference of two traces. */
export interface Instrumented {
  binary: Uint8Array<ArrayBuffer>;
  sites: readonly string[];
}

export function instrument(wasm: Uint8Array): Instrumented {
  const module = binaryen.readBinary(wasm);
  const text = module.emitText();
  module.dispose();
  return instrumentText(text);
}

function instrumentText(text: string): Instrumented {
  const root = parse(text);
  const sites: string[] = [];
  const names = exportedNames(root);
  const watched = root.map((field) => (isOperator(field, "func") ? watchFunction(field, names, sites) : field));
  const imports: Node = [
    ["import", '"trace"', '"note"', ["func", "$trace.note", ["param", "i32"], ["param", "i32"], ["result", "i32"]]],
    ["import", '"trace"', '"note64"', ["func", "$trace.note64", ["param", "i32"], ["param", "i64"], ["result", "i64"]]],
  ];
  const module = binaryen.parseText(print(["module", ...imports, ...watched.slice(1)]));
  module.setFeatures(binaryen.Features.All);
  if (module.validate() === 0) throw new Error("the instrumented module is not valid");
  const binary = new Uint8Array(module.emitBinary());
  module.dispose();
  return { binary, sites };
}

/** Function names are stripped from a shipped binary; those of its exports remain. */
function exportedNames(root: Node[]): Map<Node, string> {
  const names = new Map<Node, string>();
  for (const field of root) {
    if (!isOperator(field, "export")) continue;
    const [, name, target] = field;
    if (typeof name === "string" && isOperator(target, "func") && target[1] !== undefined)
      names.set(target[1], name.slice(1, -1));
  }
  return names;
}

function watchFunction(field: Node[], names: Map<Node, string>, sites: string[]): Node {
  const [, internal = "(anonymous)"] = field;
  const name = names.get(internal) ?? internal;
  const note = (operator: string, operand: Node, wide = false): Node => {
    sites.push(`${name}: ${operator}`);
    return ["call", wide ? "$trace.note64" : "$trace.note", ["i32.const", String(sites.length - 1)], operand];
  };
  const visit = (node: Node): Node => {
    if (typeof node === "string") return node;
    const [operator] = node;
    const children = node.map(visit);
    if (typeof operator !== "string") return children;
    for (const index of watchedOperands(operator, node)) {
      children[index] = note(operator, children[index] ?? "", /^i64\.(div|rem)/.test(operator));
    }
    return children;
  };
  return field.map(visit);
}

/** Which children of an operator an observer learns. */
function watchedOperands(operator: string, node: Node[]): number[] {
  const operands = node.flatMap((child, index) => (Array.isArray(child) && !isAnnotation(child) ? [index] : []));
  const [first] = operands;
  const last = operands[operands.length - 1];
  if (first === undefined || last === undefined) return [];
  if (operator === "if") return [first];
  if (["br_if", "br_table", "select", "call_indirect", "memory.grow"].includes(operator)) return [last];
  if (/^(i32|i64|f32|f64|v128)\.(load|store)/.test(operator)) return [first];
  if (/^i(32|64)\.(div|rem)_/.test(operator)) return operands;
  if (operator === "memory.copy" || operator === "memory.fill") {
    const [target, source, size] = operands;
    // The second operand of a fill is a value, not an address.
    return [target, operator === "memory.copy" ? source : undefined, size].filter((index) => index !== undefined);
  }
  if (/^(table|memory|data|elem|struct|array|ref)\./.test(operator) && operator !== "memory.size") {
    throw new Error(`the instrumentation does not know ${operator}`);
  }
  return [];
}

function isAnnotation(node: Node[]): boolean {
  return typeof node[0] === "string" && ["result", "type", "param", "local", "then", "else"].includes(node[0]);
}

function isOperator(node: Node | undefined, operator: string): node is Node[] {
  return Array.isArray(node) && node[0] === operator;
}

function parse(text: string): Node[] {
  const tokens = /\(;.*?;\)|;;[^\n]*|"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+/gs;
  const stack: Node[][] = [[]];
  for (const [token] of text.matchAll(tokens)) {
    if (token.startsWith(";;") || token.startsWith("(;")) continue;
    if (token === "(") stack.push([]);
    else if (token === ")") {
      const done = stack.pop() as Node[];
      stack[stack.length - 1]?.push(done);
    } else stack[stack.length - 1]?.push(token);
  }
  const module = stack[0]?.[0];
  if (stack.length !== 1 || !Array.isArray(module) || module[0] !== "module") throw new Error("not a module's text");
  return module;
}

function print(node: Node): string {
  return typeof node === "string" ? node : `(${node.map(print).join(" ")})\n`;
}
