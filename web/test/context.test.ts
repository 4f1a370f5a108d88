import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { contextAt } from "../src/lab/context";
import { fieldsAt, versions } from "../src/lab/fields";

/** The cursor stands at |. */
const here = (text: string) => { const pos = text.indexOf("|"); return contextAt(text.replace("|", ""), pos); };
const head = "apiVersion: v1\nkind: Pod\n";

test("a key in a list of containers", () => {
  const context = here(`${head}spec:\n  containers:\n    - name: a\n      im|\n`)!;
  assert.deepEqual([context.kind, context.path, context.place, context.word, context.siblings], ["Pod", ["spec", "containers", 0], "key", "im", ["name"]]);
});
test("a list at the column of its key, and the second item", () => assert.deepEqual(here(`${head}spec:\n  containers:\n  - name: a\n  - na|`)!.path, ["spec", "containers", 1]));
test("an empty line counts by its column", () => {
  assert.deepEqual(here(`${head}spec:\n  |`)!.path, ["spec"]);
  assert.deepEqual(here(`${head}spec:\n|`)!.path, []);
});
test("keys below the cursor are siblings too", () => assert.deepEqual(here(`${head}spec:\n  |\n  containers: []\n  volumes: []\n`)!.siblings, ["containers", "volumes"]));
test("behind the colon it is a value", () => {
  const context = here(`${head}spec:\n  restartPolicy: Al|`)!;
  assert.deepEqual([context.place, context.key, context.word], ["value", "restartPolicy", "Al"]);
});
test("only the document around the cursor counts", () => assert.equal(here("kind: Service\nspec:\n  ports: []\n---\nkind: Deployment\nspec:\n  |\n---\nkind: Pod\n")!.kind, "Deployment"));
test("nothing inside a block of text or a remark", () => {
  assert.equal(here("kind: ConfigMap\ndata:\n  a: |\n    some te|xt\n".replace("a: |", "a: >")), null);
  assert.equal(here("# ki|"), null);
});
test("after a block of text the map goes on", () => assert.deepEqual(here("kind: ConfigMap\ndata:\n  a: >\n    text\n  b|")!.path, ["data"]));
test("dashes in one line", () => assert.deepEqual(here("kind: Pod\nspec:\n  containers:\n    - name: a\n      ports:\n        - con|")!.path, ["spec", "containers", 0, "ports", 0]));

test("the fields of a container hold image and name, required", () => {
  const fields = fieldsAt("Pod", ["spec", "containers", 0])!;
  assert.deepEqual(fields.filter(field => field.required).map(field => field.name), ["name", "image"]);
  assert.deepEqual(fieldsAt("Deployment", ["spec", "template", "spec", "containers", 1, "ports", 0])!.map(field => field.name), ["containerPort", "name", "protocol"]);
  assert.equal(fieldsAt("Service", ["spec", "selector"]), null);
  assert.equal(fieldsAt("Gizmo", []), null);
});
test("every field that can be reached has a sentence in both languages", () => {
  const words = JSON.parse(readFileSync("words/fields.json", "utf8")), seen = new Set<string>();
  const walk = (kind: string, path: string[]) => {
    for (const field of fieldsAt(kind, path) ?? []) {
      if (seen.has(field.key)) continue;
      seen.add(field.key);
      const entry = words[`page.${field.key}`];
      assert.ok(entry?.en && entry?.ms, field.key);
      walk(kind, [...path, field.name]);
    }
  };
  for (const kind of Object.keys(versions)) walk(kind, []);
  assert.ok(seen.size > 60);
  for (const key of Object.keys(words)) assert.ok(key.startsWith("page.field.Top.") || seen.has(key.slice(5)), `${key} is used by nobody`);
});
