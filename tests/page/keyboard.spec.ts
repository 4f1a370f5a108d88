// keyboard: the lab without a mouse.
import { expect, test } from "@playwright/test";
import { editorText, learner, openLab, pickFile } from "./lib";

test("U13 Tab indents; after Ctrl+M it leaves, also much later; the mode is named and kept", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  await pickFile(page, "services.yaml");
  const before = await editorText(page), mode = page.locator(".tab-mode");
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("Tab");
  await expect.poll(() => editorText(page)).toBe(`  ${before}`);
  await expect(page.locator(".cm-content")).toBeFocused();
  await expect(mode).toContainText("Tab indents");
  await page.keyboard.press("Control+m");
  await expect(mode).toContainText("Tab moves on");
  await page.waitForTimeout(5000); // the editor's own mode would have ended by now
  await page.keyboard.press("Tab");
  await expect(page.locator(".cm-content")).not.toBeFocused();
  expect(await editorText(page)).toBe(`  ${before}`);
  await page.reload();
  await expect(mode, "the choice is kept").toContainText("Tab moves on");
  const described = await page.locator(".cm-content").getAttribute("aria-describedby");
  await expect(page.locator(`[id="${described}"]`)).toContainText("Tab moves on");
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+m");
  await expect(mode).toContainText("Tab indents");
  await context.close();
});

test("U14 F6 goes round the panes, Shift+F6 back, from the editor too", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  const where = () => page.evaluate(() => document.activeElement?.closest(".pane")?.id ?? "");
  await page.locator("#pane-text").focus();
  await page.keyboard.press("F6");
  await expect.poll(where).toBe("pane-editor");
  await expect(page.locator(".cm-content")).toBeFocused();
  await page.keyboard.press("F6");
  await expect.poll(where).toBe("pane-objects");
  await page.keyboard.press("F6");
  await expect.poll(where).toBe("pane-text");
  await page.keyboard.press("Shift+F6");
  await expect.poll(where).toBe("pane-objects");
  await page.keyboard.press("Shift+F6");
  await expect.poll(where).toBe("pane-editor");
  await context.close();
});

test("U15 the splitters have a value and move by keys; presets need no dragging", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  for (const [name, more, less] of [["Width of the instructions", "ArrowRight", "ArrowLeft"], ["Height of the editor", "ArrowDown", "ArrowUp"]] as const) {
    const splitter = page.getByRole("separator", { name });
    const value = async () => Number(await splitter.getAttribute("aria-valuenow"));
    await splitter.focus();
    const begin = await value();
    await page.keyboard.press(more);
    await expect.poll(value).toBe(begin + 2);
    await page.keyboard.press(less);
    await page.keyboard.press(less);
    await expect.poll(value).toBe(begin - 2);
    await page.keyboard.press("Home");
    const lowest = await value();
    await page.keyboard.press("End");
    await expect.poll(value).toBeGreaterThan(lowest);
    await page.keyboard.press("Enter");
    await expect.poll(value, "Enter folds").toBe(lowest);
    await page.keyboard.press("Enter");
    await expect.poll(value, "and unfolds").toBeGreaterThan(lowest);
  }
  const width = async () => (await page.locator("#pane-text").boundingBox())!.width;
  await page.getByRole("button", { name: "Read" }).click();
  const wide = await width();
  await page.getByRole("button", { name: "Code" }).click();
  await expect.poll(width).toBeLessThan(wide - 100);
  await expect(page.getByRole("button", { name: "Code" })).toHaveAttribute("aria-pressed", "true");
  await context.close();
});

test("U18 dialogs hold the focus, close on Esc, and give it back", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  for (const name of ["Reset", "kubectl"]) {
    const button = page.locator(".lab-bar").getByRole("button", { name, exact: true });
    await button.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await expect(dialog).toBeVisible();
    for (let press = 0; press < 25; press++) {
      await page.keyboard.press("Tab");
      expect(await page.evaluate(() => { const at = document.activeElement; return !at || at === document.body || !!at.closest("dialog"); }), `${name}, stop ${press}`).toBe(true);
    }
    await page.keyboard.press("Escape");
    await expect(dialog).toHaveCount(0);
    await expect(button).toBeFocused();
  }
  await context.close();
});
