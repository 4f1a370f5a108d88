// workspace: three panes (instructions, editor, objects; the terminal will stand beside the objects) with splitters, presets, F6 and the lab's keys. Under
// 1024 px one pane at a time.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../lib/i18n";
import { cluster, clusterWords } from "../shell/cluster";
import { Button, Note, State } from "../ui/parts";
import { Splitter } from "../ui/splitter";
import { Tabs } from "../ui/tabs";
import { EditorPane, focusEditor } from "./editorpane";
import { save } from "./files";
import { ObjectsPane } from "./objects";
import { Progress, TopBar } from "./topbar";
import { applyAndCheck, apply, applying, attempt, check, checking, clusterReady, isOpen, lab, start, step, steps, unapplied } from "./state";
import { Verdicts } from "./verdict";

type Layout = { left: number; top: number };
const presets: Record<string, Layout> = { read: { left: 56, top: 62 }, split: { left: 38, top: 60 }, code: { left: 26, top: 76 }, watch: { left: 30, top: 36 } };
const layout = signal<Layout>((() => { try { return { ...presets.split!, ...JSON.parse(localStorage.getItem("makmal-layout") || "{}") }; } catch { return presets.split!; } })());
function setLayout(next: Layout): void { layout.value = next; try { localStorage.setItem("makmal-layout", JSON.stringify(next)); } catch { /* off */ } }
const narrow = signal(!matchMedia("(min-width: 1024px)").matches);
matchMedia("(min-width: 1024px)").addEventListener("change", event => { narrow.value = !event.matches; });
const pane = signal<"text" | "editor" | "objects">("text");
const panes = ["text", "editor", "objects"] as const;

function focusPane(name: (typeof panes)[number]): void {
  pane.value = name;
  requestAnimationFrame(() => { if (name === "editor") focusEditor(); else document.getElementById(`pane-${name}`)?.focus(); });
}

function keys(event: KeyboardEvent): void {
  if (document.querySelector("dialog[open]")) return;
  const command = event.ctrlKey || event.metaKey;
  if (event.key === "F6") {
    event.preventDefault();
    const at = panes.findIndex(name => document.getElementById(`pane-${name}`)?.contains(document.activeElement));
    focusPane(panes[(at + (event.shiftKey ? panes.length - 1 : 1) + (at < 0 && event.shiftKey ? 1 : 0)) % panes.length]!);
  } else if (command && event.key.toLowerCase() === "s") {
    event.preventDefault();
    void save();
    if (clusterReady.value && !checking.value && !applying.value) void apply(true);
  } else if (command && event.key === "Enter") {
    event.preventDefault();
    if (!isOpen.value || checking.value || applying.value) return;
    if (unapplied.value && clusterReady.value && lab.value?.hand_in !== "files") void applyAndCheck(); else void check();
  }
}

export function Workspace({ nonce }: { nonce: string }) {
  const root = useRef<HTMLDivElement>(null), { left, top } = layout.value;
  useEffect(() => {
    document.addEventListener("keydown", keys, true);
    return () => document.removeEventListener("keydown", keys, true);
  }, []);
  // sizes go in by CSSOM, which the policy allows
  useEffect(() => { root.current?.style.setProperty("--left", `${left}%`); root.current?.style.setProperty("--top", `${top}%`); }, [left, top]);
  const over = !isOpen.value;
  return (
    <div class="workspace" ref={root} data-narrow={narrow.value ? "" : undefined} data-pane={pane.value}>
      <TopBar />
      <Progress />
      {over && <div class="lab-progress"><State mark="none">{attempt.value?.state === "failed" ? attempt.value.why_text || t("lab.failed") : t("lab.over")}</State><span>{t("lab.over-about")}</span><Button kind="primary" compact onClick={() => void start()}>{t("lab.start-again")}</Button></div>}
      {narrow.value && (
        <>
          <p class="narrow-note">{t("lab.narrow", { address: `${location.host}/lab/${lab.value?.id}` })}</p>
          <Tabs label={t("lab.panes")} panel={`pane-${pane.value}`} active={pane.value} onPick={id => { pane.value = id as typeof pane.value; }}
            tabs={[{ id: "text", label: t("pane.text") }, { id: "editor", label: t("pane.editor") }, { id: "objects", label: t("pane.objects") }]} />
        </>
      )}
      <div class="lab-panes">
        <TextPane />
        <Splitter axis="x" value={left} min={20} max={70} label={t("lab.split-x")} controls="pane-text" onChange={value => setLayout({ left: value, top })} />
        <div class="lab-right">
          <EditorPane nonce={nonce} />
          <Splitter axis="y" value={top} min={15} max={85} label={t("lab.split-y")} controls="pane-editor" onChange={value => setLayout({ left, top: value })} />
          <ObjectsPane />
        </div>
      </div>
      <footer class="lab-foot">
        <span class="layouts" role="group" aria-label={t("lab.layout")}>{t("lab.layout")}
          {Object.entries(presets).map(([name, preset]) => <Button key={name} kind="quiet" compact pressed={preset.left === left && preset.top === top} onClick={() => setLayout(preset)}>{presetWord(name)}</Button>)}
        </span>
        <span class="facts">{t("lab.keys")}</span>
        {cluster.value && <span class="lab-cluster"><State mark={clusterWords(cluster.value).mark}>{clusterWords(cluster.value).text}</State></span>}
      </footer>
    </div>
  );
}
const presetWord = (name: string) => (name === "read" ? t("layout.read") : name === "split" ? t("layout.split") : name === "code" ? t("layout.code") : t("layout.watch"));

function TextPane() {
  const all = steps.value, at = Math.min(step.value, all.length - 1), current = all[at], info = lab.value!;
  const scroll = useRef<HTMLElement>(null), first = useRef(true);
  useEffect(() => { if (first.current) first.current = false; else scroll.current?.scrollTo(0, 0); }, [at]);
  return (
    <section class="pane pane-text" id="pane-text" aria-label={t("pane.text")} tabIndex={-1} ref={scroll}>
      {!!info.missing.length && info.paper && <Note tone="warn">{info.missing_text}</Note>}
      {current && <article class="prose" aria-label={current.title}>{all.length > 1 && <h2>{current.title}</h2>}<StepText html={current.html} title={all.length === 1 ? current.title : ""} /></article>}
      {all.length > 1 && <div class="actions steps-turn"><Button compact why={at === 0 && t("lab.first-step")} onClick={() => { step.value = at - 1; }}>‹ {t("lab.previous")}</Button><Button compact why={at === all.length - 1 && t("lab.last-step")} onClick={() => { step.value = at + 1; }}>{t("lab.next")} ›</Button></div>}
      <Verdicts />
    </section>
  );
}

/** Step text is HTML that the server made of course text; its code blocks get a copy button. */
export function StepText({ html, title }: { html: string; title: string }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => { if (box.current) document.dispatchEvent(new CustomEvent("makmal-text", { detail: box.current })); }, [html]);
  return <>{title && !/^\s*<h[12]/.test(html) && <h2>{title}</h2>}<div ref={box} dangerouslySetInnerHTML={{ __html: html }} /></>;
}
