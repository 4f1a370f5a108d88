// regrade: while a preview is made or a regrade runs, its progress moves; when it has ended the page is asked for anew, for it is drawn by the server.
import { t } from "../lib/i18n";
import { startLive } from "../lib/live";

export function mount(element: HTMLElement): void {
  const { id, state } = element.dataset;
  const bar = element.querySelector("progress"), words = element.querySelector("#regrade-progress");
  if (!id || !bar || !words) return;
  startLive([`regrade:${id}`], (event, now: { id: string; state: string; done: number; of: number }) => {
    if (event !== "regrade" || now.id !== id) return;
    if (now.state !== state) { location.reload(); return; }
    bar.max = now.of;
    bar.value = now.done;
    words.textContent = t("regrade.progress", { done: now.done, of: now.of });
  });
}
