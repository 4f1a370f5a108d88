// story: the whole way of a learner, through a kill -9 in the middle: join, read, start the lab, a wrong manifest, its finding, mended, passed, and the
// progress there again after the server was killed and started anew.
import { expect, test } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { checkNow, expectClean, LAB, MODULE, numberOf, openedClass, saved, services, startLab, type, watch, work } from "./lib";

test("a learner joins, errs, mends, passes, and finds it all again after kill -9", async ({ page }) => {
  test.setTimeout(600_000);
  const seen = await watch(page);

  await test.step("join with the code as people type it", async () => {
    await page.goto("/j");
    const form = page.locator('[data-form="join"]');
    await form.locator('input[name="code"]').fill("00-00-00");
    await form.locator('input[name="name"]').fill("Aina R.");
    await form.getByRole("button").click();
    await expect(page.getByRole("alert")).not.toBeEmpty();
    await expect(form.locator('input[name="code"]'), "the focus stays at the code").toBeFocused();
    await expect(form.locator('input[name="name"]'), "nothing is cleared").toHaveValue("Aina R.");
    const code = openedClass().code.replace(/[^A-Za-z0-9]/g, "").toLowerCase();
    await form.locator('input[name="code"]').fill(` ${code.slice(0, 3)} ${code.slice(3)} `);
    await form.getByRole("button").click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.locator("code.code"), "the return key, once").toHaveText(/[0-9a-z]{4}/);
    await dialog.getByRole("button", { name: "I have it, go on" }).click();
    await expect(page.locator(".who")).toHaveText("Aina R.");
  });

  await test.step("read the module, go to the lab", async () => {
    await page.goto("/");
    await page.getByRole("link", { name: "Services and exposure" }).first().click();
    await expect(page).toHaveURL(new RegExp(`/learn/${MODULE}$`));
    await expect(page.locator("article figure svg").first()).toBeVisible();
    await page.locator(`article a[href="/lab/${LAB}"]`).click();
    await startLab(page);
  });

  const number = await test.step("objects of the namespace stand there, live", async () => {
    const front = page.locator('tr.object[data-kind="Service"][data-name="front"]');
    await expect(front).toContainText("No endpoints");
    await expect(page.locator('tr.object[data-kind="Deployment"][data-name="front"]')).toContainText("2 of 2 ready", { timeout: 120_000 });
    return numberOf(page);
  });

  await test.step("a wrong manifest: back still sends too far, and the finding says so", async () => {
    await type(page, services(`app: front-${number}`, "tier: web"));
    await saved(page);
    await checkNow(page, /^Apply and check$/);
    const row = page.locator('.check[data-check="selectors"]');
    await expect(row).toHaveAttribute("data-outcome", /fail|partial/);
    const finding = row.locator('.finding[data-key="service.also-selects"]').first();
    await expect(finding).toBeVisible();
    await expect(finding.locator("dt", { hasText: "Where" })).toBeVisible();
    await expect(finding.locator("dt", { hasText: "Found" })).toBeVisible();
    await finding.locator("button.link").click();
    await expect(page.locator(".cm-content")).toBeFocused();
    await expect(page.locator(".cm-activeLine")).toContainText(/selector|tier/);
    await expect(page.locator(".headline-count")).not.toContainText("10 of 10");
  });

  await test.step("mended: the endpoints change in sight, every check passes", async () => {
    await type(page, services(`app: front-${number}`, `app: back-${number}`));
    await checkNow(page, /^Apply and check$/);
    await expect(page.locator(".headline-count")).toContainText("10 of 10 points");
    await expect(page.locator('.check[data-outcome="pass"]')).toHaveCount(await page.locator(".check").count());
    await expect(page.locator(".headline-next a"), "and says where to go on").toHaveAttribute("href", "/lab/mend-ports");
    await expect(page.locator('tr.object[data-kind="Service"][data-name="back"]')).toContainText("1 of 1 endpoint ready");
  });

  await test.step("the server is killed with -9 and started again", async () => {
    execFileSync(join(work, "kill9"));
    await expect(page.locator(".fresh"), "the page says that it is cut off").toContainText(/Reconnecting|Offline/, { timeout: 60_000 });
    execFileSync(join(work, "start"));
    await expect(page.locator(".fresh"), "and finds back by itself").toContainText("Live", { timeout: 60_000 });
  });

  await test.step("progress, verdict, text and namespace are there again", async () => {
    await page.goto("/me");
    await expect(page.locator("main")).toContainText("Mend the selectors");
    await expect(page.locator("main")).toContainText(/10\s*(of|\/)\s*10/);
    await page.goto(`/lab/${LAB}`);
    await startLab(page);
    await expect(page.locator(".headline-count")).toContainText("10 of 10 points");
    await expect(page.locator(".cm-content")).toContainText(`back-${number}`);
    await expect(page.locator('tr.object[data-kind="Service"][data-name="back"]')).toContainText("1 of 1 endpoint ready", { timeout: 60_000 });
  });
  expectClean(seen);
});
