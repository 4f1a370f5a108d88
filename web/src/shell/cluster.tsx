// cluster: one line about the cluster, everywhere. On ordinary pages it is asked for while the cluster is not ready (a page that only reads holds no
// stream); in a lab the stream tells.
import { effect, signal } from "@preact/signals";
import { render } from "preact";
import { type Cluster, getCluster } from "../lib/api";
import { t } from "../lib/i18n";
import { type Mark, State } from "../ui/parts";

export const cluster = signal<Cluster | null>(null);

export function clusterWords(now: Cluster): { mark: Mark; text: string } {
  switch (now.state) {
    case "ready": return { mark: "live", text: now.program ? t("cluster.ready-building", { version: now.version, percent: Math.round(now.percent), program: now.program }) : t("cluster.ready", { version: now.version }) };
    case "building": return { mark: "wait", text: t("cluster.building", { percent: Math.round(now.percent), program: now.program || "…" }) };
    case "starting": return { mark: "wait", text: t("cluster.starting", { done: now.parts.done, of: now.parts.of }) };
    case "away": return { mark: "off", text: t("cluster.silent") };
    case "broken": return { mark: "error", text: now.why_text ? t("cluster.broken", { why: now.why_text }) : t("cluster.broken-plain") };
    default: return { mark: "none", text: t("cluster.none") };
  }
}

export function ClusterLine(slot: HTMLElement, live: boolean): void {
  // what C wrote stands until something newer is known; after that the place is Preact's, which would draw into what was taken away
  let ours = false;
  effect(() => {
    const now = cluster.value;
    if (!now) return;
    const { mark, text } = clusterWords(now);
    if (!ours) slot.replaceChildren();
    ours = true;
    render(<State mark={mark}>{text}</State>, slot);
  });
  if (live) return;
  const ask = async () => {
    if (!document.hidden) {
      try { cluster.value = await getCluster(); } catch { /* asked again */ }
      const now = cluster.peek();
      // what is still to come goes on being asked for
      if (now?.state === "ready" && !Object.values(now.lacking ?? {}).some(one => one.state === "coming" || one.state === "looking")) return;
    }
    setTimeout(ask, ["building", "ready"].includes(cluster.peek()?.state ?? "") ? 5000 : 2500);
  };
  void ask();
}
