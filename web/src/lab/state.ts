// state: what is known of this lab, this attempt, and what was handed in. The stream and the answers write here; components only read. Where the stream
// is cut, the same things are asked for, so nothing waits for an event that will not come.
import { computed, signal } from "@preact/signals";
import * as api from "../lib/api";
import { now, serverSays } from "../lib/clock";
import { t } from "../lib/i18n";
import { changeTopics, liveState, startLive } from "../lib/live";
import { cluster } from "../shell/cluster";
import { notify, say } from "../ui/parts";
import { files, loadFiles, marked, save } from "./files";

export const lab = signal<api.Lab | null>(null);
export const attempt = signal<api.Attempt | null>(null);
export const problem = signal("");
export const steps = computed(() => attempt.value?.steps ?? lab.value?.steps ?? []);
export const step = signal(0);
export const isOpen = computed(() => ["wanted", "ready", "resetting"].includes(attempt.value?.state ?? ""));
export const clusterReady = computed(() => cluster.value?.state === "ready" && attempt.value?.state === "ready");

// --- objects of the namespace ---
export const objects = signal<ReadonlyMap<string, api.KubeObject>>(new Map());
export const changedAt = new Map<string, number>();
export const stale = computed(() => !["live", "connecting"].includes(liveState.value));
const objectKey = (kind: string, name: string) => `${kind}/${name}`;

// --- apply and dry run ---
export const applying = signal<"" | "apply" | "dryrun">("");
export const applied = signal<api.Apply | null>(null);
const appliedMark = signal("");
export const unapplied = computed(() => lab.value?.hand_in !== "files" && (appliedMark.value ? appliedMark.value !== marked.value : true));
const applyWaits = new Map<string, (apply: api.Apply) => void>();

// --- submissions ---
export const submission = signal<api.Submission | null>(null);
export const verdict = signal<api.Verdict | null>(null);
export const grades = signal<api.Grade[]>([]);
export const appeal = signal<api.Appeal | null>(null);
export const previews = signal<ReadonlyMap<string, api.Check>>(new Map());
export const sending = signal(false);
export const checking = computed(() => sending.value || ["received", "grading"].includes(submission.value?.state ?? ""));
export const earlier = signal<api.Submission[]>([]);
const early = new Map<string, api.Check[]>();
export const hints = signal<api.Hints | null>(null);

const failed = (error: unknown) => { notify("fail", error instanceof api.ApiError ? error.message : String(error)); };

export async function openLab(id: string): Promise<void> {
  try {
    const found = await api.getLab(id);
    lab.value = found;
    startLive(topicsOf(found.attempt), onEvent);
    if (found.attempt) await enter(found.attempt);
    if (!cluster.peek()) cluster.value = await api.getCluster().catch(() => cluster.peek());
  } catch (error) { problem.value = error instanceof api.ApiError ? error.message : String(error); }
}

/** What the cluster lacks changes while its add-ons come: why this lab is not offered is the server's sentence, asked for again. */
function takeCluster(next: api.Cluster): void {
  const before = cluster.peek(), of = lab.peek();
  cluster.value = next;
  if (!before || !of || (before.state === next.state && JSON.stringify(before.lacking) === JSON.stringify(next.lacking))) return;
  api.getLab(of.id).then(({ missing, missing_text }) => { if (lab.peek()?.id === of.id) lab.value = { ...lab.peek()!, missing, missing_text }; }).catch(() => { /* the next event asks again */ });
}

const topicsOf = (of: api.Attempt | null) => ["cluster", ...(of && ["wanted", "ready", "resetting"].includes(of.state) ? [`attempt:${of.id}`] : [])];

async function enter(next: api.Attempt): Promise<void> {
  serverSays(next.now_ms);
  if (attempt.value?.id !== next.id) { objects.value = new Map(); submission.value = null; verdict.value = null; grades.value = []; appeal.value = null; previews.value = new Map(); applied.value = null; earlier.value = []; hints.value = null; }
  takeAttempt(next);
  try { appliedMark.value = localStorage.getItem(`makmal-lab-applied-${next.id}`) ?? ""; } catch { /* off */ }
  await changeTopics(topicsOf(next));
  await Promise.all([
    loadFiles(next.id, steps.value[0]?.html ?? "").catch(failed),
    loadObjects(next.id),
    loadSubmissions(next.id).catch(failed),
    loadHints(),
  ]);
}

