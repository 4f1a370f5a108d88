// context: where in a manifest the cursor stands, told from indentation alone, because a text that is being typed is seldom whole. Pure.
export interface Context {
  kind: string;                       // of the document the cursor is in, "" when not yet written
  path: (string | number)[];          // of the map the cursor is in: keys, and places in lists
  place: "key" | "value";
  key: string;                        // place "value": the key before the colon
  word: string; from: number;         // what is typed so far, and where it begins
  siblings: string[];                 // keys that this map has already
}

interface Open { col: number; key?: string; item?: number }

export function contextAt(text: string, pos: number): Context | null {
  const before = text.slice(0, pos).split("\n"), after = text.slice(pos).split("\n");
  const current = before.pop()!, rest = after.shift()!;
  let first = 0;
  before.forEach((line, index) => { if (/^---(\s|$)/.test(line)) first = index + 1; });
  const ends = after.findIndex(line => /^---(\s|$)/.test(line));
  const lines = [...before.slice(first), current + rest, ...(ends < 0 ? after : after.slice(0, ends))], row = before.length - first;
  if (/(^|\s)#/.test(current)) return null;

  const stack: Open[] = [], keys = new Map<string, string[]>();
  const pathOf = (): (string | number)[] => stack.flatMap((open): (string | number)[] => (open.key !== undefined ? [open.key] : open.item !== undefined ? [open.item] : []));
  let scalar = -1, found: Omit<Context, "kind" | "siblings"> | null = null;
  for (let index = 0; index < lines.length; index++) {
    const mine = index === row, line = mine ? current : lines[index]!;
    const indent = /^ */.exec(line)![0].length;
    if (scalar >= 0) {
      if (line.trim() === "" ? !mine : indent > scalar) { if (mine) return null; continue; }
      if (!(mine && line.trim() === "")) scalar = -1;
    }
    if (!mine && (line.trim() === "" || line.trimStart().startsWith("#"))) continue;
    let col = indent, body = line.slice(indent);
    // each dash opens a place in a list; the list may stand at the column of its key
    for (let dash: RegExpExecArray | null; (dash = /^-(?: +|$)/.exec(body)); ) {
      let count = 0;
      while (stack.length && (stack.at(-1)!.col > col || (stack.at(-1)!.col === col && stack.at(-1)!.item !== undefined))) {
        const top = stack.pop()!;
        if (top.item !== undefined && top.col === col) count = top.item + 1;
      }
      stack.push({ col, item: count });
      col += dash[0].length;
      body = body.slice(dash[0].length);
    }
    while (stack.length && stack.at(-1)!.col >= col) stack.pop();
    const pair = /^("[^"]*"|'[^']*'|[^\s:#][^:#]*?)\s*:(?:\s+(.*))?$/.exec(body);
    if (mine) {
      if (pair) found = { path: pathOf(), place: "value", key: pair[1]!.replace(/^["']|["']$/g, ""), word: pair[2] ?? "", from: pos - (pair[2] ?? "").length };
      else if (/^[\w./-]*$/.test(body)) found = { path: pathOf(), place: "key", key: "", word: body, from: pos - body.length };
      else return null;
      // the rest of the line counts for what follows
      const whole = /^("[^"]*"|'[^']*'|[^\s:#][^:#]*?)\s*:/.exec((current + rest).slice(col));
      if (whole) { stack.push({ col, key: whole[1]! }); continue; }
    }
    if (pair) {
      const key = pair[1]!.replace(/^["']|["']$/g, "");
      const here = JSON.stringify(pathOf());
      keys.set(here, [...(keys.get(here) ?? []), key]);
      stack.push({ col, key });
      if (/^[|>][+-]?\d?\s*$/.test(pair[2] ?? "")) scalar = col;
    }
  }
  if (!found) return null;
  const kind = /^kind:\s*["']?(\w+)/m.exec(lines.join("\n"))?.[1] ?? "";
  return { ...found, kind, siblings: keys.get(JSON.stringify(found.path)) ?? [] };
}
