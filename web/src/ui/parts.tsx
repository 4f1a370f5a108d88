// parts: the small things every screen is made of. A control that cannot be used says why; a state is an icon and a word.
import type { ComponentChildren } from "preact";
import { signal } from "@preact/signals";
import { useId, useState } from "preact/hooks";
import { t } from "../lib/i18n";
import { copyText } from "../lib/copy";

export function Button(props: { onClick?: () => void; kind?: "primary" | "danger" | "quiet"; compact?: boolean; busy?: boolean; why?: string | null | false; children: ComponentChildren; label?: string; pressed?: boolean; expanded?: boolean; type?: "button" | "submit"; id?: string; class?: string; shortcut?: string; dialog?: boolean }) {
  const hint = useId();
  const off = props.why || (props.busy ? t("ui.busy") : "");
  const button = (
    <button type={props.type ?? "button"} id={props.id} class={[props.kind, props.compact && "compact", props.class].filter(Boolean).join(" ") || undefined} aria-label={props.label} title={!off ? props.label : undefined}
      aria-disabled={off ? "true" : undefined} aria-busy={props.busy ? "true" : undefined} aria-describedby={props.why ? hint : undefined} aria-pressed={props.pressed} aria-expanded={props.expanded} aria-keyshortcuts={props.shortcut}
      aria-haspopup={props.dialog ? "dialog" : undefined} onClick={event => { if (off) { event.preventDefault(); if (props.why) say(props.why); } else props.onClick?.(); }}>
      {props.busy && <span class="spin" aria-hidden="true" />}{props.children}
    </button>
  );
  return props.why ? <span class="reason-box">{button}<span class="reason" id={hint} role="tooltip">{props.why}</span></span> : button;
}

export type Mark = "none" | "begun" | "locked" | "pass" | "done" | "partial" | "fail" | "blocked" | "pending" | "error" | "unobserved" | "live" | "wait" | "off" | "info";
export const State = ({ mark, children }: { mark: Mark; children: ComponentChildren }) => <span class="state" data-state={mark}>{children}</span>;
export const Note = ({ tone, children, role }: { tone: "info" | "warn" | "fail" | "pass"; children: ComponentChildren; role?: "alert" | "status" }) => (
  <div class="note" data-tone={tone} role={role}><span>{children}</span></div>
);

/** label: what is copied, for who hears it; face: what the button says instead of Copy. */
export function CopyButton({ text, label, face }: { text: string | (() => string); label?: string; face?: string }) {
  const [word, setWord] = useState("");
  const press = async () => {
    const done = await copyText(typeof text === "string" ? text : text());
    setWord(done ? t("ui.copied") : t("ui.copy-failed"));
    say(done ? t("ui.copied") : t("ui.copy-failed"));
    setTimeout(() => setWord(""), 2000);
  };
  return <button type="button" class="copy" onClick={press} aria-label={label ? t("ui.copy-what", { what: label }) : undefined}>{word || face || t("ui.copy")}</button>;
}

// --- what is spoken: one polite region for the page; emptied first, or a repeat is not heard ---
const spoken = signal("");
export function say(text: string): void {
  spoken.value = "";
  setTimeout(() => { spoken.value = text; }, 60);
}
export const Spoken = () => <div class="sr" role="status" aria-live="polite">{spoken.value}</div>;

// --- notices: short remarks at the edge; they stay until dismissed, or go by themselves when `ms` says so ---
interface Notice { id: number; tone: "info" | "warn" | "fail" | "pass"; text: string; action?: { word: string; run: () => void } }
const notices = signal<Notice[]>([]);
let serial = 0;
export function notify(tone: Notice["tone"], text: string, options: { ms?: number; action?: Notice["action"] } = {}): void {
  const id = ++serial;
  notices.value = [...notices.value.filter(notice => notice.text !== text), { id, tone, text, action: options.action }].slice(-3);
  say(text);
  if (options.ms) setTimeout(() => drop(id), options.ms);
}
const drop = (id: number) => { notices.value = notices.value.filter(notice => notice.id !== id); };
export const Notices = () => (
  <div class="notices">
    {notices.value.map(notice => (
      <div class="note" data-tone={notice.tone} key={notice.id}>
        <span>{notice.text}</span>
        {notice.action && <button type="button" onClick={() => { notice.action!.run(); drop(notice.id); }}>{notice.action.word}</button>}
        <button type="button" onClick={() => drop(notice.id)} aria-label={t("ui.dismiss")}>✕</button>
      </div>
    ))}
  </div>
);