function takeAttempt(next: api.Attempt): void {
  const before = attempt.value;
  // an event may come without the steps, whose text depends on the parameters only
  attempt.value = before?.id === next.id ? { ...next, steps: next.steps?.length ? next.steps : before.steps, proof: next.proof ?? before.proof } : next;
  if (before?.id === next.id && before.state !== next.state) {
    if (next.state === "ready") say(before.state === "resetting" ? t("lab.reset-done") : t("lab.namespace-ready"));
    if (next.state === "gone" || next.state === "ending") say(t("lab.over"));
  }
}

async function loadObjects(id: string): Promise<void> {
  try {
    const { objects: list } = await api.getObjects(id);
    if (attempt.value?.id !== id) return;
    const merged = new Map(list.map(object => [objectKey(object.kind, object.metadata.name), object]));
    for (const [key, object] of objects.value) if (changedAt.has(key)) merged.set(key, object);
    objects.value = merged;
  } catch { /* no namespace yet; the stream brings them */ }
}

async function loadSubmissions(id: string): Promise<void> {
  const { submissions } = await api.getSubmissions(id);
  earlier.value = submissions;
  const last = [...submissions].sort((a, b) => b.number - a.number)[0];
  if (!last) return;
  const found = await api.getSubmission(last.id);
  take(found);
  if (["received", "grading"].includes(found.submission.state)) void follow(last.id);
}

export async function loadHints(): Promise<void> {
  const id = attempt.value?.id;
  if (id) try { hints.value = await api.getHints(id); } catch { /* none yet */ }
}

// --- acts ---
export async function start(): Promise<void> {
  const id = lab.value!.id;
  try { await enter((await api.startAttempt(id)).attempt); } catch (error) { failed(error); }
}
export async function reset(): Promise<void> {
  try { takeAttempt((await api.resetAttempt(attempt.value!.id)).attempt); setAppliedMark(""); } catch (error) { failed(error); }
}
export async function end(): Promise<void> {
  try { await save(); await api.endAttempt(attempt.value!.id); attempt.value = { ...attempt.value!, state: "ending" }; } catch (error) { failed(error); }
}
export async function extend(): Promise<void> {
  try {
    const { expires_ms } = await api.extendAttempt(attempt.value!.id);
    attempt.value = { ...attempt.value!, expires_ms };
    say(t("lab.extended", { minutes: Math.round((expires_ms - now()) / 60_000) }));
  } catch (error) { failed(error); }
}
export async function hint(key: string, rung: number): Promise<void> {
  try { await api.openHint(attempt.value!.id, key, rung); await loadHints(); } catch (error) { failed(error); }
}

function setAppliedMark(mark: string): void {
  appliedMark.value = mark;
  try { localStorage.setItem(`makmal-lab-applied-${attempt.value!.id}`, mark); } catch { /* off */ }
}

/** Apply or dry run; the answer, or null when it could not be had. */
export async function apply(dryRun: boolean, takeOver = false): Promise<api.Apply | null> {
  if (applying.value) return null;
  applying.value = dryRun ? "dryrun" : "apply";
  const sent = marked.value, texts = files.value, id = attempt.value!.id;
  try {
    void save();
    const { apply: begun } = await (dryRun ? api.postDryRun(id, texts) : api.postApply(id, texts, takeOver));
    const done = await applyDone(begun);
    applied.value = done;
    if (!dryRun && done.ok) setAppliedMark(sent);
    say(done.state === "error" ? t("apply.our-fault") : done.ok ? (dryRun ? t("apply.dry-ok") : t("apply.ok")) : t("apply.refused"));
    return done;
  } catch (error) { failed(error); return null; } finally { applying.value = ""; }
}

function applyDone(begun: api.Apply): Promise<api.Apply> {
  const over = (apply: api.Apply) => apply.state === "done" || apply.state === "error";
  if (over(begun)) return Promise.resolve(begun);
  return new Promise((resolve, reject) => {
    let asked = 0;
    const stop = (apply: api.Apply) => { clearInterval(poll); applyWaits.delete(begun.id); resolve(apply); };
    applyWaits.set(begun.id, apply => { if (over(apply)) stop(apply); });
    const poll = setInterval(async () => {
      try {
        const { apply } = await api.getApply(begun.id);
        if (over(apply)) stop(apply);
      } catch (error) { if (++asked > 20) { clearInterval(poll); applyWaits.delete(begun.id); reject(error); } }
    }, 1500);
  });
}

