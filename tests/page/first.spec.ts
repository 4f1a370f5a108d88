// first: the one-time link makes the first administrator, who opens a workshop; all through the page. What follows joins by its code.
import { expect, test } from "@playwright/test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expectClean, keepClass, watch, work } from "./lib";

test("the first person follows the one-time link, becomes administrator and opens a workshop", async ({ page }) => {
  const seen = await watch(page);
  const link = /\/setup\?k=[A-Za-z0-9-]+/.exec(readFileSync(join(work, "server.log"), "utf8"))?.[0];
  expect(link, "the server prints a one-time link at its first start").toBeTruthy();
  const admin = { name: "Cikgu Farah", password: "sebelas-kuda-hijau" };

  await page.goto(link!);
  await page.locator('[data-form="setup"] input[name="name"]').fill(admin.name);
  await page.locator('[data-form="setup"] input[name="password"]').fill("short");
  await page.locator('[data-form="setup"] button').click();
  await expect(page.getByRole("alert"), "a short password is refused, with what to do").toContainText("10");
  await expect(page.locator('[data-form="setup"] input[name="name"]'), "what was typed is kept").toHaveValue(admin.name);
  await page.locator('[data-form="setup"] input[name="password"]').fill(admin.password);
  await page.locator('[data-form="setup"] button').click();
  await expect(page.locator(".who")).toHaveText(admin.name);

  await page.goto("/workshops");
  await page.locator('[data-form="workshop"] input[name="name"]').fill("UTM November");
  await page.locator('[data-form="workshop"] input[name="hours"]').fill("4");
  await page.locator('[data-form="workshop"] button.primary').click();
  const code = page.locator(".grades code.code").first();
  await expect(code).toBeVisible();
  keepClass({ code: (await code.textContent())!.trim(), admin });

  await page.goto(link!);
  await expect(page.locator('[data-form="setup"]'), "the link is spent").toHaveCount(0);
  expectClean(seen);
});
