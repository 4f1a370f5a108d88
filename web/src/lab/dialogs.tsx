// dialogs: set back (named scopes, each with what goes and what stays), the learner's own kubectl, the proof of isolation.
import { useEffect, useId, useState } from "preact/hooks";
import { ApiError, getDraft, getKubeconfigFacts, kubeconfigPath, type KubeconfigFacts, revokeKubeconfig } from "../lib/api";
import { second } from "../lib/clock";
import { clockText, dayText, t, tx } from "../lib/i18n";
import { closeDialog, openDialog } from "../ui/dialog";
import { Button, CopyButton, Note, notify, State } from "../ui/parts";
import { filesMark } from "../lib/hash";
import { files, keepReplaced, replaceAll, replaced } from "./files";
import { attempt, checking, end, isOpen, lab, reset } from "./state";

export const openReset = () => openDialog(t("reset.title"), Reset, { wide: true });
function Reset() {
  const [typed, setTyped] = useState(""), [busy, setBusy] = useState(false), field = useId(), title = lab.value?.title ?? "";
  const right = typed.trim().toLowerCase() === title.trim().toLowerCase(), before = replaced();
  const restore = () => { const kept = files.value; replaceAll(before!); try { localStorage.setItem(`makmal-lab-before-${attempt.value!.id}`, JSON.stringify(kept)); } catch { /* off */ } closeDialog(); notify("pass", t("reset.restored"), { ms: 5000 }); };
  const resetText = async () => {
    setBusy(true);
    try {
      const starter = await getDraft(attempt.value!.id, true);
      keepReplaced();
      replaceAll(starter.files.map(file => ({ name: file.name, text: file.text ?? "" })));
      closeDialog();
      notify("pass", t("reset.text-done"), { action: { word: t("reset.restore"), run: () => { const old = replaced(); if (old) replaceAll(old); } } });
    } catch (error) { notify("fail", error instanceof ApiError ? error.message : String(error)); }
    setBusy(false);
  };
  const whyNot = checking.value ? t("lab.why-checking") : !isOpen.value ? t("lab.why-over") : null;
  return (
    <>
      <section class="choice">
        <h3>{t("reset.text")}</h3>
        <dl><dt>{t("reset.goes")}</dt><dd>{t("reset.text-goes", { files: files.value.map(file => file.name).join(", ") })}</dd><dt>{t("reset.stays")}</dt><dd>{t("reset.text-stays")}</dd></dl>
        <div class="actions">
          <Button kind="danger" busy={busy} why={whyNot} onClick={() => void resetText()}>{t("reset.text-do")}</Button>
          {before && filesMark(before) !== filesMark(files.value) && <Button onClick={restore}>{t("reset.restore")}</Button>}
        </div>
      </section>
      <section class="choice">
        <h3>{t("reset.namespace")}</h3>
        <dl><dt>{t("reset.goes")}</dt><dd>{t("reset.namespace-goes", { namespace: attempt.value?.namespace ?? "" })}</dd><dt>{t("reset.stays")}</dt><dd>{t("reset.namespace-stays")}</dd></dl>
        <div class="field"><label for={field}>{tx("reset.type-name", { title: <q>{title}</q> })}</label><input id={field} value={typed} autocomplete="off" onInput={event => setTyped(event.currentTarget.value)} /></div>
        <Button kind="danger" why={whyNot ?? (attempt.value?.state !== "ready" ? t("lab.why-not-ready") : !right ? t("reset.type-first") : null)} onClick={() => { closeDialog(); void reset(); }}>{t("reset.namespace-do")}</Button>
      </section>
      <section class="choice">
        <h3>{t("reset.end")}</h3>
        <dl><dt>{t("reset.goes")}</dt><dd>{t("reset.end-goes")}</dd><dt>{t("reset.stays")}</dt><dd>{t("reset.end-stays")}</dd></dl>
        <Button kind="danger" why={whyNot} onClick={() => { closeDialog(); void end(); }}>{t("reset.end-do")}</Button>
      </section>
    </>
  );
}

