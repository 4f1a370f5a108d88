// live: the one stream of this tab. Read with fetch, because EventSource gives up after one refusal and hides status and Retry-After. Open while the tab
// is seen; closed after 5 s hidden, opened again with `since`. Nothing for 35 s counts as broken. Components open no connection: they read lib/store.
import { signal } from "@preact/signals";
import { postLiveTopics, token } from "./api";
import { now, serverSays } from "./clock";
import { backoff, retryAfter, type StreamEvent, StreamParser } from "./stream";

export type LiveState = "off" | "connecting" | "live" | "reconnecting" | "offline" | "signed-out" | "silent";
/** What the badge shows: the state, and when the last word came (server's clock). */
export const liveState = signal<LiveState>("off");
export const lastWord = signal(0);

const SILENCE = 35_000, HIDDEN = 5_000, OFFLINE_AFTER = 5, WATCH_SILENT = 120_000;
let topics: string[] = [];
let since = "";
let tab = "";
let failures = 0;
let reader: AbortController | undefined;
let timer = 0, watchdog = 0, hiding = 0;
let onEvent: (event: string, data: any) => void = () => {};

export function startLive(first: string[], handler: (event: string, data: any) => void): void {
  topics = first;
  onEvent = handler;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(close, HIDDEN);
    else again();
  });
  for (const name of ["online", "pageshow"]) addEventListener(name, again);
  addEventListener("pagehide", close);
  open();
}

/** Other topics on the same stream, without a gap where the server knows this tab. */
export async function changeTopics(next: string[]): Promise<void> {
  if (next.join() === topics.join()) return;
  topics = next;
  if (tab && liveState.peek() === "live") {
    try { await postLiveTopics(tab, topics.join(",")); return; } catch { /* the tab is not known any more: a new stream */ }
  }
  since = "";
  close();
  open();
}

/** Now, whatever the back-off says: the Retry button, and when the tab or the network comes back. */
export function again(): void {
  if (document.hidden || (reader && liveState.peek() === "live") || liveState.peek() === "signed-out") return;
  close();
  failures = 0;
  open();
}

function close(): void {
  clearTimeout(timer);
  clearTimeout(watchdog);
  reader?.abort();
  reader = undefined;
}

function fail(atLeastMs = 0): void {
  close();
  failures++;
  liveState.value = navigator.onLine === false || failures > OFFLINE_AFTER ? "offline" : "reconnecting";
  if (!document.hidden) timer = setTimeout(open, backoff(failures, Math.random(), atLeastMs));
}

function heard(): void {
  clearTimeout(watchdog);
  watchdog = setTimeout(() => fail(), SILENCE);
  lastWord.value = now();
}

async function open(): Promise<void> {
  clearTimeout(timer);
  if (reader || document.hidden) return;
  const mine = (reader = new AbortController());
  if (!failures) liveState.value = "connecting";
  const query = new URLSearchParams({ topics: topics.join(",") });
  if (since) query.set("since", since);
  let wait = 0;
  try {
    watchdog = setTimeout(() => fail(), SILENCE);
    const response = await fetch(`/api/v1/live?${query}`, { headers: { Accept: "text/event-stream", "X-Makmal-Token": token() }, cache: "no-store", signal: mine.signal });
    if (mine !== reader) return;
    if (response.status === 401) { close(); liveState.value = "signed-out"; return; }
    if (response.status === 404 && since) since = "";
    if (!response.ok || !response.body) return fail(retryAfter(response.headers.get("Retry-After")));
    const parser = new StreamParser(), decoder = new TextDecoder(), body = response.body.getReader();
    for (;;) {
      const { done, value } = await body.read();
      if (mine !== reader) return;
      if (done) break;
      heard();
      for (const event of parser.push(decoder.decode(value, { stream: true }))) wait = take(event) ?? wait;
    }
  } catch { if (mine !== reader) return; }
  fail(wait);
}

/** Returns how long to wait when the server says goodbye. */
function take(event: StreamEvent): number | undefined {
  if (event.id) since = event.id;
  let data: any;
  try { data = JSON.parse(event.data); } catch { return undefined; }
  if (event.event === "hello") {
    tab = data.tab;
    failures = 0;
    serverSays(data.now_ms);
    liveState.value = "live";
  } else if (event.event === "ping") {
    serverSays(data.now_ms);
    liveState.value = data.watch_age_ms > WATCH_SILENT ? "silent" : "live";
  } else if (event.event === "bye") {
    return Math.min(Number(data.retry_ms) || 0, 60_000);
  }
  onEvent(event.event, data);
  return undefined;
}
