// verdict: the checks of this lab and what the last submission brought. Rows come one by one; each finding says where, what was expected, what was found
// and why. A check that ended in our fault costs nothing and says so.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Check, Finding, Outcome, Verdict } from "../lib/api";
import { countdown, second } from "../lib/clock";
import { secondsText, t } from "../lib/i18n";
import { Button, CopyButton, type Mark, Note, State } from "../ui/parts";
import { openAt } from "./editorpane";
import { active, bytes, BYTES_MAX, files } from "./files";
import { AppealBox, GradeHistory } from "./grades";
import { Ladder, LabHints } from "./hints";
import { number, points } from "./points";
import { applyAndCheck, applying, check, checking, clusterReady, earlier, hints, isOpen, lab, previews, submission, unapplied, verdict } from "./state";

export function outcomeWord(outcome: Outcome): { mark: Mark; word: string } {
  switch (outcome) {
    case "pass": return { mark: "pass", word: t("outcome.pass") };
    case "partial": return { mark: "partial", word: t("outcome.partial") };
    case "fail": return { mark: "fail", word: t("outcome.fail") };
    case "blocked": return { mark: "blocked", word: t("outcome.blocked") };
    case "pending": return { mark: "pending", word: t("outcome.pending") };
    case "hidden": return { mark: "locked", word: t("outcome.hidden") };
    case "unobserved": return { mark: "unobserved", word: t("outcome.unobserved") };
    default: return { mark: "error", word: t("outcome.error") };
  }
}

export function CheckBar() {
  const live = unapplied.value && clusterReady.value && lab.value?.hand_in !== "files";
  const tooLarge = bytes.value > BYTES_MAX ? t("lab.too-large", { kib: Math.ceil(bytes.value / 1024), max: BYTES_MAX / 1024 }) : null;
  const why = tooLarge ?? (!isOpen.value ? t("lab.why-over") : applying.value ? t("lab.why-applying") : null);
  const busy = checking.value;
  return (
    <div class="actions check-bar">
      {live ? (
        <>
          <Button kind="primary" busy={busy} why={why} shortcut="Control+Enter" onClick={() => void applyAndCheck()}>{t("check.apply-and-check")}</Button>
          <Button busy={busy} why={why} onClick={() => void check()}>{t("check.only")}</Button>
        </>
      ) : <Button kind="primary" busy={busy} why={why} shortcut="Control+Enter" onClick={() => void check()}>{verdict.value ? t("check.again") : t("check.check")}</Button>}
    </div>
  );
}

