import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointsOf, objectState, plain, tree } from "../src/lab/objectstate";

const meta = (name: string, more = {}) => ({ name, uid: `uid-${name}`, ...more });
const pod = (status: any, more = {}) => ({ kind: "Pod", metadata: meta("p", more), status });
const word = (object: any, all: any[] = []) => { const state = objectState(object, all); return [state.mark, state.text ?? state.key]; };

test("a Pod says what holds it up", () => {
  assert.deepEqual(word(pod({ phase: "Running", conditions: [{ type: "Ready", status: "True" }] })), ["live", "Running"]);
  assert.deepEqual(word(pod({ phase: "Running", containerStatuses: [{ ready: false, state: { running: {} } }] })), ["wait", "objects.not-ready"]);
  assert.deepEqual(word(pod({ phase: "Pending", containerStatuses: [{ state: { waiting: { reason: "ImagePullBackOff" } } }] })), ["fail", "ImagePullBackOff"]);
  assert.deepEqual(word(pod({ phase: "Pending", containerStatuses: [{ state: { waiting: { reason: "ContainerCreating" } } }] })), ["wait", "ContainerCreating"]);
  assert.deepEqual(word(pod({ phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }] })), ["wait", "Unschedulable"]);
  assert.deepEqual(word(pod({ phase: "Running" }, { deletionTimestamp: "2026-01-01T00:00:00Z" })), ["wait", "Terminating"]);
  assert.deepEqual(word(pod({ phase: "Running", containerStatuses: [{ ready: false, state: { terminated: { exitCode: 137, reason: "OOMKilled" } } }] })), ["fail", "OOMKilled"]);
});
test("a Service is as good as its endpoints", () => {
  const service = { kind: "Service", metadata: meta("web"), spec: {} };
  const slice = (endpoints: any[]) => ({ kind: "EndpointSlice", metadata: meta("web-x", { labels: { "kubernetes.io/service-name": "web" } }), endpoints });
  assert.deepEqual(word(service), ["none", "objects.there"]);
  assert.deepEqual(word(service, [slice([])]), ["error", "objects.no-endpoints"]);
  const points = [{ addresses: ["1"], conditions: { ready: true }, targetRef: { uid: "a" } }, { addresses: ["2"], conditions: { ready: false }, targetRef: { uid: "b" } }, { addresses: ["1"], targetRef: { uid: "a" } }, { addresses: ["3"], conditions: { ready: true, terminating: true }, targetRef: { uid: "c" } }];
  assert.deepEqual(endpointsOf(service as any, [slice(points)] as any), { ready: 1, of: 2 });
  assert.deepEqual(word(service, [slice(points)]), ["live", "objects.endpoints"]);
});
test("a Deployment that gave up says why", () => {
  assert.deepEqual(word({ kind: "Deployment", metadata: meta("d"), spec: { replicas: 2 }, status: { readyReplicas: 1 } }), ["wait", "objects.ready-of"]);
  assert.deepEqual(word({ kind: "Deployment", metadata: meta("d"), spec: {}, status: { conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }] } }), ["fail", "ProgressDeadlineExceeded"]);
});
test("owners stand above what they own; what the platform made is left out; orphans stay", () => {
  const objects: any[] = [
    { kind: "Pod", metadata: meta("d-1-a", { ownerReferences: [{ uid: "uid-d-1" }] }) },
    { kind: "ReplicaSet", metadata: meta("d-1", { ownerReferences: [{ uid: "uid-d" }] }), spec: { replicas: 1 } },
    { kind: "ReplicaSet", metadata: meta("d-0", { ownerReferences: [{ uid: "uid-d" }] }), spec: { replicas: 0 } },
    { kind: "Deployment", metadata: meta("d") },
    { kind: "Pod", metadata: meta("lost", { ownerReferences: [{ uid: "gone" }] }) },
    { kind: "NetworkPolicy", metadata: meta("wall", { labels: { "makmal/platform": "1" } }) },
    { kind: "ConfigMap", metadata: meta("kube-root-ca.crt") },
  ];
  assert.deepEqual(tree(objects).map(row => [row.object.metadata.name, row.depth]), [["d", 0], ["d-1", 1], ["d-1-a", 2], ["lost", 0]]);
});
test("the manifest of an object is what a person would write", () => {
  const object: any = { kind: "Service", status: {}, apiVersion: "v1", metadata: { name: "a", uid: "u", resourceVersion: "1", creationTimestamp: "t", labels: { x: "y" } }, spec: { type: "ClusterIP" } };
  assert.equal(JSON.stringify(plain(object)), JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "a", labels: { x: "y" } }, spec: { type: "ClusterIP" } }));
});
