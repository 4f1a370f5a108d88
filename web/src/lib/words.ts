// words: a message with parameters to text. Pure: the catalogue and the language are given. Sentences are whole, parameters named, never glued.
export type Lang = "en" | "ms";
export type Entry = string | { one: string; other: string };
export type Params = Record<string, string | number>;

/** The form of an entry for these parameters: English needs one/other, Malay has one form. Chosen by parameter `count`. */
export function form(entry: Entry, params: Params | undefined, lang: Lang): string {
  if (typeof entry === "string") return entry;
  const one = lang === "en" && Number(params?.count) === 1;
  return one ? entry.one : entry.other;
}

/** Pieces of a sentence: its text, and the parameters at their places (the caller may put elements there). */
export function pieces(text: string): { text?: string; name?: string }[] {
  return text.split(/(\{[a-z_]+\})/).filter(Boolean).map(part => (/^\{[a-z_]+\}$/.test(part) ? { name: part.slice(1, -1) } : { text: part }));
}

/** Numbers are written as the language does; an unknown {name} stays as written, as on the server. */
export function fill(entry: Entry, params: Params | undefined, lang: Lang): string {
  return pieces(form(entry, params, lang)).map(piece => {
    if (piece.text !== undefined) return piece.text;
    const value = params?.[piece.name!];
    if (value === undefined) return `{${piece.name}}`;
    return typeof value === "number" ? value.toLocaleString(locale(lang)) : value;
  }).join("");
}

export const locale = (lang: Lang) => (lang === "ms" ? "ms-MY" : "en-GB");
