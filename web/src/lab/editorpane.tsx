// editorpane: the files of this attempt as tabs, the editor, the problems in their layers, Dry run and Apply. The editor's code is a chunk of its own and
// comes while the text can already be read.
import { signal } from "@preact/signals";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Apply, Finding } from "../lib/api";
import { clockText, t, tx } from "../lib/i18n";
import { closeDialog, openDialog } from "../ui/dialog";
import { Button, Note, State } from "../ui/parts";
import { Tabs } from "../ui/tabs";
import { placeOf } from "./yamlplace";
import type { ClusterMark, Editor, Problem } from "./editor";
import { active, addFile, bytes, BYTES_MAX, files, FILES_MAX, loaded, NAME, removeFile, saved, setText } from "./files";
import { applied, apply, applying, checking, clusterReady, isOpen, lab } from "./state";

export const problems = signal<Problem[]>([]);
let editor: Editor | undefined;
export function focusEditor(): void { editor?.focus(); }
/** "Open in editor": from a finding to its line. */
export function openAt(file: string, line: number, col: number): void {
  if (!files.value.some(one => one.name === file)) return;
  active.value = file;
  editor?.goToLine(file, line, col);
}

/** The findings of an apply or dry run that have a place in a file, per file. */
function marksOf(done: Apply | null): Map<string, ClusterMark[]> {
  const out = new Map<string, ClusterMark[]>();
  const put = (finding: Finding) => {
    for (const file of files.value) {
      let from = -1, to = -1;
      if (finding.at) {
        if (finding.at.file !== file.name) continue;
        const lines = file.text.split("\n"), offset = (line: number, col: number) => lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + col - 1;
        from = offset(finding.at.line, finding.at.col);
        to = Math.max(from + 1, offset(finding.at.end_line, finding.at.end_col));
        if (finding.at.end_line !== finding.at.line) to = offset(finding.at.line, (lines[finding.at.line - 1] ?? "").length + 1);
      } else {
        const place = finding.object ? placeOf(file.text, finding.object, finding.path ?? "") : null;
        if (!place) continue;
        ({ from, to } = place);
      }
      to = Math.min(Math.max(to, from + 1), file.text.length);
      if (from < 0 || from >= to) continue;
      const severity = finding.level === "warn" ? "warning" : finding.level === "info" || finding.level === "wait" ? "info" : "error";
      out.set(file.name, [...(out.get(file.name) ?? []), { from, to, severity, message: finding.text }]);
      return;
    }
  };
  for (const finding of done?.findings ?? []) put(finding);
  for (const object of done?.objects ?? []) for (const finding of object.findings ?? []) put({ ...finding, object: finding.object ?? object });
  return out;
}

