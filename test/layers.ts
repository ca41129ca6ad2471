/**
 * The layer rule as a function: who may import whom, checked on the text of the sources, so that the test can also show it a
 * planted violation. A file's layer is its folder: `base` < `backend` < `core` < `client`, `mock` < `cli`, and `assembly` beside
 * them. Imports of types count like all others.
 */
import { posix } from "node:path";
import ts from "typescript";

type Layer = "assembly" | "base" | "backend" | "core" | "client" | "mock" | "cli";

interface Import {
  target: string;
  dynamic: boolean;
  typeOnly: boolean;
}

/** What each layer may import besides itself. */
const allowed: Readonly<Record<Layer, readonly Layer[]>> = {
  assembly: [],
  base: [],
  backend: ["base"],
  core: ["base", "backend"],
  client: ["base", "backend", "core"],
  mock: ["base", "backend", "core"],
  cli: ["base", "backend", "core", "client", "mock"],
};

/** Packages, by who may import them. Everything else is a violation. */
const packages: readonly { name: RegExp; from: (file: string, layer: Layer) => boolean }[] = [
  { name: /^@noble\//, from: (file) => file.startsWith("ts/backend/noble/") || file.startsWith("ts/mock/fixtures/") },
  { name: /^fflate\/browser$/, from: (_file, layer) => layer === "core" },
  { name: /^(jose|ioredis)$/, from: (_file, layer) => layer === "mock" },
  {
    name: /^node:/,
    from: (file, layer) => layer === "mock" || layer === "cli" || /^ts\/client\/store\/file(-[a-z]+)?\.ts$/.test(file),
  },
  { name: /^shared\//, from: (_file, layer) => layer === "assembly" },
  { name: /^#wasm$/, from: (_file, layer) => layer === "backend" },
  { name: /^#mock-node$/, from: (_file, layer) => layer === "mock" },
];

/** Globals that exist in Node only, or not in every engine core must run in. */
const foreignGlobals = new Set(["Buffer", "process", "require", "__dirname", "atob", "btoa", "setImmediate"]);

/** Where one of them is asked for, and done without where it is missing. */
const optionalGlobals: ReadonlyMap<string, string> = new Map([["ts/backend/wasm/embedded.ts", "Buffer"]]);

/** The second component of a path below ts/. The entry `.` belongs to core. */
function layerOf(file: string): Layer {
  if (file.startsWith("assembly/")) return "assembly";
  const folder = /^ts\/([^/]+)\//.exec(file)?.[1] ?? "core";
  if (!(folder in allowed))
    throw new Error(`${file} is in no layer: its folder must be one of ${Object.keys(allowed).join(", ")}`);
  return folder as Layer;
}

function parse(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  return clause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ target: node.moduleSpecifier.text, dynamic: false, typeOnly: isTypeOnly(node.importClause) });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ target: node.moduleSpecifier.text, dynamic: false, typeOnly: node.isTypeOnly });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const argument = node.arguments[0];
      const target = argument !== undefined && ts.isStringLiteral(argument) ? argument.text : "(computed)";
      found.push({ target, dynamic: true, typeOnly: false });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      found.push({ target: node.argument.literal.text, dynamic: false, typeOnly: true });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** A relative import as a path from the root; package imports stay as they are. */
function resolve(file: string, target: string): string {
  if (!target.startsWith(".")) return target;
  const path = posix.join(posix.dirname(file), target).replace(/\.js$/, ".ts");
  return /\.[a-z]+$/.test(path) ? path : `${path}.ts`;
}

function foreignGlobalsIn(source: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const isMember = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
    const isName = ts.isPropertyAssignment(node.parent) && node.parent.name === node;
    if (ts.isIdentifier(node) && foreignGlobals.has(node.text) && !isMember && !isName) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return found;
}

/** Every violation in `files` (path from the root, text), one line each. */
export function checkLayers(files: ReadonlyMap<string, string>): string[] {
  const violations: string[] = [];
  for (const [file, text] of files) {
    const layer = layerOf(file);
    const source = parse(file, text);
    for (const { target } of importsOf(source)) {
      const path = resolve(file, target);
      if (path === target) {
        const rule = packages.find(({ name }) => name.test(target));
        if (rule === undefined || !rule.from(file, layer)) violations.push(`${file} (${layer}) imports ${target}`);
        continue;
      }
      const other = layerOf(path);
      if (other !== layer && !allowed[layer].includes(other)) violations.push(`${file} (${layer}) imports ${path} (${other})`);
    }
    if (layer === "base" || layer === "backend" || layer === "core" || layer === "client") {
      for (const name of foreignGlobalsIn(source)) {
        if (optionalGlobals.get(file) !== name) violations.push(`${file} (${layer}) uses the global ${name}`);
      }
    }
  }
  return violations;
}

/** Everything a static import of `entry` loads: paths and packages. Types vanish and dynamic imports wait. */
export function staticGraph(files: ReadonlyMap<string, string>, entry: string): Set<string> {
  const reached = new Set<string>();
  const queue = [entry];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    const text = files.get(file);
    if (text === undefined) continue;
    for (const { target, dynamic, typeOnly } of importsOf(parse(file, text))) {
      if (!dynamic && !typeOnly) queue.push(target === "#wasm" ? "ts/backend/wasm/module-inline.ts" : resolve(file, target));
    }
  }
  return reached;
}

/** Every file below ts/ that `file` imports, types included. */
function neighbours(files: ReadonlyMap<string, string>, file: string): string[] {
  const text = files.get(file);
  if (text === undefined) return [];
  return importsOf(parse(file, text)).map(({ target }) => resolve(file, target));
}

/** The circles of imports, types included: each a list of files that all lead to one another (Tarjan's components). */
export function circles(files: ReadonlyMap<string, string>): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const visit = (file: string): number => {
    const number = order.size;
    order.set(file, number);
    lowest.set(file, number);
    open.push(file);
    for (const next of neighbours(files, file)) {
      const reached = order.has(next) ? (open.includes(next) ? order.get(next) : undefined) : visit(next);
      if (reached !== undefined) lowest.set(file, Math.min(lowest.get(file) ?? number, reached));
    }
    const low = lowest.get(file) ?? number;
    if (low === number) {
      const members = open.splice(open.indexOf(file));
      if (members.length > 1) found.push(members.sort());
    }
    return low;
  };
  for (const file of files.keys()) if (!order.has(file)) visit(file);
  return found;
}
