// main: the lab's island. Not signed in: the text, and where to join. Signed in: Start. With an attempt: the workspace.
import { render } from "preact";
import { useState } from "preact/hooks";
import { viewer } from "../lib/api";
import { stampStyles } from "../lib/csp";
import { add, lang, t } from "../lib/i18n";
import { cluster, clusterWords } from "../shell/cluster";
import { Button, Note, State } from "../ui/parts";
import { attempt, lab, openLab, problem, start, steps } from "./state";
import { ChecksAhead } from "./verdict";
import { StepText, Workspace } from "./workspace";

/** From "Start lab" on a module page: the chunks come while the pointer is on the way. */
export function preload(): void { void import("./editor"); }

export async function mount(element: HTMLElement): Promise<void> {
  const nonce = element.dataset.nonce ?? "";
  stampStyles(nonce);
  add((lang === "ms" ? await import("words:words-lab-ms") : await import("words:words-lab-en")).default);
  await openLab(element.dataset.lab ?? "");
  if (problem.value && !lab.value) {
    // the text that C wrote goes on standing
    const alert = document.createElement("div");
    element.before(alert);
    render(<Note tone="fail" role="alert">{problem.value}</Note>, alert);
    return;
  }
  element.replaceChildren();
  render(<Lab nonce={nonce} />, element);
}

function Lab({ nonce }: { nonce: string }) {
  const working = !!attempt.value && attempt.value.state !== "gone";
  document.body.classList.toggle("working", working);
  return working ? <Workspace nonce={nonce} /> : <Ahead />;
}

function Ahead() {
  const [busy, setBusy] = useState(false), info = lab.value!, closed = !!info.missing.length && !info.paper;
  const here = encodeURIComponent(location.pathname);
  return (
    <div class="ahead">
      <div class="start">
        {!viewer ? (
          <><p>{t("lab.sign-in-first")}</p><div class="actions"><a class="button primary" href={`/j?next=${here}`}>{t("lab.join")}</a><a class="button" href={`/signin?next=${here}`}>{t("shell.sign-in")}</a></div></>
        ) : (
          <>
            <p>{t("lab.start-about")}</p>
            {!!info.missing.length && <Note tone="warn">{info.missing_text}</Note>}
            {cluster.value && cluster.value.state !== "ready" && <p><State mark={clusterWords(cluster.value).mark}>{clusterWords(cluster.value).text}</State> {t("lab.meanwhile-files")}</p>}
            <Button kind="primary" busy={busy} why={closed && info.missing_text} onClick={async () => { setBusy(true); await start(); setBusy(false); }}>{t("lab.start")}</Button>
          </>
        )}
      </div>
      <ChecksAhead />
      <article class="prose">{steps.value.map((one, index) => <section key={one.id}><StepText html={one.html} title={steps.value.length > 1 ? `${index + 1} ${one.title}` : one.title} /></section>)}</article>
    </div>
  );
}
