// clock: the server's time. Every answer that carries now_ms corrects the offset; `second` ticks for whatever counts.
import { signal } from "@preact/signals";

const offset = signal(0);
export const second = signal(Date.now());
export function serverSays(nowMs: number): void { offset.value = nowMs - Date.now(); second.value = now(); }
export const now = () => Date.now() + offset.peek();
setInterval(() => { if (!document.hidden) second.value = now(); }, 1000);
document.addEventListener("visibilitychange", () => { second.value = now(); });

/** "38:12", "1:02:03"; never below zero. */
export function countdown(ms: number): string {
  const total = Math.max(0, Math.ceil(ms / 1000)), two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(total / 3600), minutes = Math.floor(total / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`;
}