export function EditorPane({ nonce }: { nonce: string }) {
  const box = useRef<HTMLDivElement>(null), status = useId(), [moves, setMoves] = useState(false), [lost, setLost] = useState(false), [tries, setTries] = useState(0), [stands, setStands] = useState(false);
  const readOnly = checking.value || !isOpen.value;

  useEffect(() => {
    let gone = false;
    import("./editor").then(({ Editor }) => {
      if (gone || !box.current) return;
      editor = new Editor({ parent: box.current, nonce, describedBy: status, label: file => t("editor.label", { file }), onText: setText, onProblems: list => { problems.value = list; }, onTabMode: setMoves });
      editor.setFiles(files.value, active.value);
      editor.setReadOnly(checking.value || !isOpen.value);
      setLost(false);
      setStands(true);
    }).catch(() => setLost(true));
    return () => { gone = true; editor?.destroy(); editor = undefined; };
  }, [tries]);
  useEffect(() => { editor?.setFiles(files.value, active.value); }, [loaded.value]);
  useEffect(() => { editor?.show(active.value); }, [active.value]);
  useEffect(() => { editor?.setReadOnly(readOnly); }, [readOnly]);
  useEffect(() => { editor?.setMarks(marksOf(applied.value)); }, [applied.value, stands]);

  const pick = (name: string) => { active.value = name; };
  const why = !isOpen.value ? t("lab.why-over") : checking.value ? t("lab.why-checking") : !clusterReady.value ? t("lab.why-cluster") : applying.value ? t("ui.busy") : null;
  const tooLarge = bytes.value > BYTES_MAX ? t("lab.too-large", { kib: Math.ceil(bytes.value / 1024), max: BYTES_MAX / 1024 }) : null;
  return (
    <section class="pane pane-editor" id="pane-editor" aria-label={t("pane.editor")} tabIndex={-1}>
      <div class="pane-head">
        <Tabs label={t("editor.files")} panel="editor-panel" active={active.value} onPick={pick} onDelete={name => files.value.length > 1 && askRemove(name)}
          tabs={files.value.map(file => ({ id: file.name, label: <>{file.name}{problems.value.some(one => one.file === file.name && one.severity === "error") && <span class="tab-dot" aria-label={t("editor.has-problems")} role="img" />}</> }))}>
          <Button kind="quiet" compact label={t("editor.add")} dialog onClick={askAdd} why={files.value.length >= FILES_MAX && t("editor.too-many", { count: FILES_MAX })}>+</Button>
          {files.value.length > 1 && <Button kind="quiet" compact dialog label={t("editor.remove", { file: active.value })} onClick={() => askRemove(active.value)}>✕</Button>}
        </Tabs>
        <Saved />
      </div>
      <div class="editor-box" id="editor-panel" role="tabpanel" aria-labelledby={`tab-editor-panel-${active.value}`} data-read-only={readOnly ? "" : undefined}>
        <div class="editor-host" ref={box} />
        {!stands && !lost && <p class="editor-wait">{t("editor.coming")}</p>}
        {lost && <Note tone="fail" role="alert">{t("editor.lost")} <Button compact onClick={() => { setLost(false); setTries(tries + 1); }}>{t("ui.retry")}</Button></Note>}
      </div>
      <Problems />
      <div class="pane-foot">
        <div class="actions">
          <Button compact shortcut="Control+S" busy={applying.value === "dryrun"} why={tooLarge ?? (applying.value !== "dryrun" && why)} onClick={() => void apply(true)}>{t("apply.dry-run")}</Button>
          <Button compact busy={applying.value === "apply"} why={tooLarge ?? (applying.value !== "apply" && why)} onClick={() => void apply(false)}>{t("apply.apply")}</Button>
        </div>
        <p class="tab-mode" id={status}>{readOnly ? <span>{isOpen.value ? t("editor.read-only") : t("editor.over")}</span> : moves ? tx("editor.tab-moves", { key: <kbd>Ctrl+M</kbd> }) : tx("editor.tab-indents", { key: <kbd>Ctrl+M</kbd> })}</p>
      </div>
    </section>
  );
}

function Saved() {
  const { state, at } = saved.value;
  const words = { saved: at ? t("draft.saved", { time: clockText(at) }) : "", dirty: t("draft.unsaved"), saving: t("draft.saving"), failed: t("draft.failed") };
  return <p class="saved" data-saved={state}>{state === "failed" ? <State mark="error">{words.failed}</State> : words[state]}</p>;
}

