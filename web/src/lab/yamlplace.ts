// yamlplace: what cannot be read in a text, and where a field path lies in it. Pure; offsets are UTF-16, as in the editor.
import { type Document, isMap, isScalar, isSeq, parseAllDocuments, type Node, type Pair } from "yaml";

export interface Range { from: number; to: number }
export interface SyntaxProblem extends Range { code: string; detail: string }

function read(text: string): { docs: Document[]; problems: SyntaxProblem[] } {
  const docs = parseAllDocuments(text, { keepSourceTokens: false, prettyErrors: false, uniqueKeys: true, merge: true, logLevel: "silent" }) as Document[];
  if (!Array.isArray(docs)) return { docs: [], problems: [] };
  const problems = docs.flatMap(doc => doc.errors.map(error => ({ code: error.code as string, detail: error.message, from: error.pos[0], to: Math.max(error.pos[1], error.pos[0] + 1) })));
  return { docs, problems };
}

/** Problems of the text itself, in its order, at most 20; several on one line are told once. */
export function syntax(text: string): SyntaxProblem[] {
  const seen = new Set<number>();
  return read(text).problems.sort((a, b) => a.from - b.from).map(problem => {
    const from = Math.min(problem.from, text.length), to = Math.min(problem.to, text.length);
    const lineEnd = text.indexOf("\n", from) < 0 ? text.length : text.indexOf("\n", from);
    return { ...problem, from, to: Math.max(Math.min(to, lineEnd), Math.min(from + 1, text.length)) };
  }).filter(problem => {
    const line = text.lastIndexOf("\n", problem.from - 1);
    if (seen.has(line)) return false;
    seen.add(line);
    return true;
  }).slice(0, 20);
}

export type Part = string | number | { key: string; value: string };
/** "spec.ports[0].name", "containers[name=web]", "labels[\"app.kubernetes.io/name\"]", "labels[app/x]" to its parts. */
export function parsePath(path: string): Part[] {
  const parts: Part[] = [];
  const pattern = /\.?([^.[\]]+)|\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\[([^\]=]+)=([^\]]*)\]|\[([^\]]+)\]/gy;
  for (let match: RegExpExecArray | null; (match = pattern.exec(path)); ) {
    const [, name, quoted, index, key, value, bare] = match;
    if (name !== undefined) parts.push(name);
    else if (quoted !== undefined) parts.push(quoted.replace(/\\(.)/g, "$1"));
    else if (index !== undefined) parts.push(Number(index));
    else if (key !== undefined) parts.push({ key, value: value ?? "" });
    else if (bare !== undefined) parts.push(bare);
  }
  return parts;
}

const textOf = (node: unknown) => (isScalar(node) ? String(node.value) : "");
const member = (map: Node | null | undefined, key: string): Pair<Node, Node | null> | undefined =>
  isMap(map) ? (map.items.find(pair => textOf(pair.key) === key) as Pair<Node, Node | null> | undefined) : undefined;
const range = (node: Node | null | undefined): Range | null => (node?.range ? { from: node.range[0], to: Math.max(node.range[1], node.range[0] + 1) } : null);

/** Where a field of an object stands: the value, or, where the path ends early, the key of the nearest parent that is there. Null: no such object. */
export function placeOf(text: string, object: { kind: string; name: string } | null | undefined, path: string): Range | null {
  const { docs } = read(text);
  const roots = docs.flatMap(doc => {
    const items = member(doc.contents as Node, "items")?.value;
    return textOf(member(doc.contents as Node, "kind")?.value) === "List" && isSeq(items) ? (items.items as Node[]) : [doc.contents as Node | null];
  }).filter((root): root is Node => isMap(root));
  const root = object?.kind
    ? roots.find(candidate => textOf(member(candidate, "kind")?.value) === object.kind && (!object.name || textOf(member(member(candidate, "metadata")?.value, "name")?.value) === object.name))
    : roots.length === 1 ? roots[0] : undefined;
  if (!root) return null;
  let at: Node | null | undefined = root;
  // the whole object is pointed at by its kind line
  let best = range(member(root, "kind")?.value ?? (isMap(root) ? (root.items[0]?.key as Node) : root));
  for (const part of parsePath(path)) {
    if (typeof part === "string") {
      const pair = member(at, part);
      if (!pair) break;
      at = pair.value;
      best = isScalar(at) && at.range && at.range[1] > at.range[0] ? range(at) : range(pair.key);
    } else {
      if (!isSeq(at)) break;
      const next: Node | undefined = typeof part === "number" ? (at.items[part] as Node) : (at.items as Node[]).find(item => textOf(member(item, part.key)?.value) === part.value);
      if (!next) break;
      at = next;
      best = isMap(next) ? range(next.items[0]?.key as Node) ?? best : range(next) ?? best;
    }
  }
  return best;
}

/** 1-based line and column (in code points, as the server counts) to an offset; held inside the text. */
export function offsetAt(text: string, line: number, col: number): number {
  let start = 0;
  for (let n = 1; n < line; n++) {
    const end = text.indexOf("\n", start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  const end = text.indexOf("\n", start) < 0 ? text.length : text.indexOf("\n", start);
  let offset = start;
  for (const character of text.slice(start, end)) {
    if (--col < 1) break;
    offset += character.length;
  }
  return offset;
}
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}
