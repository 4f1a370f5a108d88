// access: axe finds nothing on any screen, light and dark, English and Malay; targets are large enough; nothing that has the focus lies under a bar.
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";
import { checkNow, LAB, learner, MODULE, openedClass, openLab } from "./lib";

async function axe(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  expect(violations.map(violation => `${violation.id}: ${violation.nodes.map(node => node.target.join(" ")).slice(0, 4).join(" | ")}: ${violation.nodes[0]?.failureSummary ?? ""}`), name).toEqual([]);
}

for (const language of ["en", "ms"] as const) for (const colorScheme of ["light", "dark"] as const)
  test(`U05 axe finds nothing: ${language}, ${colorScheme}`, async ({ browser }) => {
    const nobody = await browser.newContext({ colorScheme }), out = await nobody.newPage();
    if (language === "ms") { await out.goto("/"); await out.locator('form.switch button[value="ms"]').click(); await expect(out.locator("html")).toHaveAttribute("lang", "ms"); }
    for (const path of ["/", "/j", "/signin"]) {
      await out.goto(path);
      await out.waitForLoadState("networkidle");
      await axe(out, path);
    }
    await nobody.close();
    const context = await learner(browser, { language, colorScheme }), page = await context.newPage();
    for (const path of [`/learn/${MODULE}`, "/me"]) {
      await page.goto(path);
      if (path.startsWith("/learn")) { await page.locator(".quiz").first().scrollIntoViewIfNeeded(); await expect(page.locator(".quiz input").first()).toBeVisible(); }
      await page.waitForLoadState("networkidle");
      await axe(page, path);
    }
    await page.close();
    const lab = await openLab(context);
    await axe(lab, "lab");
    await checkNow(lab, /^(Apply and check|Check|Guna dan semak|Semak)$/);
    await axe(lab, "verdict");
    if (colorScheme === "light") for (const open of [/^(Reset|Set semula)$/, /^kubectl$/]) {
      await lab.locator(".lab-bar").getByRole("button", { name: open }).click();
      await expect(lab.getByRole("dialog")).toBeVisible();
      await axe(lab, `dialog ${open}`);
      await lab.keyboard.press("Escape");
    }
    await context.close();
  });

test("U05 axe finds nothing on the staff's pages", async ({ browser }) => {
  const context = await browser.newContext(), page = await context.newPage(), { admin } = openedClass();
  await page.goto("/signin");
  await page.locator('input[name="name"]').fill(admin.name);
  await page.locator('input[name="password"]').fill(admin.password);
  await page.locator('[data-form="signin"] button').click();
  await expect(page.locator(".who")).toHaveText(admin.name);
  for (const path of ["/workshops", "/status"]) { await page.goto(path); await page.waitForLoadState("networkidle"); await axe(page, path); }
  await context.close();
});

test("U17 what can be pressed is 24 by 24 pixels, or a link in a line", async ({ browser }) => {
  const context = await learner(browser), page = await context.newPage();
  const small = () => page.evaluate(() => [...document.querySelectorAll<HTMLElement>("a, button, summary, input, select, [role=separator]")].filter(element => {
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (!box.width || !box.height || style.visibility === "hidden" || element.closest(".sr, .cm-editor") || element.classList.contains("skip")) return false;
    if (element.tagName === "INPUT" && element.closest("label")) return element.closest("label")!.getBoundingClientRect().height < 24;
    if (element.tagName === "A" && style.display === "inline") return false;
    if (element.getAttribute("role") === "separator") return false;
    return box.width < 24 || box.height < 24;
  }).map(element => element.outerHTML.slice(0, 100)));
  for (const path of ["/", `/learn/${MODULE}`, "/j", "/me"]) { await page.goto(path); await page.waitForLoadState("networkidle"); expect(await small(), path).toEqual([]); }
  await page.goto(`/lab/${LAB}`);
  const start = page.locator(".ahead .primary");
  await expect(start).toBeVisible();
  expect(await small(), "lab").toEqual([]);
  await context.close();
});

test("U16 along the whole Tab order nothing that has the focus is hidden", async ({ page }) => {
  for (const path of ["/", `/learn/${MODULE}`, "/j"]) {
    await page.goto(path);
    await page.waitForLoadState("networkidle");
    const stops = new Set<string>();
    for (let press = 0; press < 150; press++) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => {
        const element = document.activeElement as HTMLElement | null;
        if (!element || element === document.body) return null;
        const box = element.getBoundingClientRect(), x = Math.min(Math.max(box.left + Math.min(box.width / 2, 20), 0), innerWidth - 1), y = box.top + Math.min(box.height / 2, 12), top = document.elementFromPoint(x, y);
        return { name: `${element.tagName} ${element.textContent?.slice(0, 40)} ${box.top}`, seen: box.bottom > 0 && box.top < innerHeight && !!top && (element.contains(top) || top.contains(element)) };
      });
      if (!at || stops.has(at.name)) break;
      stops.add(at.name);
      expect(at.seen, `${path}: ${at.name}`).toBe(true);
    }
    expect(stops.size, path).toBeGreaterThan(5);
  }
});