export const openProof = () => openDialog(t("proof.title"), Proof, { wide: true });
function Proof() {
  const proof = attempt.value?.proof;
  if (!proof) return <p>{t("proof.none")}</p>;
  return (
    <>
      <p>{t("proof.about", { time: dayText(proof.at_ms) })}</p>
      <div class="table-scroll"><table class="acts">
        <thead><tr><th scope="col">{t("proof.act")}</th><th scope="col">{t("proof.guard")}</th><th scope="col">{t("proof.answer")}</th></tr></thead>
        <tbody>{proof.acts.map((act, index) => <tr key={index}><th scope="row">{act.act}</th><td>{act.guard}</td><td>{act.ok ? <State mark="pass">{t("proof.refused")}</State> : <State mark="fail">{t("proof.allowed")}</State>}</td></tr>)}</tbody>
      </table></div>
    </>
  );
}

export const openKubectl = () => openDialog(t("kubectl.title"), Kubectl, { wide: true });
function Kubectl() {
  const [facts, setFacts] = useState<KubeconfigFacts | null>(null), [alert, setAlert] = useState(""), [round, setRound] = useState(0), [busy, setBusy] = useState(false);
  const id = attempt.value!.id, file = `makmal-${attempt.value!.namespace}.yaml`;
  useEffect(() => {
    let over = false, tries = 0;
    setFacts(null);
    const ask = async () => {
      try {
        const found = await getKubeconfigFacts(id);
        if (!over) setFacts(found);
      } catch (error) {
        if (over) return;
        // 503 access.soon: the token is being minted
        if (error instanceof ApiError && error.status === 503 && tries++ < 30) setTimeout(ask, Math.max(500, error.retryMs));
        else setAlert(error instanceof ApiError ? error.message : String(error));
      }
    };
    void ask();
    return () => { over = true; };
  }, [round]);
  const lines: [string, string][] = [
    [t("kubectl.unix"), `export KUBECONFIG="$PWD/${file}"`],
    [t("kubectl.powershell"), `$env:KUBECONFIG = "$PWD\\${file}"`],
    [t("kubectl.cmd"), `set KUBECONFIG=%CD%\\${file}`],
  ];
  const renew = async () => {
    setBusy(true);
    try { await revokeKubeconfig(id); notify("pass", t("kubectl.revoked"), { ms: 6000 }); setRound(round + 1); } catch (error) { setAlert(error instanceof ApiError ? error.message : String(error)); }
    setBusy(false);
  };
  return (
    <>
      <p>{t("kubectl.about")}</p>
      {facts?.plain_http && <Note tone="warn">{t("kubectl.plain-http")}</Note>}
      {alert && <Note tone="fail" role="alert">{alert}</Note>}
      {!facts && !alert && <p><State mark="wait">{t("kubectl.soon")}</State></p>}
      {facts && (
        <>
          <p class="actions"><a class="button primary" href={kubeconfigPath(id)} download={file}>{t("kubectl.download", { file })}</a></p>
          <dl class="pairs"><dt>{t("kubectl.server")}</dt><dd><code>{facts.server}</code></dd><dt>{t("kubectl.namespace")}</dt><dd><code>{attempt.value!.namespace}</code></dd>
            <dt>{t("kubectl.expires")}</dt><dd>{t("kubectl.until", { time: clockText(facts.expires_ms), count: Math.max(0, Math.round((facts.expires_ms - second.value) / 60_000)) })}</dd></dl>
        </>
      )}
      <h3>{t("kubectl.then")}</h3>
      {lines.map(([system, line]) => <div class="line" key={system}><p class="line-name">{system}</p><div class="copy-box"><pre tabIndex={0}><code>{line}</code></pre><CopyButton text={line} label={system} /></div></div>)}
      <div class="line"><p class="line-name">{t("kubectl.try")}</p><div class="copy-box"><pre tabIndex={0}><code>kubectl auth whoami</code></pre><CopyButton text="kubectl auth whoami" label="kubectl auth whoami" /></div></div>
      <div class="actions"><Button kind="danger" busy={busy} why={attempt.value?.state !== "ready" && t("lab.why-not-ready")} onClick={() => void renew()}>{t("kubectl.revoke")}</Button><span class="facts">{t("kubectl.revoke-about")}</span></div>
    </>
  );
}
