// api: the server's HTTP border, typed. One function per route; every failure is an ApiError with the server's own sentence.
import { t } from "./i18n";

export interface Person { id: string; name: string; role: string }
export interface Me { person: Person | null; language: string; csrf: string; workshop: { id: string; name: string } | null; setup_needed: boolean }
export interface SignedIn { person: Person; csrf: string; return_key?: string }
export interface FileText { name: string; text?: string; base64?: string }
export type AttemptState = "wanted" | "ready" | "resetting" | "ending" | "gone" | "failed";
export interface Step { id: string; title: string; html: string }
export interface Proof { at_ms: number; refused: number; of: number; acts: { act: string; guard: string; ok: boolean }[] }
export interface Attempt {
  id: string; lab: string; state: AttemptState; why?: string; why_text?: string; namespace: string; created_ms: number; ready_ms: number; expires_ms: number; applied_ms: number; now_ms: number;
  params: Record<string, string | number>; proof: Proof | null; steps?: Step[]; stage?: { done: number; of: number; text: string } | null;
}
export interface CheckInfo { id: string; step: string; title: string; points: number; on: string }
export interface Lab {
  id: string; title: string; module: string; minutes: number; points: number; hand_in: "files" | "live" | "both"; paper: boolean; needs: string[]; missing: string[]; missing_text: string; steps: Step[]; checks: CheckInfo[];
  next: { title: string; path: string } | null; attempt: Attempt | null;
}
export interface Place { file: string; doc: number; line: number; col: number; end_line: number; end_col: number; node?: string }
export interface Finding {
  key: string; level: "fail" | "wait" | "warn" | "info" | "refuse"; side?: string; text: string; text_lang?: string; why?: string; object?: { kind: string; name: string } | null; path?: string; at?: Place | null;
  want_text?: string; got_text?: string; want?: { value?: unknown } | null; got?: { state?: string; text?: string; value?: unknown } | null; hints?: string[]; ladder?: string; rungs?: number;
  /** Of a wait that failed: for how long it was not so, and the newest Events of what it was for, in the cluster's words. */
  false_ms?: number; events?: { reason: string; message: string; type: string; kind: string; name: string; count: number; at: string }[];
}
export type Outcome = "pass" | "partial" | "fail" | "blocked" | "pending" | "error" | "unobserved" | "hidden";
export interface Check { id: string; step: string; title: string; on: string; outcome: Outcome; earned?: string; max?: string; because?: string[]; error_text?: string; findings?: Finding[]; deadline_ms?: number }
export interface Verdict {
  id: string; submission: string; state: "open" | "settled" | "refused"; earned: string; max: string; earned_number: number; max_number: number; gained?: string | number; checks: Check[]; reading: Finding[]; left_out: string[];
  at_ms: number; run: number;
}
export type SubmissionState = "received" | "grading" | "graded" | "refused" | "error";
export interface Submission { id: string; number: number; attempt?: string; state: SubmissionState; at_ms: number; earned?: string; max?: string; files?: FileText[] }
export interface Grade { verdict: string; earned: string; max: string; at_ms: number; counts: boolean; reason?: string | null }
export interface Appeal { id: string; state: "open" | "regraded" | "refused"; reason: string; at_ms: number; ended_ms?: number; answer?: string; outcome?: "regraded" | "same" | "kept" }
export interface Graded { submission: Submission; verdict: Verdict | null; grades: Grade[]; appeal: Appeal | null }
export interface Applied { kind: string; name: string; did: "created" | "configured" | "unchanged" | "refused" | "not_tried"; findings?: Finding[] }
export interface Apply { id: string; kind: "apply" | "dryrun"; state: "queued" | "running" | "done" | "error"; ok?: boolean; objects?: Applied[]; findings?: Finding[]; at_ms?: number; error_text?: string }
export interface Hints { hints: { key: string; rung: number; text: string }[]; ladders: { key: string; rungs: number; next: { rung: number; tries: number; minutes: number; open: boolean } | null }[] }
export interface Cluster {
  state: "none" | "building" | "starting" | "ready" | "away" | "broken"; why?: string; why_text?: string; percent: number; program?: string; parts: { done: number; of: number }; version: string;
  capabilities: string[]; lacking: Record<string, { state: "no" | "unknown" | "looking" | "coming"; with?: string }>; embedded: boolean;
}
export interface KubeObject { kind: string; apiVersion?: string; metadata: any; spec?: any; status?: any; [more: string]: any }
export interface KubeconfigFacts { server: string; expires_ms: number; plain_http: boolean }

export class ApiError extends Error {
  constructor(readonly status: number, readonly key: string, message: string, readonly params: Record<string, any> = {}, readonly retryMs = 0, readonly request = "") { super(message); }
}

