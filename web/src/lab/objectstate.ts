// objectstate: what a learner is told of an object at a glance: an icon, a word, a detail. Pure. Words that are Kubernetes' own stay as they are.
import type { KubeObject } from "../lib/api";
import type { Mark } from "../ui/parts";

/** key: one of ours (translated), or text: Kubernetes' own word. */
export interface ObjectState { mark: Mark; key?: string; params?: Record<string, string | number>; text?: string }

const ready = (object: KubeObject) => (object.status?.conditions ?? []).find((condition: any) => condition.type === "Ready")?.status === "True";

function pod(object: KubeObject): ObjectState {
  const status = object.status ?? {}, containers: any[] = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  if (object.metadata.deletionTimestamp) return { mark: "wait", text: "Terminating" };
  const waiting = containers.map(one => one.state?.waiting?.reason).find(reason => reason && reason !== "ContainerCreating" && reason !== "PodInitializing");
  if (waiting) return { mark: "fail", text: waiting };
  const ended = containers.map(one => one.state?.terminated).find(one => one && one.exitCode !== 0);
  if (ended && status.phase !== "Succeeded") return { mark: "fail", text: ended.reason || "Error" };
  if (status.phase === "Running") {
    const all = (status.containerStatuses ?? []).length, up = (status.containerStatuses ?? []).filter((one: any) => one.ready).length;
    return ready(object) ? { mark: "live", text: "Running" } : { mark: "wait", key: "objects.not-ready", params: { ready: up, of: all } };
  }
  if (status.phase === "Succeeded") return { mark: "pass", text: "Succeeded" };
  if (status.phase === "Failed") return { mark: "fail", text: status.reason || "Failed" };
  const unplaced = (status.conditions ?? []).find((one: any) => one.type === "PodScheduled" && one.status === "False");
  return { mark: "wait", text: unplaced?.reason ?? (containers.some(one => one.state?.waiting?.reason === "ContainerCreating") ? "ContainerCreating" : status.phase || "Pending") };
}

/** Ready and all addresses behind a Service, from the slices that the endpoint controller writes. */
export function endpointsOf(service: KubeObject, all: Iterable<KubeObject>): { ready: number; of: number } | null {
  let slices = 0;
  const seen = new Map<string, boolean>();
  for (const slice of all) {
    if (slice.kind !== "EndpointSlice" || slice.metadata.labels?.["kubernetes.io/service-name"] !== service.metadata.name) continue;
    slices++;
    for (const endpoint of slice.endpoints ?? []) if (!endpoint.conditions?.terminating) seen.set(endpoint.targetRef?.uid ?? endpoint.addresses?.[0] ?? String(seen.size), endpoint.conditions?.ready !== false);
  }
  return slices ? { ready: [...seen.values()].filter(Boolean).length, of: seen.size } : null;
}

function scaled(object: KubeObject): ObjectState {
  const want = object.spec?.replicas ?? 1, have = object.status?.readyReplicas ?? 0;
  const stuck = (object.status?.conditions ?? []).find((one: any) => one.type === "Progressing" && one.status === "False");
  if (stuck) return { mark: "fail", text: stuck.reason };
  if ((object.status?.conditions ?? []).some((one: any) => one.type === "ReplicaFailure" && one.status === "True")) return { mark: "fail", text: "ReplicaFailure" };
  return { mark: have >= want ? "live" : "wait", key: "objects.ready-of", params: { ready: have, of: want } };
}

export function objectState(object: KubeObject, all: Iterable<KubeObject>): ObjectState {
  if (object.metadata.deletionTimestamp && object.kind !== "Pod") return { mark: "wait", text: "Terminating" };
  switch (object.kind) {
    case "Pod": return pod(object);
    case "Deployment": case "ReplicaSet": case "StatefulSet": return scaled(object);
    case "Service": {
      const points = endpointsOf(object, all);
      if (!points) return { mark: "none", key: "objects.there" };
      if (!points.of) return { mark: "error", key: "objects.no-endpoints" };
      return { mark: points.ready ? "live" : "error", key: "objects.endpoints", params: { ready: points.ready, count: points.of } };
    }
    case "EndpointSlice": {
      const count = (object.endpoints ?? []).length;
      return { mark: count ? "live" : "none", key: "objects.addresses", params: { count } };
    }
    case "PersistentVolumeClaim": return { mark: object.status?.phase === "Bound" ? "live" : "wait", text: object.status?.phase || "Pending" };
    case "Job": {
      if ((object.status?.conditions ?? []).some((one: any) => one.type === "Failed" && one.status === "True")) return { mark: "fail", text: "Failed" };
      return (object.status?.conditions ?? []).some((one: any) => one.type === "Complete" && one.status === "True") ? { mark: "pass", text: "Complete" } : { mark: "wait", text: "Running" };
    }
    default: return { mark: "none", key: "objects.there" };
  }
}

const order = ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "Pod", "Service", "EndpointSlice", "Ingress", "ConfigMap", "Secret", "PersistentVolumeClaim"];
const rank = (kind: string) => { const at = order.indexOf(kind); return at < 0 ? order.length : at; };
export interface Row { object: KubeObject; depth: number }
/** What the platform put there is not the learner's business. */
export const platform = (object: KubeObject) =>
  Object.keys(object.metadata.labels ?? {}).some(label => label.startsWith("makmal/platform")) || (object.kind === "ConfigMap" && object.metadata.name === "kube-root-ca.crt") ||
  (object.kind === "ServiceAccount" && object.metadata.name === "default") || ["ResourceQuota", "LimitRange", "Event"].includes(object.kind);

/** Owners first, what they own below them; owners that are not shown do not hide anybody. Old ReplicaSets without Pods are left out. */
export function tree(objects: Iterable<KubeObject>): Row[] {
  const shown = [...objects].filter(object => !platform(object) && !(object.kind === "ReplicaSet" && object.spec?.replicas === 0 && !object.status?.replicas));
  const byUid = new Map(shown.map(object => [object.metadata.uid, object]));
  const below = new Map<KubeObject | null, KubeObject[]>();
  for (const object of shown) {
    const owner = (object.metadata.ownerReferences ?? []).map((reference: any) => byUid.get(reference.uid)).find(Boolean) ?? null;
    below.set(owner, [...(below.get(owner) ?? []), object]);
  }
  const rows: Row[] = [];
  const put = (owner: KubeObject | null, depth: number) => {
    for (const object of (below.get(owner) ?? []).sort((a, b) => rank(a.kind) - rank(b.kind) || a.metadata.name.localeCompare(b.metadata.name))) {
      rows.push({ object, depth });
      if (depth < 6) put(object, depth + 1);
    }
  };
  put(null, 0);
  return rows;
}

/** The manifest as a person would write it: what the cluster filled in is left out. */
export function plain(object: KubeObject): KubeObject {
  const { status: _status, metadata, apiVersion, kind, ...rest } = object;
  const { uid: _u, resourceVersion: _r, generation: _g, creationTimestamp: _c, managedFields: _m, ...kept } = metadata;
  return { apiVersion, kind, metadata: kept, ...rest } as KubeObject;
}
export const pairsText = (map: Record<string, unknown> | undefined) => Object.entries(map ?? {}).map(([key, value]) => `${key}=${value}`).join(", ");
