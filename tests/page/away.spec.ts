// away: a server whose cluster is not there. Reading and checking of files work, and the page says how it is.
import { expect, test } from "@playwright/test";
import { MODULE, LAB } from "./lib";

const away = process.env.MAKMAL_AWAY_URL;
test.use({ baseURL: away });
test.skip(!away, "no second server was started");

test("U11 without a cluster home, module and a check of the files work, and it is said", async ({ page }) => {
  await page.goto("/");
  await expect(page.locator('[data-slot="cluster"]')).toContainText(/Cluster|cluster/);
  await page.goto(`/learn/${MODULE}`);
  await expect(page.locator("article h2").first()).toBeVisible();
  await page.goto("/j");
  await page.locator('[data-form="join"] input[name="code"]').fill(process.env.MAKMAL_AWAY_CODE!);
  await page.locator('[data-form="join"] input[name="name"]').fill("Devi");
  await page.locator('[data-form="join"] button').click();
  await page.getByRole("dialog").getByRole("button", { name: "I have it, go on" }).click();
  await expect(page.locator(".who")).toHaveText("Devi");
  await page.goto(`/lab/${LAB}`);
  await page.locator(".ahead .primary").click();
  await expect(page.locator(".lab-progress")).toContainText(/[Cc]luster/);
  await expect(page.getByRole("button", { name: "Apply", exact: true })).toHaveAttribute("aria-disabled", "true");
  await expect(page.locator(".cm-content")).toBeVisible();
  await page.locator(".check-bar").getByRole("button", { name: "Check", exact: true }).click();
  await expect(page.locator(".checks")).toHaveAttribute("aria-busy", "false", { timeout: 90_000 });
  await expect(page.locator('.check[data-check="selectors"]')).toHaveAttribute("data-outcome", /fail|partial/);
  await expect(page.locator('.check[data-check="selectors"] .finding').first()).toBeVisible();
  for (const id of ["endpoints"]) {
    const row = page.locator(`.check[data-check="${id}"]`);
    if (await row.count()) await expect(row).toHaveAttribute("data-outcome", /error|unobserved|blocked/);
  }
});
