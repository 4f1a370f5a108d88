import assert from "node:assert/strict";
import { test } from "node:test";
import { lineOf, offsetAt, parsePath, placeOf, syntax } from "../src/lab/yamlplace";

const text = `# first
apiVersion: v1
kind: Service
metadata:
  name: web
  labels: { "app.kubernetes.io/name": web }
spec:
  selector:
    app: web
  ports:
    - name: http
      port: 80
    - name: metrics
      port: 9090
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: side
          image: busybox
        - name: web
          image: nginx
`;
const at = (object: { kind: string; name: string }, path: string) => { const place = placeOf(text, object, path); return place && [lineOf(text, place.from), text.slice(place.from, place.to)]; };
const service = { kind: "Service", name: "web" }, deployment = { kind: "Deployment", name: "web" };

test("a field path is a line: by key, by place, by name", () => {
  assert.deepEqual(at(service, "spec.ports[1].port"), [14, "9090"]);
  assert.deepEqual(at(service, "spec.ports[name=metrics].port"), [14, "9090"]);
  assert.deepEqual(at(deployment, "spec.template.spec.containers[name=web].image"), [27, "nginx"]);
  assert.deepEqual(at(service, 'metadata.labels["app.kubernetes.io/name"]'), [6, "web"]);
  assert.deepEqual(at(service, "metadata.labels[app.kubernetes.io/name]"), [6, "web"]);
});
test("a path that ends early points at the nearest parent", () => {
  assert.deepEqual(at(service, "spec.ports[1].targetPort"), [13, "name"]);
  assert.deepEqual(at(service, "spec.type"), [7, "spec"]);
  assert.deepEqual(at(service, "nothing.here"), [3, "Service"]);
});
test("an object that is not in the file has no place", () => assert.equal(placeOf(text, { kind: "Pod", name: "web" }, "spec"), null));
test("an object inside a List is found", () => {
  const list = "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  metadata: {name: a}\n  spec: {x: 1}\n";
  const place = placeOf(list, { kind: "Pod", name: "a" }, "spec.x")!;
  assert.equal(list.slice(place.from, place.to), "1");
});
test("paths come apart", () => assert.deepEqual(parsePath('a.b[0].c[name=x]["d.e"][f/g]'), ["a", "b", 0, "c", { key: "name", value: "x" }, "d.e", "f/g"]));

test("a tab is told on its line", () => {
  const bad = "spec:\n  a: 1\n\tb: 2\n", problems = syntax(bad);
  assert.equal(problems[0]!.code, "TAB_AS_INDENT");
  assert.equal(lineOf(bad, problems[0]!.from), 3);
});
test("a key that stands twice is told at the second", () => {
  const bad = "a: 1\nb: 2\na: 3\n", problems = syntax(bad);
  assert.equal(problems[0]!.code, "DUPLICATE_KEY");
  assert.equal(lineOf(bad, problems[0]!.from), 3);
});
test("good text has no problem, several documents or none", () => { for (const good of [text, "", "# only\n", "---\na: 1\n---\nb: 2\n"]) assert.deepEqual(syntax(good), []); });
test("every problem lies inside the text", () => {
  for (const bad of ["a: [1, 2", "a: 'x", "a:\n - b\n c: d\n", "a: b: c\n", "\"\\q\"", "a: !foo b\n- c"]) {
    const problems = syntax(bad);
    assert.ok(problems.length > 0, bad);
    for (const problem of problems) assert.ok(problem.from >= 0 && problem.to <= bad.length && problem.from <= problem.to, bad);
  }
});
test("columns count code points, offsets UTF-16 units", () => {
  const emoji = "a: \u{1F600}x\nb: y";
  assert.equal(emoji.slice(offsetAt(emoji, 1, 5)), "x\nb: y");
  assert.equal(offsetAt(emoji, 2, 1), 7);
  assert.equal(offsetAt(emoji, 9, 1), emoji.length);
  assert.equal(offsetAt(emoji, 1, 99), 6);
});
