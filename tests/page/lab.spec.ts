// lab: writing, trying, checking, hints, resets, time, kubeconfig, on the real cluster.
import { expect, test } from "@playwright/test";
import { readFileSync } from "node:fs";
import { checkNow, editorText, expectClean, learner, numberOf, openLab, pickFile, saved, services, startLab, type, watch, LAB } from "./lib";

test("U04 a whole walk through a lab breaks no rule of the policy and opens no WebSocket", async ({ browser }) => {
  const context = await learner(browser), page = await context.newPage(), seen = await watch(page);
  await page.goto(`/lab/${LAB}`);
  await startLab(page);
  await pickFile(page, "services.yaml");
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+f");
  await expect(page.locator(".cm-search")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+End");
  await page.keyboard.type("\n---\napiVersion: v1\nkind: Pod\nspec:\n  co", { delay: 20 });
  await expect(page.locator(".cm-tooltip-autocomplete")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.locator("tr.object button").first().click();
  await page.getByRole("button", { name: "Show YAML" }).click();
  await page.getByRole("button", { name: /refused/ }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await checkNow(page, /^(Check|Check only)$/);
  expectClean(seen);
  await context.close();
});

test("the proof of isolation can be opened: every act was refused", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  const button = page.getByRole("button", { name: /(\d+) of \1 refused/ });
  await button.click();
  const rows = page.getByRole("dialog").locator("tbody tr"), count = await rows.count();
  expect(count).toBeGreaterThan(5);
  await expect(page.getByRole("dialog").locator('[data-state="pass"]')).toHaveCount(count);
  await context.close();
});

test("U21 completion knows the fields of a container, with texts; Esc closes the list first", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  await pickFile(page, "services.yaml");
  await type(page, "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - ");
  await page.keyboard.press("Control+Space");
  const list = page.locator(".cm-tooltip-autocomplete");
  await expect(list).toBeVisible();
  await expect(list.getByRole("option", { name: /^image/ }).first()).toBeVisible();
  await expect(list.getByRole("option", { name: /^name/ })).toBeVisible();
  await expect(page.locator(".cm-completionInfo")).not.toBeEmpty();
  await page.keyboard.press("Escape");
  await expect(list).toHaveCount(0);
  await expect(page.locator(".cm-content")).toBeFocused();
  await context.close();
});

test("U22 a tab character is a Syntax problem on its line", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  await pickFile(page, "services.yaml");
  await type(page, "apiVersion: v1\nkind: Service\nspec:\n\ttype: ClusterIP\n");
  const problem = page.locator(".problem").filter({ hasText: "Syntax" });
  await expect(problem).toContainText("services.yaml:4");
  await expect(problem).toContainText("tab");
  await problem.click();
  await expect(page.locator(".cm-activeLine")).toContainText("type: ClusterIP");
  await context.close();
});

test("U23 a failed dry run marks the right line, labelled Cluster, and applies nothing", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  await pickFile(page, "services.yaml");
  const good = await editorText(page), lines = good.split("\n"), row = lines.findIndex((line, index) => line.includes("targetPort") && index > 10);
  expect(row).toBeGreaterThan(0);
  lines[row] = lines[row]!.replace(/targetPort:.*/, 'targetPort: "no such port!"');
  await type(page, lines.join("\n"));
  await page.keyboard.press("Control+s");
  const problem = page.locator(".problem").filter({ hasText: "Cluster" });
  await expect(problem.first()).toBeVisible({ timeout: 60_000 });
  await expect(problem.first()).toContainText(`services.yaml:${row + 1}`);
  await expect(page.locator(".cm-lintRange-error").first()).toBeVisible();
  await expect(page.locator(".problems summary")).toContainText("would refuse");
  await expect(page.locator('tr.object[data-kind="Service"][data-name="front"]')).toContainText("No endpoints");
  await context.close();
});