export async function check(): Promise<void> {
  if (checking.value || !attempt.value) return;
  sending.value = true;
  const id = attempt.value.id, key = api.pressKey(), texts = files.value;
  try {
    void save();
    const post = () => api.postSubmission(id, texts, key);
    // the same key makes a second sending harmless
    const { submission: taken } = await post().catch(error => { if (error instanceof api.ApiError && error.status === 0) return post(); throw error; });
    previews.value = new Map((early.get(taken.id) ?? []).map(one => [one.id, one]));
    early.clear();
    verdict.value = null;
    grades.value = [];
    appeal.value = null;
    submission.value = taken;
    say(t("check.begun"));
    void follow(taken.id);
  } catch (error) {
    const running = error instanceof api.ApiError && error.key === "submission.running" ? String(error.params.submission ?? "") : "";
    if (running) { await adopt(running); void follow(running); }
    failed(error);
  } finally { sending.value = false; }
}

export async function applyAndCheck(): Promise<void> {
  if (checking.value || applying.value) return;
  const done = await apply(false);
  if (done?.ok) await check();
}

async function adopt(id: string): Promise<void> {
  try {
    take(await api.getSubmission(id));
  } catch { /* asked again by follow */ }
}

function take(found: api.Graded): void {
  submission.value = found.submission;
  verdict.value = found.verdict;
  grades.value = found.grades;
  appeal.value = found.appeal;
}

/** Graded again, or told why not: what is shown of it is asked for anew. */
async function again(id: string): Promise<void> {
  try {
    const found = await api.getSubmission(id);
    if (submission.value?.id === id && !checking.value) take(found);
  } catch { /* shown when the page is opened again */ }
}

/** Asks for a submission until it is over: the stream tells sooner, but may be cut. */
async function follow(id: string): Promise<void> {
  for (let round = 0; submission.value?.id === id && checking.value && round < 400; round++) {
    await new Promise(resolve => setTimeout(resolve, liveState.value === "live" ? 3000 : 1500));
    if (submission.value?.id !== id || !["received", "grading"].includes(submission.value.state)) return;
    try {
      const found = await api.getSubmission(id);
      if (submission.value?.id === id) settle(found.submission, found.verdict);
    } catch { /* again */ }
  }
}

function settle(of: api.Submission, found: api.Verdict | null): void {
  const was = checking.value;
  submission.value = of;
  if (found) verdict.value = found;
  const over = !["received", "grading"].includes(of.state);
  if (!over) return;
  earlier.value = [...earlier.value.filter(one => one.id !== of.id), of];
  if (was) {
    const passed = found?.checks?.filter(one => one.outcome === "pass").length ?? 0, total = found?.checks?.length ?? 0;
    say(of.state === "refused" ? t("check.refused") : of.state === "error" ? t("check.our-fault") : t("check.spoken", { passed, count: total, earned: found?.earned ?? "0", max: found?.max ?? "0" }));
    void loadHints();
  }
}

// --- the stream ---
function onEvent(event: string, data: any): void {
  const mine = attempt.value;
  switch (event) {
    case "cluster": takeCluster(data); break;
    case "attempt": if (data.attempt && data.attempt.id === mine?.id) { serverSays(data.attempt.now_ms); takeAttempt(data.attempt); } break;
    case "object": {
      const key = objectKey(data.kind, data.name);
      changedAt.set(key, performance.now());
      objects.value = new Map(objects.value).set(key, data.object);
      break;
    }
    case "gone": {
      const rest = new Map(objects.value);
      rest.delete(objectKey(data.kind, data.name));
      changedAt.delete(objectKey(data.kind, data.name));
      objects.value = rest;
      break;
    }
    case "reset": if (mine && data.topic === `attempt:${mine.id}`) { objects.value = new Map(); changedAt.clear(); } break;
    case "check":
      if (data.submission === submission.value?.id) previews.value = new Map(previews.value).set(data.check.id, data.check);
      else if (sending.value) early.set(data.submission, [...(early.get(data.submission) ?? []), data.check]);
      break;
    case "verdict":
      if (data.submission === submission.value?.id) settle({ ...submission.value!, state: data.submission_state ?? "graded", earned: data.verdict?.earned, max: data.verdict?.max }, data.verdict);
      break;
    case "regraded": if (data.submission === submission.value?.id) void again(data.submission); break;
    case "apply": case "dryrun": if (data.apply) applyWaits.get(data.apply.id)?.(data.apply); break;
  }
}
