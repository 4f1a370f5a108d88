// grades: what became of a grade after it was given: each regrade with its reason, drawn as on the instructor's page (the bar is the new, the line the old), and
// the learner's own request for one.
import { useId, useState } from "preact/hooks";
import { ApiError, type Grade, postAppeal } from "../lib/api";
import { dayText, t } from "../lib/i18n";
import { closeDialog, openDialog } from "../ui/dialog";
import { Button, Note, notify } from "../ui/parts";
import { number, points } from "./points";
import { appeal, grades, submission } from "./state";

const REASON_MAX = 300, WIDE = 1000;

function Move({ from, to }: { from: Grade; to: Grade }) {
  const wide = (grade: Grade) => Math.round(Math.min(1, number(grade.earned) / (number(grade.max) || 1)) * WIDE), change = number(to.earned) > number(from.earned) ? "up" : number(to.earned) < number(from.earned) ? "down" : "same";
  return (
    <span class={`grade-move change-${change}`}>
      <svg class="move" viewBox={`0 0 ${WIDE} 24`} preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" x="0" y="6" width={WIDE} height="12" /><rect class={`part-${change}`} x="0" y="6" width={wide(to)} height="12" /><rect class="was" x={Math.min(wide(from), WIDE - 6)} y="0" width="6" height="24" />
      </svg>
      <span><span aria-hidden="true">{change === "up" ? "▲" : change === "down" ? "▼" : "="}</span> {t("grades.from-to", { old: points(from.earned), oldmax: points(from.max), new: points(to.earned), newmax: points(to.max) })}</span>
    </span>
  );
}

/** Newest first, as the server tells them; the oldest is the hand-in's own grade. */
export function GradeHistory() {
  const list = grades.value;
  if (list.length < 2) return null;
  return (
    <section class="grade-history" aria-labelledby="grades-title">
      <h4 id="grades-title">{t("grades.title")}</h4>
      <ol>
        {list.slice(0, -1).map((to, index) => (
          <li key={to.verdict} data-counts={to.counts ? "" : undefined}>
            <Move from={list[index + 1]!} to={to} />
            <span class="facts">{dayText(to.at_ms)}</span>
            {to.reason && <p>{t("grades.reason")}: <bdi>{to.reason}</bdi></p>}
          </li>
        ))}
      </ol>
    </section>
  );
}

export function AppealBox() {
  const of = submission.value, now = appeal.value;
  if (!of || !["graded", "error"].includes(of.state)) return null;
  return (
    <div class="appeal-box">
      {now?.state === "open" && <Note tone="info">{t("appeal.open")}</Note>}
      {now && now.state !== "open" && (
        <Note tone={now.state === "refused" ? "warn" : "info"}>
          {now.state === "refused" ? t("appeal.refused") : now.outcome === "same" ? t("appeal.same") : now.outcome === "kept" ? t("appeal.kept") : t("appeal.regraded")}
          {now.answer && <><br />{t("appeal.answer")}: <bdi>{now.answer}</bdi></>}
        </Note>
      )}
      {now && <p class="facts">{t("appeal.yours")}: <bdi>{now.reason}</bdi></p>}
      {now?.state !== "open" && <div class="actions"><Button dialog onClick={() => openDialog(t("appeal.ask"), Ask)}>{t("appeal.ask")}</Button></div>}
    </div>
  );
}

function Ask() {
  const [reason, setReason] = useState(""), [busy, setBusy] = useState(false), [alert, setAlert] = useState(""), field = useId(), id = submission.value!.id;
  const send = async () => {
    setBusy(true);
    setAlert("");
    try {
      const made = await postAppeal(id, reason);
      if (submission.value?.id === id) appeal.value = made.appeal;
      closeDialog();
      notify("pass", t("appeal.sent"), { ms: 6000 });
    } catch (error) { setAlert(error instanceof ApiError ? error.message : String(error)); }
    setBusy(false);
  };
  return (
    <>
      <p>{t("appeal.about")}</p>
      {alert && <Note tone="fail" role="alert">{alert}</Note>}
      <div class="field"><label for={field}>{t("appeal.label", { count: REASON_MAX })}</label>
        <textarea id={field} rows={4} maxLength={REASON_MAX} value={reason} onInput={event => setReason(event.currentTarget.value)} /></div>
      <div class="actions"><Button kind="primary" busy={busy} why={reason.trim() ? null : t("appeal.first")} onClick={() => void send()}>{t("appeal.send")}</Button></div>
    </>
  );
}