test("U24 U25 rows come with Where, Expected and Found; the text is read-only meanwhile; two presses are one submission; a repeat is spoken again", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  const posts: string[] = [], spoken: string[] = [];
  page.on("request", request => { if (request.method() === "POST" && /submissions$/.test(request.url())) posts.push(request.url()); });
  await page.exposeFunction("__said", (text: string) => { if (text) spoken.push(text); });
  await page.evaluate(() => { const region = document.querySelector('.sr[role="status"]')!; new MutationObserver(() => (window as any).__said(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true }); });
  await page.evaluate(() => { new MutationObserver(() => { if (document.querySelector('.checks[aria-busy="true"]') && document.querySelector('.cm-content[aria-readonly="true"]')) (window as any).__wasReadOnly = true; }).observe(document.body, { subtree: true, childList: true, attributes: true }); });
  const button = page.locator(".check-bar").getByRole("button", { name: "Check only" });
  await button.dblclick();
  await expect(page.locator(".headline strong")).toHaveText("Submission 1", { timeout: 60_000 });
  await expect(page.locator(".checks")).toHaveAttribute("aria-busy", "false", { timeout: 150_000 });
  expect(posts).toHaveLength(1);
  expect(await page.evaluate(() => (window as any).__wasReadOnly)).toBe(true);
  await expect(page.locator(".cm-content")).toHaveAttribute("aria-readonly", "false");
  const finding = page.locator('.check[data-check="selectors"] .finding').first();
  for (const word of ["Where", "Expected", "Found"]) await expect(finding.locator("dt", { hasText: word })).toBeVisible();
  await expect.poll(() => spoken.filter(text => /^Checked: \d+ of \d+/.test(text)).length).toBe(1);
  await checkNow(page, /^(Check only|Check again)$/);
  await expect.poll(() => spoken.filter(text => /^Checked: \d+ of \d+/.test(text)).length, "the same words are spoken again").toBe(2);
  await context.close();
});

test("U26 hint 2 is locked before its tries, opens after, and stays", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context), hints = page.locator(".lab-hints");
  await expect(hints.getByRole("button")).toHaveAttribute("aria-disabled", "true");
  await checkNow(page, /^(Check only|Check)$/);
  await expect(hints.getByRole("button", { name: "Show hint 1 of 3" })).not.toHaveAttribute("aria-disabled", "true");
  await hints.getByRole("button", { name: "Show hint 1 of 3" }).click();
  await expect(hints.locator("li")).toHaveCount(1);
  const locked = hints.getByRole("button", { name: "Show hint 2 of 3" });
  await expect(locked).toHaveAttribute("aria-disabled", "true");
  await expect(hints.locator(".facts")).toContainText(/1 more try|1 to go/);
  await checkNow(page, /^(Check only|Check again)$/);
  await expect(locked).not.toHaveAttribute("aria-disabled", "true");
  await locked.click();
  await expect(hints.locator("li")).toHaveCount(2);
  await page.reload();
  await expect(hints.locator("li"), "opened ones stay").toHaveCount(2, { timeout: 60_000 });
  await context.close();
});

test("U27 text that is saved is there in another browser", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  const joined = await context.storageState(), mark = `# written at ${Date.now()}`;
  await pickFile(page, "services.yaml");
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+End");
  await page.keyboard.insertText(`\n${mark}\n`);
  await expect(page.locator(".saved")).toHaveAttribute("data-saved", /dirty|saving/);
  await saved(page);
  await expect(page.locator(".saved")).toContainText(/Saved \d\d:\d\d/);
  const other = await browser.newContext({ storageState: { cookies: joined.cookies, origins: [] } }), there = await other.newPage();
  await there.goto(`/lab/${LAB}`);
  await pickFile(there, "services.yaml");
  await expect.poll(() => editorText(there)).toContain(mark);
  await other.close();
  await context.close();
});

test("text that did not reach the server is found again in this browser", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  await pickFile(page, "services.yaml");
  await page.route("**/draft", route => (route.request().method() === "PUT" ? route.abort() : route.continue()));
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+End");
  await page.keyboard.insertText("\n# only here\n");
  await expect(page.locator(".saved")).toHaveAttribute("data-saved", "failed");
  await page.unroute("**/draft");
  await page.goto("about:blank");
  await page.goto(`/lab/${LAB}`);
  await pickFile(page, "services.yaml");
  await expect.poll(() => editorText(page)).toContain("# only here");
  await saved(page);
  await context.close();
});