/** What was applied, object by object, and every problem by its layer. */
function Problems() {
  const list = problems.value, done = applied.value;
  const placed = new Set(list.map(problem => problem.message));
  const unplaced = done ? [...(done.findings ?? []), ...(done.objects ?? []).flatMap(object => object.findings ?? [])].filter(finding => !placed.has(finding.text)) : [];
  const conflict = !!done && done.kind === "apply" && [...(done.findings ?? []), ...(done.objects ?? []).flatMap(object => object.findings ?? [])].some(finding => finding.key === "apply.conflict");
  const count = list.length + unplaced.length;
  if (!count && !done) return null;
  const lineOf = (file: string, from: number) => (files.value.find(one => one.name === file)?.text.slice(0, from).split("\n").length ?? 1);
  return (
    <details class="problems" open>
      <summary>{t("problems.title", { count })}{done && <Outcome done={done} />}</summary>
      <div class="problems-body">
        {done && !!done.objects?.length && (
          <ul class="did">{done.objects.map(object => <li key={`${object.kind}/${object.name}`}><code>{object.kind}/{object.name}</code> <State mark={object.did === "refused" ? "fail" : object.did === "not_tried" ? "none" : "pass"}>{didWord(object.did, done.kind)}</State></li>)}</ul>
        )}
        <ul class="problem-list">
          {list.map((problem, index) => (
            <li key={index}><button type="button" class="quiet problem" onClick={() => { active.value = problem.file; editor?.goTo(problem.file, problem.from); }}>
              <State mark={problem.severity === "error" ? "fail" : problem.severity === "warning" ? "error" : "info"}>{problem.layer === "syntax" ? t("layer.syntax") : t("layer.cluster")}</State>
              <span class="problem-place">{problem.file}:{lineOf(problem.file, problem.from)}</span><span>{problem.message}</span>
            </button></li>
          ))}
          {unplaced.map((finding, index) => (
            <li key={`u${index}`} class="problem"><State mark={finding.level === "warn" ? "error" : finding.level === "info" || finding.level === "wait" ? "info" : "fail"}>{t("layer.cluster")}</State>
              {finding.object?.kind && <span class="problem-place">{finding.object.kind}/{finding.object.name}</span>}<span lang={finding.text_lang}>{finding.text}</span></li>
          ))}
        </ul>
        {conflict && <div class="actions"><Button compact dialog onClick={askTakeOver}>{t("apply.take-over")}</Button></div>}
      </div>
    </details>
  );
}

function Outcome({ done }: { done: Apply }) {
  if (done.state === "error") return <State mark="error">{done.error_text || t("apply.our-fault")}</State>;
  return done.ok ? <State mark="pass">{done.kind === "dryrun" ? t("apply.dry-ok") : t("apply.ok")}</State> : <State mark="fail">{done.kind === "dryrun" ? t("apply.dry-refused") : t("apply.refused")}</State>;
}

function didWord(did: string, kind: string): string {
  switch (did) {
    case "created": return kind === "dryrun" ? t("did.would-create") : t("did.created");
    case "configured": return kind === "dryrun" ? t("did.would-change") : t("did.configured");
    case "unchanged": return t("did.unchanged");
    case "refused": return t("did.refused");
    default: return t("did.not-tried");
  }
}

function askTakeOver(): void {
  openDialog(t("apply.take-over"), () => (
    <>
      <p>{t("apply.take-over-about")}</p>
      <div class="actions end"><Button onClick={closeDialog}>{t("ui.cancel")}</Button><Button kind="primary" onClick={() => { closeDialog(); void apply(false, true); }}>{t("apply.take-over")}</Button></div>
    </>
  ));
}

function askAdd(): void { openDialog(t("editor.add"), AddFile); }
function AddFile() {
  const [name, setName] = useState(""), [alert, setAlert] = useState(""), field = useId();
  const submit = (event: Event) => {
    event.preventDefault();
    if (!NAME.test(name)) setAlert(t("editor.bad-name"));
    else if (files.value.some(file => file.name === name)) setAlert(t("editor.taken", { file: name }));
    else { closeDialog(); addFile(name); setTimeout(focusEditor, 50); }
  };
  return (
    <form onSubmit={submit}>
      <div class="field">
        <label for={field}>{t("editor.file-name")}</label>
        <input id={field} value={name} placeholder="service.yaml" autocomplete="off" autofocus aria-invalid={alert ? "true" : undefined} aria-describedby={`${field}-help`} onInput={event => { setName(event.currentTarget.value.trim()); setAlert(""); }} />
        <p class="help" id={`${field}-help`}>{t("editor.name-rule")}</p>
      </div>
      {alert && <p class="alert" role="alert">{alert}</p>}
      <div class="actions end"><Button onClick={closeDialog}>{t("ui.cancel")}</Button><Button kind="primary" type="submit">{t("editor.add-do")}</Button></div>
    </form>
  );
}
function askRemove(name: string): void {
  openDialog(t("editor.remove", { file: name }), () => (
    <>
      <p>{t("editor.remove-about", { file: name, lab: lab.value?.title ?? "" })}</p>
      <div class="actions end"><Button onClick={closeDialog}>{t("ui.cancel")}</Button><Button kind="danger" onClick={() => { closeDialog(); removeFile(name); }}>{t("editor.remove-do")}</Button></div>
    </>
  ));
}