const meta = (name: string) => document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`);
export const token = () => meta("makmal-token")?.content ?? "";
export function setToken(csrf: string): void { const tag = meta("makmal-token"); if (tag) tag.content = csrf; }
export const viewer: Person | null = (() => { try { return JSON.parse(meta("makmal-viewer")?.content || "null"); } catch { return null; } })();
let signedOut = () => {};
export const onSignedOut = (handler: () => void) => { signedOut = handler; };

type Method = "GET" | "POST" | "PUT" | "DELETE";
export async function call<T>(method: Method, path: string, body?: unknown, extra: { headers?: Record<string, string>; keepalive?: boolean } = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", ...extra.headers };
  if (method !== "GET") headers["X-Makmal-Token"] = token();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store", keepalive: extra.keepalive, signal: AbortSignal.timeout(30_000) });
  } catch { throw new ApiError(0, "net.away", t("net.away")); }
  const text = await response.text();
  let answer: any;
  try { answer = text ? JSON.parse(text) : undefined; } catch { answer = undefined; }
  if (response.ok) return answer as T;
  if (response.status === 401 && !/^\/(logins|joins|setups)$/.test(path)) signedOut();
  const error = answer?.error ?? {};
  throw new ApiError(response.status, error.key ?? "", error.message || t("net.odd", { status: response.status }), error.params ?? {}, (Number(response.headers.get("Retry-After")) || 0) * 1000, error.request ?? "");
}

/** For Idempotency-Key: crypto.randomUUID is missing on plain HTTP. */
export function pressKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, "0")).join("");
}

const at = (attempt: string) => `/attempts/${encodeURIComponent(attempt)}`;
export const join = (body: object) => call<SignedIn>("POST", "/joins", body);
export const signIn = (body: object) => call<SignedIn>("POST", "/logins", body);
export const setUp = (body: object) => call<SignedIn>("POST", "/setups", body);
export const openWorkshop = (body: object) => call<{ id: string; name: string; code: string; link: string; until_ms: number }>("POST", "/workshops", body);
export const getCluster = () => call<Cluster>("GET", "/cluster");
export const getLab = (lab: string) => call<Lab>("GET", `/labs/${encodeURIComponent(lab)}`);
export const startAttempt = (lab: string) => call<{ attempt: Attempt }>("POST", `/labs/${encodeURIComponent(lab)}/attempts`, {});
export const getAttempt = (attempt: string) => call<{ attempt: Attempt }>("GET", at(attempt));
export const endAttempt = (attempt: string) => call<void>("DELETE", at(attempt));
export const getDraft = (attempt: string, starter = false) => call<{ files: FileText[]; saved_ms: number }>("GET", `${at(attempt)}/draft${starter ? "?starter=1" : ""}`);
export const putDraft = (attempt: string, files: FileText[], keepalive = false) => call<{ saved_ms: number }>("PUT", `${at(attempt)}/draft`, { files }, { keepalive });
export const resetAttempt = (attempt: string) => call<{ attempt: Attempt }>("POST", `${at(attempt)}/reset`, {});
export const extendAttempt = (attempt: string) => call<{ expires_ms: number }>("POST", `${at(attempt)}/extend`, {});
export const getObjects = (attempt: string) => call<{ objects: KubeObject[] }>("GET", `${at(attempt)}/objects`);
export const kubeconfigPath = (attempt: string) => `/api/v1${at(attempt)}/kubeconfig`;
export const getKubeconfigFacts = (attempt: string) => call<KubeconfigFacts>("GET", `${at(attempt)}/kubeconfig?facts=1`);
export const revokeKubeconfig = (attempt: string) => call<void>("POST", `${at(attempt)}/revoke`, {});
export const postApply = (attempt: string, files: FileText[], takeOver: boolean) => call<{ apply: Apply }>("POST", `${at(attempt)}/applies`, takeOver ? { files, take_over: true } : { files });
export const postDryRun = (attempt: string, files: FileText[]) => call<{ apply: Apply }>("POST", `${at(attempt)}/dryruns`, { files });
export const getApply = (id: string) => call<{ apply: Apply }>("GET", `/applies/${encodeURIComponent(id)}`);
export const postSubmission = (attempt: string, files: FileText[], key: string) => call<{ submission: Submission }>("POST", `${at(attempt)}/submissions`, { files }, { headers: { "Idempotency-Key": key } });
export const getSubmissions = (attempt: string) => call<{ submissions: Submission[] }>("GET", `${at(attempt)}/submissions`);
export const getSubmission = (id: string) => call<Graded>("GET", `/submissions/${encodeURIComponent(id)}`);
export const postAppeal = (submission: string, reason: string) => call<{ appeal: Appeal }>("POST", `/submissions/${encodeURIComponent(submission)}/appeals`, { reason });
export const getHints = (attempt: string) => call<Hints>("GET", `${at(attempt)}/hints`);
export const openHint = (attempt: string, key: string, rung: number) => call<{ text: string }>("POST", `${at(attempt)}/hints`, { key, rung });
export const answerQuiz = (module: string, item: string, answer: number) => call<{ right: boolean; betrays_text?: string; right_answer?: number }>("POST", `/modules/${encodeURIComponent(module)}/quiz/${encodeURIComponent(item)}`, { answer });
export const postLiveTopics = (tab: string, topics: string) => call<void>("POST", `/live/${encodeURIComponent(tab)}`, { topics });
