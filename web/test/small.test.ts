import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { filesMark, mark } from "../src/lib/hash";
import { shuffled } from "../src/lib/shuffle";

test("an order is a permutation, the same for the same seed, not the same for all", () => {
  const orders = Array.from({ length: 50 }, (_, n) => shuffled(4, `person-${n}/q1`));
  for (const order of orders) assert.deepEqual([...order].sort(), [0, 1, 2, 3]);
  assert.deepEqual(shuffled(4, "x"), shuffled(4, "x"));
  assert.ok(new Set(orders.map(String)).size > 10);
});
test("every place is drawn first about equally often", () => {
  const first = [0, 0, 0];
  for (let n = 0; n < 3000; n++) first[shuffled(3, `p${n}/module/q`)[0]!]!++;
  for (const count of first) assert.ok(count > 800 && count < 1200, String(first));
});
test("marks tell texts apart, and names, and where a file ends", () => {
  assert.notEqual(mark("a"), mark("b"));
  assert.notEqual(filesMark([{ name: "a", text: "b" }]), filesMark([{ name: "b", text: "a" }]));
  assert.notEqual(filesMark([{ name: "a", text: "xy" }]), filesMark([{ name: "a", text: "x" }, { name: "b", text: "y" }]));
  assert.equal(mark("same"), mark("same"));
});

// --- the colours of tokens.css against the ratios that the design promises ---
const tokens = new Map([...readFileSync("src/style/tokens.css", "utf8").matchAll(/--([a-z-]+): light-dark\((#[0-9A-F]{6}), (#[0-9A-F]{6})\)/g)].map(([, name, light, dark]) => [name!, [light!, dark!] as const]));
const luminance = (hex: string) => {
  const [r, g, b] = [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16) / 255).map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
};
const ratio = (a: string, b: string) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x! + 0.05) / (y! + 0.05); };
const pairs: [string, string, number, number][] = [
  ["text", "bg", 16.4, 15.3], ["text", "surface", 15.3, 13.6], ["muted", "bg", 6.8, 8.6], ["muted", "surface", 6.3, 7.6], ["control", "bg", 3.7, 4.6], ["control", "surface", 3.4, 4.1], ["accent", "bg", 6.1, 8.5], ["accent", "surface", 5.7, 7.5],
  ["on-accent", "accent", 6.1, 8.0], ["focus", "bg", 6.1, 12.7], ["focus", "surface", 5.7, 11.3], ["pass", "bg", 6.2, 10.0], ["pass", "pass-tint", 5.4, 7.8], ["fail", "bg", 6.5, 9.0], ["fail", "fail-tint", 5.6, 7.8], ["warn", "bg", 6.3, 10.8],
  ["warn", "warn-tint", 5.7, 8.5], ["info", "bg", 6.9, 10.2], ["info", "info-tint", 6.0, 8.2], ["yaml-key", "bg", 8.0, 9.5], ["yaml-string", "bg", 6.2, 10.5], ["yaml-number", "bg", 7.5, 9.9], ["yaml-bool", "bg", 8.1, 9.2], ["yaml-comment", "bg", 5.8, 6.9],
];
for (const [front, back, light, dark] of pairs)
  test(`${front} on ${back} has the ratio of the design, light and dark`, () => {
    const [a, b] = [tokens.get(front)!, tokens.get(back)!];
    assert.ok(Math.abs(ratio(a[0], b[0]) - light) < 0.1, `light ${ratio(a[0], b[0]).toFixed(2)}, promised ${light}`);
    assert.ok(Math.abs(ratio(a[1], b[1]) - dark) < 0.1, `dark ${ratio(a[1], b[1]).toFixed(2)}, promised ${dark}`);
  });
test("no sheet but tokens.css names a colour", () => {
  for (const sheet of ["base", "shell", "pages", "parts", "lab", "print"]) assert.doesNotMatch(readFileSync(`src/style/${sheet}.css`, "utf8"), /#[0-9a-f]{3,8}\b(?![^{]*\{)/i, sheet);
});
