// hints: a ladder of three rungs: where to look, the idea, nearly the answer. One at a time; a rung opens after tries that did not pass, or after minutes.
// What is open stays.
import { useState } from "preact/hooks";
import { t } from "../lib/i18n";
import { Button } from "../ui/parts";
import { hint, hints } from "./state";

export function Ladder({ name }: { name: string }) {
  const [busy, setBusy] = useState(false);
  const ladder = hints.value?.ladders.find(one => one.key === name), opened = (hints.value?.hints ?? []).filter(one => one.key === name).sort((a, b) => a.rung - b.rung);
  if (!ladder) return null;
  const next = ladder.next;
  const why = !next || next.open ? null : next.tries > 0 && next.minutes > 0 ? t("hint.after-both", { tries: next.tries, count: next.minutes }) : next.tries > 0 ? t("hint.after-tries", { count: next.tries }) : t("hint.after-minutes", { count: next.minutes });
  return (
    <div class="hints">
      {!!opened.length && <ol class="hint-list">{opened.map(one => <li key={one.rung} value={one.rung}>{one.text}</li>)}</ol>}
      {next && <div class="actions"><Button compact busy={busy} why={why} onClick={async () => { setBusy(true); await hint(name, next.rung); setBusy(false); }}>{t("hint.show", { number: next.rung, of: ladder.rungs })}</Button>{why && <span class="facts">{why}</span>}</div>}
    </div>
  );
}

export function LabHints() {
  if (!hints.value?.ladders.some(ladder => ladder.key === "hints")) return null;
  return <section class="lab-hints" aria-labelledby="hints-title"><h3 id="hints-title">{t("hint.title")}</h3><Ladder name="hints" /></section>;
}