test("U28 a reset lists the loss; Cancel does nothing; the text comes back; the namespace goes back to its start", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  await pickFile(page, "services.yaml");
  const starter = await editorText(page), number = await numberOf(page), mine = services(`app: front-${number}`, `app: back-${number}`);
  await type(page, mine);
  await page.getByRole("button", { name: "Apply", exact: true }).click();
  const front = page.locator('tr.object[data-kind="Service"][data-name="front"]');
  await expect(front).toContainText("2 of 2 endpoints ready", { timeout: 60_000 });

  const open = page.locator(".lab-bar").getByRole("button", { name: "Reset", exact: true }), dialog = page.getByRole("dialog");
  await open.click();
  await expect(dialog).toContainText("services.yaml");
  await page.keyboard.press("Escape");
  expect(await editorText(page)).toBe(mine);

  await open.click();
  await dialog.getByRole("button", { name: "Reset the text" }).click();
  await expect.poll(() => editorText(page)).toBe(starter);
  await page.locator(".notices").getByRole("button", { name: "Bring my text back" }).click();
  await expect.poll(() => editorText(page)).toBe(mine);

  await open.click();
  const doIt = dialog.getByRole("button", { name: "Reset the namespace" });
  await expect(doIt, "not before the lab's name is typed").toHaveAttribute("aria-disabled", "true");
  await dialog.getByLabel(/type the name of the lab/).fill("mend the selectors");
  await doIt.click();
  await expect(front).toContainText("No endpoints", { timeout: 120_000 });
  expect(await editorText(page), "the text stays").toBe(mine);
  await context.close();
});

test("U29 five minutes left is announced; extending keeps the focus", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  // the answers say that little time is left; nothing else of them is changed
  await page.route(`**/api/v1/labs/${LAB}`, async route => {
    const answer = await route.fetch(), body = await answer.json();
    if (body.attempt) body.attempt.expires_ms = body.attempt.now_ms + 5 * 60_000 + 4000;
    await route.fulfill({ response: answer, json: body });
  });
  await page.route("**/api/v1/live?**", route => route.fulfill({ status: 503, headers: { "Retry-After": "60" } }));
  await page.reload();
  await expect(page.locator(".notices")).toContainText("5 minutes left", { timeout: 30_000 });
  await expect(page.locator(".time-left")).toHaveAttribute("data-short", "");
  const extend = page.getByRole("button", { name: "Extend the time" });
  await extend.focus();
  await page.keyboard.press("Enter");
  await expect(page.locator(".time-left")).not.toHaveAttribute("data-short", "");
  await expect(extend).toBeFocused();
  await context.close();
});

test("U30 the kubeconfig has server, namespace, CA and an expiry; its page has three systems' lines", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  const namespace = (await page.locator(".lab-namespace code").textContent())!;
  await page.locator(".lab-bar").getByRole("button", { name: "kubectl" }).click();
  const dialog = page.getByRole("dialog");
  for (const line of ["export KUBECONFIG=", "$env:KUBECONFIG = ", "set KUBECONFIG=", "kubectl auth whoami"]) await expect(dialog).toContainText(line);
  await expect(dialog, "on plain HTTP a warning comes first").toContainText("plain HTTP");
  const link = dialog.getByRole("link", { name: /Download/ });
  await expect(link).toBeVisible({ timeout: 60_000 });
  await expect(dialog).toContainText(/minutes? from now/);
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  expect(download.suggestedFilename()).toBe(`makmal-${namespace}.yaml`);
  const text = readFileSync(await download.path(), "utf8");
  expect(text).toContain(`namespace: ${namespace}`);
  expect(text).toMatch(/certificate-authority-data:|certificate-authority:/);
  expect(text).toMatch(/server: "?https:\/\//);
  expect(text).toMatch(/token:/);
  await context.close();
});

test("files: added, named, refused, removed", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context), dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Add a file" }).click();
  await dialog.getByLabel("File name").fill("Bad Name.yaml");
  await dialog.getByRole("button", { name: "Add" }).click();
  await expect(dialog.getByRole("alert")).toBeVisible();
  await dialog.getByLabel("File name").fill("extra.yaml");
  await dialog.getByRole("button", { name: "Add" }).click();
  const tab = page.locator(".pane-editor").getByRole("tab", { name: "extra.yaml" });
  await expect(tab).toHaveAttribute("aria-selected", "true");
  await saved(page);
  await page.getByRole("button", { name: "Remove extra.yaml" }).click();
  await dialog.getByRole("button", { name: "Remove file" }).click();
  await expect(tab).toHaveCount(0);
  await context.close();
});

test("a manifest that cannot be read is refused with file and line; nothing is graded and no try is used", async ({ browser }) => {
  const context = await learner(browser), page = await openLab(context);
  await pickFile(page, "services.yaml");
  await type(page, "apiVersion: v1\nkind: Service\nmetadata:\n  name: front\n  name: back\n");
  await checkNow(page, /^(Check only|Check)$/);
  await expect(page.locator(".verdict .note").first()).toContainText("could not be read");
  const finding = page.locator('.verdict > .findings .finding[data-key="yaml.duplicate-key"]');
  await expect(finding).toContainText("services.yaml:5");
  await expect(page.locator(".lab-hints").getByRole("button")).toHaveAttribute("aria-disabled", "true");
  await context.close();
});
