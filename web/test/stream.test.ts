import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff, retryAfter, StreamParser } from "../src/lib/stream";

const text = "id: e1.7\nevent: object\ndata: {\"a\":1}\n\n: a remark\n\nevent: ping\r\ndata: one\r\ndata: two\r\n\r\ndata:bare\n\n";
const expected = [{ id: "e1.7", event: "object", data: "{\"a\":1}" }, { id: "e1.7", event: "ping", data: "one\ntwo" }, { id: "e1.7", event: "message", data: "bare" }];

test("events come out whole, however the bytes are cut", () => {
  assert.deepEqual(new StreamParser().push(text), expected);
  for (let size = 1; size < 12; size++) {
    const parser = new StreamParser(), out = [];
    for (let at = 0; at < text.length; at += size) out.push(...parser.push(text.slice(at, at + size)));
    assert.deepEqual(out, expected, `pieces of ${size}`);
  }
});
test("an event that is not finished is held back", () => assert.deepEqual(new StreamParser().push("data: half"), []));
test("an event without data is none, and its name does not stick to the next", () => assert.deepEqual(new StreamParser().push("event: x\n\ndata: y\n\n"), [{ id: "", event: "message", data: "y" }]));
test("waits double from 250 ms to 10 s, within 30 percent, and obey the server", () => {
  for (let failures = 1; failures < 30; failures++) {
    const base = Math.min(10_000, 250 * 2 ** (failures - 1));
    for (const random of [0, 0.5, 0.999]) {
      const wait = backoff(failures, random);
      assert.ok(wait >= base * 0.7 - 1 && wait <= base * 1.3 + 1, `${failures}: ${wait}`);
    }
  }
  assert.equal(backoff(1, 0, 7000), 7000);
});
test("Retry-After in seconds; nonsense is nothing; a day is two minutes", () => {
  assert.deepEqual(["3", null, "soon", "-1", "86400"].map(retryAfter), [3000, 0, 0, 0, 120_000]);
});