export function Verdicts() {
  const now = submission.value, found = verdict.value, infos = lab.value?.checks ?? [];
  const rows: Check[] = found?.checks?.length ? found.checks : [];
  const top = useRef<HTMLElement>(null);
  // what is being checked comes into sight; the focus stays where it is
  useEffect(() => { if (checking.value) top.current?.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" }); }, [checking.value]);
  const previewRows = infos.map(info => previews.value.get(info.id) ?? null);
  return (
    <section class="verdict" aria-labelledby="checks-title" ref={top}>
      <h3 id="checks-title">{t("check.title")}</h3>
      <CheckBar />
      {now && <Headline />}
      <GradeHistory />
      {now?.state === "refused" && <Note tone="fail">{t("check.refused-about")}</Note>}
      {now?.state === "error" && <Note tone="warn">{t("check.our-fault-about")}</Note>}
      {!!found?.reading?.length && <ul class="findings">{found.reading.map((finding, index) => <FindingItem key={index} finding={finding} />)}</ul>}
      <ul class="checks" aria-busy={checking.value}>
        {rows.length ? rows.map(row => <CheckRow key={row.id} row={row} />)
          : infos.map((info, index) => {
            const preview = previewRows[index];
            return preview ? <CheckRow key={info.id} row={preview} preview /> : (
              <li key={info.id} class="check"><div class="check-head"><State mark={checking.value ? "wait" : "none"}>{checking.value ? t("check.running") : t("outcome.none")}</State><span class="check-title">{info.title}</span><span class="check-points">{t("check.points", { count: info.points })}</span></div></li>
            );
          })}
      </ul>
      {found && !!found.left_out?.length && <p class="facts">{t("check.left-out", { count: found.left_out.length })}</p>}
      {found && rows.some(row => row.outcome === "error") && <p class="facts">{t("check.not-counted")}</p>}
      {found && <div class="actions"><CopyButton text={() => asText(found)} face={t("check.as-text")} /></div>}
      <AppealBox />
      <LabHints />
    </section>
  );
}

function Headline() {
  const now = submission.value!, found = verdict.value;
  const rows = found?.checks ?? [...previews.value.values()], passed = rows.filter(row => row.outcome === "pass").length, total = found?.checks?.length ?? lab.value?.checks.length ?? 0;
  const all = !!found && total > 0 && passed === total;
  const before = earlier.value.filter(one => one.number < now.number && one.earned !== undefined).sort((a, b) => b.number - a.number)[0];
  return (
    <div class="headline" data-all={all ? "" : undefined}>
      <p class="headline-top"><strong>{t("check.submission", { number: now.number })}</strong><span>{secondsText(now.at_ms)}</span>{checking.value && <State mark="wait">{t("check.grading")}</State>}</p>
      {now.state !== "refused" && now.state !== "error" && (
        <>
          <p class="headline-count">{all ? t("check.all-passed", { count: total }) : t("check.passed-of", { passed, count: total })}{found && <>{" · "}{t("check.points-of", { earned: points(found.earned), max: points(found.max) })}</>}
            {found && number(found.gained) > 0 && before && <>{" · "}{t("check.gained", { gained: points(found.gained), number: before.number })}</>}</p>
          <progress max={found?.max_number || lab.value?.points || 1} value={found?.earned_number ?? 0} aria-label={t("check.points-label")} />
          {all && <p class="headline-next">{lab.value?.next ? <>{t("check.next")} <a href={lab.value.next.path}>{lab.value.next.title}</a></> : <a href="/me">{t("check.next-none")}</a>}</p>}
        </>
      )}
    </div>
  );
}

function CheckRow({ row, preview }: { row: Check; preview?: boolean }) {
  const { mark, word } = outcomeWord(row.outcome), info = lab.value?.checks.find(one => one.id === row.id);
  const left = row.outcome === "pending" && row.deadline_ms ? row.deadline_ms - second.value : 0;
  return (
    <li class="check" data-outcome={row.outcome} data-check={row.id} data-preview={preview ? "" : undefined}>
      <div class="check-head"><State mark={mark}>{word}</State><span class="check-title">{row.title}</span>
        <span class="check-points">{row.earned !== undefined && row.outcome !== "error" && row.outcome !== "pending" ? t("check.points-of", { earned: points(row.earned), max: points(row.max ?? String(info?.points ?? "")) }) : t("check.points", { count: info?.points ?? 0 })}</span></div>
      {row.outcome === "blocked" && !!row.because?.length && <p class="check-note">{t("check.blocked-by", { what: row.because.join(", ") })}</p>}
      {row.outcome === "pending" && <p class="check-note">{left > 0 ? t("check.pending-left", { time: countdown(left) }) : t("check.pending")}</p>}
      {row.outcome === "error" && <p class="check-note">{row.error_text || t("check.error")}</p>}
      {!!row.findings?.length && <ul class="findings">{row.findings.map((finding, index) => <FindingItem key={index} finding={finding} />)}</ul>}
    </li>
  );
}

const tones: Record<Finding["level"], "fail" | "warn" | "info"> = { fail: "fail", refuse: "fail", wait: "warn", warn: "warn", info: "info" };
function FindingItem({ finding }: { finding: Finding }) {
  const { at, object } = finding, inFiles = at && files.value.some(file => file.name === at.file);
  const expected = finding.want_text || (finding.want?.value !== undefined ? String(finding.want.value) : ""), found = finding.got_text || finding.got?.text || (finding.got?.value !== undefined ? String(finding.got.value) : finding.got?.state === "absent" ? t("finding.absent") : "");
  const waited = Math.floor((finding.false_ms ?? 0) / 1000);
  // a finding without a ladder of its own is served by the lab's, which stands below the checks
  const ladder = finding.ladder ?? finding.key, own = ladder !== "hints" && hints.value?.ladders.some(one => one.key === ladder);
  return (
    <li class="finding" data-tone={tones[finding.level]} data-key={finding.key}>
      <p class="finding-text" lang={finding.text_lang}>{finding.text}</p>
      <dl class="finding-facts">
        {(object?.kind || at || finding.path) && (
          <><dt>{t("finding.where")}</dt><dd>
            {object?.kind && <code>{object.kind}/{object.name}</code>}{finding.path && <> <code>{finding.path}</code></>}
            {at && <> {inFiles ? <button type="button" class="link" onClick={() => { active.value = at.file; openAt(at.file, at.line, at.col); }} title={t("finding.open")}>{at.file}:{at.line}</button> : <span>{at.file}:{at.line}</span>}</>}
            {!at && finding.side === "live" && <> <span class="side">{t("finding.live")}</span></>}
          </dd></>
        )}
        {expected && <><dt>{t("finding.expected")}</dt><dd>{expected}</dd></>}
        {found && <><dt>{t("finding.found")}</dt><dd>{found}</dd></>}
        {finding.why && <><dt>{t("finding.why")}</dt><dd>{finding.why}</dd></>}
        {waited > 0 && <><dt>{t("finding.waited")}</dt><dd>{t("finding.false-for", { count: waited })}</dd></>}
        {!!finding.events?.length && <><dt>{t("finding.events")}</dt><dd><ul class="finding-events">{finding.events.map((event, index) => (
          <li key={index}><code>{event.kind}/{event.name}</code> <b>{event.reason}</b>{event.count > 1 && <> ({t("finding.event-times", { count: event.count })})</>}: <span lang="en">{event.message}</span></li>))}</ul></dd></>}
      </dl>
      {own && <Ladder name={ladder} />}
      {!own && ladder !== "hints" && !!finding.hints?.length && <ol class="hint-list">{finding.hints.map((text, index) => <li key={index}>{text}</li>)}</ol>}
    </li>
  );
}

function asText(found: Verdict): string {
  const lines = [`${lab.value?.title} · ${t("check.submission", { number: submission.value?.number ?? 0 })} · ${t("check.points-of", { earned: points(found.earned), max: points(found.max) })}`];
  for (const row of found.checks) {
    lines.push(`- ${outcomeWord(row.outcome).word}: ${row.title}`);
    for (const finding of row.findings ?? []) {
      lines.push(`  ${finding.text}`);
      if (finding.object?.kind || finding.at) lines.push(`    ${t("finding.where")}: ${finding.object?.kind ? `${finding.object.kind}/${finding.object.name} ` : ""}${finding.path ?? ""}${finding.at ? ` ${finding.at.file}:${finding.at.line}` : ""}`);
      if (finding.want_text) lines.push(`    ${t("finding.expected")}: ${finding.want_text}`);
      if (finding.got_text) lines.push(`    ${t("finding.found")}: ${finding.got_text}`);
      for (const event of finding.events ?? []) lines.push(`    ${t("finding.events")}: ${event.kind}/${event.name} ${event.reason}: ${event.message}`);
    }
  }
  return lines.join("\n");
}

/** Before an attempt: what will be looked at. */
export function ChecksAhead() {
  const [open, setOpen] = useState(false), infos = lab.value?.checks ?? [];
  return (
    <details open={open} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{t("check.ahead", { count: infos.length })}</summary>
      <ul>{infos.map(info => <li key={info.id}>{info.title} ({t("check.points", { count: info.points })})</li>)}</ul>
    </details>
  );
}
