import assert from "node:assert/strict";
import { test } from "node:test";
import { fill, pieces } from "../src/lib/words";

test("parameters are put at their names, unknown ones stay as written", () => assert.equal(fill("{a} and {b}", { a: "x" }, "en"), "x and {b}"));
test("a value that looks like a parameter is not filled again", () => assert.equal(fill("{a}{b}", { a: "{b}", b: "y" }, "en"), "{b}y"));
test("English has one and other, Malay one form", () => {
  const entry = { one: "{count} check", other: "{count} checks" };
  assert.equal(fill(entry, { count: 1 }, "en"), "1 check");
  assert.equal(fill(entry, { count: 0 }, "en"), "0 checks");
  assert.equal(fill("{count} semakan", { count: 1 }, "ms"), "1 semakan");
});
test("numbers are written as the language writes them", () => assert.equal(fill("{n}", { n: 1234.5 }, "en"), "1,234.5"));
test("pieces keep text and names in order", () => assert.deepEqual(pieces("a {b} c"), [{ text: "a " }, { name: "b" }, { text: " c" }]));
