// files: the texts of this attempt, and their way to the server. Saved 1 s after typing; until then a local copy is the net (wiped at sign-out).
import { computed, signal } from "@preact/signals";
import { ApiError, getDraft, putDraft } from "../lib/api";
import { now } from "../lib/clock";
import { t } from "../lib/i18n";
import { filesMark } from "../lib/hash";
import { notify } from "../ui/parts";

export interface File { name: string; text: string }
export const files = signal<File[]>([]);
export const active = signal("");
/** How the texts stand with the server. */
export const saved = signal<{ state: "saved" | "dirty" | "saving" | "failed"; at: number }>({ state: "saved", at: 0 });
/** Grows when texts were replaced from outside the editor (loaded, reset, restored): the editor takes them anew. */
export const loaded = signal(0);
export const marked = computed(() => filesMark(files.value));
export const NAME = /^[a-z0-9._-]{1,64}$/;
export const FILES_MAX = 20, BYTES_MAX = 256 * 1024;
export const bytes = computed(() => { const encoder = new TextEncoder(); return files.value.reduce((sum, file) => sum + encoder.encode(file.text).length, 0); });

let attempt = "";
let timer = 0, failures = 0, inFlight: Promise<void> | undefined;
const local = () => `makmal-lab-text-${attempt}`;

/** text: the step's; of several files the one it names first is shown first. */
export async function loadFiles(id: string, text: string): Promise<void> {
  attempt = id;
  const draft = await getDraft(id);
  const texts = draft.files.map(file => ({ name: file.name, text: file.text ?? "" }));
  files.value = texts.length ? texts : [{ name: "main.yaml", text: "" }];
  saved.value = { state: "saved", at: draft.saved_ms };
  const net = readLocal();
  if (net && net.at > draft.saved_ms && filesMark(net.files) !== marked.value) {
    files.value = net.files;
    notify("info", t("lab.draft-found"));
    touch();
  } else dropLocal();
  if (!files.value.some(file => file.name === active.value)) {
    const named = (file: File) => { const at = text.indexOf(file.name); return at < 0 ? Infinity : at; };
    active.value = files.value.reduce((best, file) => (named(file) < named(best) ? file : best)).name;
  }
  loaded.value++;
}

/** From the editor, at each change. */
export function setText(name: string, text: string): void {
  files.value = files.value.map(file => (file.name === name ? { name, text } : file));
  touch();
}
export function addFile(name: string, text = ""): void {
  files.value = [...files.value, { name, text }];
  active.value = name;
  loaded.value++;
  touch();
}
export function removeFile(name: string): void {
  keepReplaced();
  const index = files.value.findIndex(file => file.name === name), rest = files.value.filter(file => file.name !== name);
  files.value = rest.length ? rest : [{ name: "main.yaml", text: "" }];
  if (active.value === name) active.value = files.value[Math.max(0, index - 1)]!.name;
  loaded.value++;
  touch();
}
export function replaceAll(next: File[]): void {
  files.value = next;
  if (!next.some(file => file.name === active.value)) active.value = next[0]?.name ?? "";
  loaded.value++;
  touch();
}

// --- what a reset replaced can be brought back, in this browser ---
const replacedKey = () => `makmal-lab-before-${attempt}`;
export function keepReplaced(): void { try { localStorage.setItem(replacedKey(), JSON.stringify(files.value)); } catch { /* full or off */ } }
export function replaced(): File[] | null { try { return JSON.parse(localStorage.getItem(replacedKey()) || "null"); } catch { return null; } }

function readLocal(): { files: File[]; at: number } | null { try { return JSON.parse(localStorage.getItem(local()) || "null"); } catch { return null; } }
function dropLocal(): void { try { localStorage.removeItem(local()); } catch { /* off */ } }

function touch(): void {
  saved.value = { state: "dirty", at: saved.value.at };
  try { localStorage.setItem(local(), JSON.stringify({ files: files.value, at: now() })); } catch { /* full or off: the server's copy comes in a second */ }
  clearTimeout(timer);
  timer = setTimeout(save, 1000);
}

/** Saves now if something is unsaved; done when the server has it, or said no. */
export async function save(): Promise<void> {
  clearTimeout(timer);
  while (inFlight) await inFlight;
  if (saved.value.state === "saved" || !attempt) return;
  const sent = marked.value;
  saved.value = { state: "saving", at: saved.value.at };
  inFlight = (async () => {
    try {
      const answer = await putDraft(attempt, files.value);
      failures = 0;
      if (marked.value === sent) {
        dropLocal();
        saved.value = { state: "saved", at: answer.saved_ms };
      } else { saved.value = { state: "dirty", at: answer.saved_ms }; timer = setTimeout(save, 1000); }
    } catch (error) {
      failures++;
      saved.value = { state: "failed", at: saved.value.at };
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 401 && error.status !== 429) { if (failures === 1) notify("warn", error.message); }
      else timer = setTimeout(save, Math.min(30_000, 2000 * failures));
    }
  })();
  await inFlight;
  inFlight = undefined;
}

addEventListener("pagehide", () => {
  if (attempt && saved.peek().state !== "saved" && bytes.peek() < 60_000) void putDraft(attempt, files.peek(), true).catch(() => { /* the local copy holds it */ });
});
