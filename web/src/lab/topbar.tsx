// topbar: where one is, how long there is, whether what one sees is fresh; and what can be done to the whole attempt.
import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { countdown, now, second } from "../lib/clock";
import { clusterWords, cluster } from "../shell/cluster";
import { secondsText, t } from "../lib/i18n";
import { again, lastWord, liveState } from "../lib/live";
import { Button, notify, State } from "../ui/parts";
import { openKubectl, openProof, openReset } from "./dialogs";
import { attempt, extend, isOpen, lab, step, steps } from "./state";

export function TopBar() {
  const of = attempt.value!, info = lab.value!;
  return (
    <header class="lab-bar">
      <a class="back" href={`/learn/${info.module}`}>‹ {t("lab.module")}</a>
      <h1>{info.title}</h1>
      {steps.value.length > 1 && <span class="lab-step">{t("lab.step-of", { number: step.value + 1, of: steps.value.length })}</span>}
      <span class="lab-namespace" title={t("lab.namespace")}><span class="sr">{t("lab.namespace")} </span><code>{of.namespace}</code></span>
      {of.proof && <Button kind="quiet" compact dialog onClick={openProof}><State mark={of.proof.refused === of.proof.of ? "pass" : "fail"}>{t("proof.count", { refused: of.proof.refused, of: of.proof.of })}</State></Button>}
      <span class="lab-bar-end">
        <TimeLeft />
        <Fresh />
        <Button compact dialog onClick={openReset}>{t("reset.open")}</Button>
        <Button compact dialog onClick={openKubectl} why={!isOpen.value ? t("lab.why-over") : of.state !== "ready" ? t("lab.why-not-ready") : null}>{t("kubectl.open")}</Button>
      </span>
    </header>
  );
}

function TimeLeft() {
  const of = attempt.value!, told = useRef(new Set<number>());
  useEffect(() => effect(() => {
    const current = attempt.value;
    if (!current?.expires_ms || !isOpen.value) return;
    const minutes = (current.expires_ms - second.value) / 60_000;
    for (const limit of [15, 5, 1]) {
      if (minutes > limit + 0.2) told.current.delete(limit);
      else if (minutes <= limit && minutes > 0 && !told.current.has(limit)) {
        // of several that were passed at once only the last is told
        for (const other of [15, 5, 1]) if (other >= limit) told.current.add(other);
        if (minutes > (limit === 15 ? 5 : limit === 5 ? 1 : 0)) notify("warn", t("lab.minutes-left", { count: limit }), { action: { word: t("lab.extend"), run: () => void extend() } });
      }
    }
  }), []);
  if (!of.expires_ms || !isOpen.value) return null;
  const left = of.expires_ms - second.value;
  return (
    <span class="time-left" data-short={left < 5 * 60_000 ? "" : undefined}>
      <span role="timer" aria-label={t("lab.time-left")}>{t("lab.left", { time: countdown(left) })}</span>
      <Button compact onClick={() => void extend()} label={t("lab.extend-label")}>{t("lab.extend")}</Button>
    </span>
  );
}

/** Never silent: how fresh what one sees is. */
function Fresh() {
  const state = liveState.value, at = secondsText(lastWord.value || now());
  void second.value;
  const ago = Math.max(0, Math.round((now() - lastWord.value) / 1000));
  switch (state) {
    case "live": return <span class="fresh"><State mark="live">{t("live.live", { count: ago })}</State></span>;
    case "silent": return <span class="fresh"><State mark="wait">{t("live.silent", { time: at })}</State></span>;
    case "reconnecting": return <span class="fresh"><State mark="wait">{lastWord.value ? t("live.reconnecting", { time: at }) : t("live.connecting")}</State></span>;
    case "offline": return <span class="fresh"><State mark="off">{t("live.offline")}</State> <Button compact onClick={again}>{t("ui.retry")}</Button></span>;
    case "signed-out": return <span class="fresh"><State mark="off">{t("live.signed-out")}</State></span>;
    default: return <span class="fresh"><State mark="wait">{t("live.connecting")}</State></span>;
  }
}

/** One line while the namespace is not there yet: what is done, what is awaited, what can be done meanwhile. */
export function Progress() {
  const of = attempt.value, known = cluster.value;
  if (!of) return null;
  if (of.state === "wanted") {
    const waitsForCluster = known && known.state !== "ready";
    return (
      <div class="lab-progress" role="status">
        <State mark="wait">{waitsForCluster ? clusterWords(known).text : of.stage?.text || of.why_text || t("lab.being-made")}</State>
        {of.stage && !waitsForCluster && <progress max={of.stage.of} value={of.stage.done} aria-label={t("lab.being-made")} />}
        {waitsForCluster && known.state === "building" && <progress max={100} value={known.percent} aria-label={t("cluster.label")} />}
        <span>{waitsForCluster ? t("lab.meanwhile-files") : t("lab.meanwhile")}</span>
      </div>
    );
  }
  if (of.state === "resetting") return <div class="lab-progress" role="status"><State mark="wait">{of.stage?.text || t("lab.resetting")}</State>{of.stage && <progress max={of.stage.of} value={of.stage.done} aria-label={t("lab.resetting")} />}</div>;
  if (of.state === "ready" && known && known.state !== "ready") return <div class="lab-progress" role="status"><State mark="off">{clusterWords(known).text}</State><span>{t("lab.away-about")}</span></div>;
  return null;
}
