// live: what changes in the cluster is seen at once, and what is not fresh says so.
import { expect, test } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LAB, learner, openLab, pickFile, type, work } from "./lib";

const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  a: b\n`;

test("U36 an object that is applied in one tab shows in the other; one that goes leaves; each state is an icon and a word", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context), other = await context.newPage();
  await other.goto(`/lab/${LAB}`);
  await expect(other.locator("tr.object").first()).toBeVisible({ timeout: 60_000 });
  await pickFile(page, "services.yaml");
  await type(page, configMap("seen"));
  await page.getByRole("button", { name: "Apply", exact: true }).click();
  await expect(page.locator(".problems summary")).toContainText("Applied", { timeout: 60_000 });
  for (const tab of [page, other]) await expect(tab.locator('tr.object[data-kind="ConfigMap"][data-name="seen"]')).toBeVisible({ timeout: 3000 });
  for (const state of await page.locator("tr.object .state").all()) {
    expect((await state.textContent())!.trim()).not.toBe("");
    expect(await state.evaluate(element => getComputedStyle(element, "::before").maskImage)).toContain("url(");
  }
  if (process.env.TEST_KUBECTL) {
    // with the learner's own kubeconfig, through the relay, by the real kubectl
    const attempt = (await (await context.request.get(`/api/v1/labs/${LAB}`)).json()).attempt.id, file = join(work, "learner.kubeconfig");
    await expect(async () => {
      const answer = await context.request.get(`/api/v1/attempts/${attempt}/kubeconfig`);
      expect(answer.status()).toBe(200);
      writeFileSync(file, await answer.text(), { mode: 0o600 });
    }).toPass({ timeout: 30_000 });
    execFileSync(process.env.TEST_KUBECTL, ["--kubeconfig", file, "delete", "configmap", "seen", "--wait=false"]);
    for (const tab of [page, other]) await expect(tab.locator('tr.object[data-kind="ConfigMap"][data-name="seen"]')).toHaveCount(0, { timeout: 5000 });
  }
  await context.close();
});

test("U37 U38 refusals do not end the tries; the badge names the state and a time; afterwards no row is missing or double", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context), rows = page.locator("tr.object"), count = await rows.count();
  await expect(page.locator(".fresh")).toContainText("Live");
  let refused = 0;
  await page.route("**/api/v1/live?**", route => { refused++; return refused <= 3 ? route.fulfill({ status: 503, headers: { "Retry-After": "1" } }) : route.continue(); });
  await page.reload();
  await expect(page.locator(".fresh")).toContainText(/Reconnecting|Connecting/);
  await expect(page.locator(".fresh")).toContainText("Live", { timeout: 35_000 });
  expect(refused).toBeGreaterThan(3);
  await expect(rows).toHaveCount(count);
  const names = await rows.evaluateAll(all => all.map(row => `${row.getAttribute("data-kind")}/${row.getAttribute("data-name")}`));
  expect(new Set(names).size).toBe(names.length);
  await context.close();
});

test("a login that ended keeps the text and says so", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  await pickFile(page, "services.yaml");
  await context.clearCookies();
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+End");
  await page.keyboard.insertText("\n# still mine\n");
  await expect(page.locator(".notices")).toContainText("signed out");
  await expect(page.locator(".cm-content")).toContainText("# still mine");
  expect(await page.evaluate(() => Object.entries(localStorage).some(([key, value]) => key.startsWith("makmal-lab-text-") && value.includes("# still mine")))).toBe(true);
  await context.close();
});
