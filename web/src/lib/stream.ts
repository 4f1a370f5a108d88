// stream: text/event-stream to events, and how long to wait before asking again. Pure.
export interface StreamEvent { id: string; event: string; data: string }

/** Bytes come in pieces of any size; push returns the events that are whole. Comments and unknown fields are left out. */
export class StreamParser {
  private rest = "";
  private id = "";
  private event = "";
  private data: string[] = [];
  push(text: string): StreamEvent[] {
    const out: StreamEvent[] = [];
    this.rest += text;
    let end: RegExpExecArray | null;
    // a lone \r at the very end may be half of \r\n
    while ((end = /\r\n|\n|\r(?!$)/.exec(this.rest))) {
      const line = this.rest.slice(0, end.index);
      this.rest = this.rest.slice(end.index + end[0].length);
      if (line === "") {
        if (this.data.length) out.push({ id: this.id, event: this.event || "message", data: this.data.join("\n") });
        this.event = "";
        this.data = [];
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      let value = colon < 0 ? "" : line.slice(colon + 1);
      if (value.startsWith(" ")) value = value.slice(1);
      if (field === "data") this.data.push(value);
      else if (field === "event") this.event = value;
      else if (field === "id" && !value.includes("\0")) this.id = value;
    }
    return out;
  }
}

/** 250 ms doubling to 10 s, ± 30 %; what the server asked for (Retry-After, bye) is the least. failures: 1 after the first. random: 0 up to 1. */
export function backoff(failures: number, random: number, atLeastMs = 0): number {
  const base = Math.min(10_000, 250 * 2 ** Math.min(failures - 1, 10));
  return Math.max(atLeastMs, Math.round(base * (0.7 + 0.6 * random)));
}

/** Retry-After in seconds, as milliseconds; 0 when absent or unreadable. Dates are not sent by our server. */
export function retryAfter(header: string | null): number {
  const seconds = Number(header);
  return header && Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 120) * 1000 : 0;
}
