// i18n: the page's language and its words, loaded once as a chunk. The language is the document's; switching it loads the page anew. In words/*.json the
// page's keys begin with "page."; here they are named without it, as t("check.title").
import type { ComponentChildren } from "preact";
import { type Entry, fill, form, type Lang, locale, type Params, pieces } from "./words";

export const lang: Lang = document.documentElement.lang.startsWith("ms") ? "ms" : "en";
const catalogue: Record<string, Entry> = {};
export const add = (words: Record<string, Entry>) => void Object.assign(catalogue, words);

/** The shell's words; a lab adds its own. */
export async function loadWords(): Promise<void> {
  add((lang === "ms" ? await import("words:words-app-ms") : await import("words:words-app-en")).default);
}

export function t(key: string, params?: Params): string {
  const entry = catalogue[key];
  return entry === undefined ? key : fill(entry, params, lang);
}
export const has = (key: string) => key in catalogue;

/** A sentence with elements at the places of some parameters. */
export function tx(key: string, params: Record<string, ComponentChildren>): ComponentChildren[] {
  const entry = catalogue[key];
  if (entry === undefined) return [key];
  const count = params.count;
  return pieces(form(entry, typeof count === "number" ? { count } : undefined, lang)).map(piece =>
    piece.text !== undefined ? piece.text : piece.name! in params ? params[piece.name!] : `{${piece.name}}`);
}

const clockFormat = new Intl.DateTimeFormat(locale(lang), { hour: "2-digit", minute: "2-digit", hour12: false });
const secondsFormat = new Intl.DateTimeFormat(locale(lang), { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const dayFormat = new Intl.DateTimeFormat(locale(lang), { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false });
const numberFormat = new Intl.NumberFormat(locale(lang), { maximumFractionDigits: 2 });
export const numberText = (value: number) => numberFormat.format(value);
export const clockText = (ms: number) => clockFormat.format(ms);
export const secondsText = (ms: number) => secondsFormat.format(ms);
export const dayText = (ms: number) => dayFormat.format(ms);
