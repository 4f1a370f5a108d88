// coming: a server whose cluster is used while its add-ons are built. Which labs are offered changes in an open page.
import { expect, test } from "@playwright/test";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expectClean, LAB, watch } from "./lib";

const url = process.env.MAKMAL_COMING_URL, folder = process.env.MAKMAL_COMING_FOLDER ?? "";
test.use({ baseURL: url });
test.skip(!url, "no third server was started");

function put(name: string, what: object): void {
  writeFileSync(join(folder, `${name}.new`), JSON.stringify({ schema: 1, at_ms: Date.now(), ...what }));
  renameSync(join(folder, `${name}.new`), join(folder, name));
}

test("U50 a lab whose word is still to come says with what; when it comes the open page offers it", async ({ page }) => {
  const seen = await watch(page, url);
  let told: object = { state: "ready", why: "", version: "v1.36.4", capabilities: ["nodes", "dns"], coming: { metrics: "metrics-server" }, processes: [] };
  const alive = setInterval(() => put("status.json", told), 1000);
  try {
    put("status.json", told);
    put("build.json", { program: "metrics-server", percent: 41, seconds: 5, last: "k8s.io/api" });
    const answer = await page.request.post("/api/v1/joins", { data: { code: process.env.MAKMAL_COMING_CODE, name: "Farid", language: "en" }, headers: { Origin: url! } });
    expect(answer.status(), await answer.text()).toBe(201);
    await expect.poll(async () => (await (await page.request.get("/api/v1/cluster")).json()).state, { timeout: 30_000 }).toBe("ready");
    await page.goto(`/lab/${LAB}`);
    const start = page.locator(".ahead .primary"), note = page.locator(".ahead .start .note");
    await expect(note).toContainText("metrics, which comes as soon as metrics-server is built and started");
    await expect(start).toHaveAttribute("aria-disabled", "true");
    await expect(page.locator('[data-slot="cluster"]')).toContainText("metrics-server is being built, 41 %");
    told = { ...told, capabilities: ["nodes", "dns", "metrics"], coming: {} };
    put("status.json", told);
    await expect(note).toHaveCount(0, { timeout: 20_000 });
    await expect(start).not.toHaveAttribute("aria-disabled", "true");
    // and the other way: what has gone is not offered any more
    told = { ...told, capabilities: ["nodes", "dns"] };
    put("status.json", told);
    await expect(note).toContainText("what the cluster does not have: metrics", { timeout: 20_000 });
    expectClean(seen);
  } finally { clearInterval(alive); }
});
