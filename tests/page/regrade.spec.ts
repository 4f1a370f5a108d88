// regrade: an instructor sees a wrong check, previews who gains and who loses, is asked for a reason, carries it out; a learner sees nothing of it but the
// new verdict. On a server of its own, whose one lab the test changes.
import AxeBuilder from "@axe-core/playwright";
import { type APIRequestContext, type Browser, type BrowserContext, expect, type Page, test } from "@playwright/test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expectClean, watch, work } from "./lib";

const url = process.env.MAKMAL_REGRADE_URL!, script = join(work, "regrade-labs/practice/first/good/checks.lua");
test.use({ baseURL: url });

async function axe(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  expect(violations.map(violation => `${violation.id}: ${violation.nodes.map(node => node.target.join(" ")).slice(0, 4).join(" | ")}: ${violation.nodes[0]?.failureSummary ?? ""}`), name).toEqual([]);
}

async function hands_in(browser: Browser, name: string, value: string): Promise<{ context: BrowserContext; request: APIRequestContext; id: string }> {
  const context = await browser.newContext({ baseURL: url }), request = context.request, headers = { Origin: url, "X-Makmal-Token": "" };
  const joined = await request.post("/api/v1/joins", { data: { code: process.env.MAKMAL_REGRADE_CODE, name, language: "en" }, headers: { Origin: url } });
  expect(joined.status(), await joined.text()).toBe(201);
  headers["X-Makmal-Token"] = (await joined.json()).csrf;
  const { attempt } = await (await request.post("/api/v1/labs/good/attempts", { data: {}, headers })).json();
  const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${attempt.params.app} }\ndata: { token: ${value} }\n`;
  const taken = await request.post(`/api/v1/attempts/${attempt.id}/submissions`, { data: { files: [{ name: "map.yaml", text }] }, headers });
  expect(taken.status(), await taken.text()).toBe(202);
  const { id } = (await taken.json()).submission;
  await expect.poll(async () => (await (await request.get(`/api/v1/submissions/${id}`)).json()).submission.state).toBe("graded");
  return { context, request, id };
}

async function signs_in(browser: Browser, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
  const context = await browser.newContext({ baseURL: url, ...options }), page = await context.newPage();
  await page.goto("/signin");
  await page.locator('input[name="name"]').fill("Cikgu Siti");
  await page.locator('input[name="password"]').fill("sebelas-kuda-hijau");
  await page.locator('[data-form="signin"] button').click();
  await expect(page.locator(".who")).toHaveText("Cikgu Siti");
  return page;
}

test("an instructor previews, gives a reason, and grades again; the drawing says it in shape, mark and word", async ({ browser }) => {
  const aina = await hands_in(browser, "Aina", "abc"), ben = await hands_in(browser, "Ben", "xyz");
  writeFileSync(script, readFileSync(script, "utf8").replace('equals("abc")', 'equals("xyz")'));
  process.kill(Number(readFileSync(join(work, "regrade.pid"), "utf8")), "SIGHUP");

  const page = await signs_in(browser), seen = await watch(page, url);
  await expect.poll(async () => (await (await page.request.get("/api/v1/labs/good/regrading")).json()).earlier).toBe(2);
  await page.goto("/regrades");
  await axe(page, "overview");
  await page.getByRole("link", { name: "A good lab" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("A good lab");
  await expect(page.getByText("2 of them with an earlier version")).toBeVisible();
  await axe(page, "a lab's checks");
  await page.getByRole("button", { name: "Regrade: Its value is right" }).click();

  // the preview comes by itself: the stream tells the page when it is ready
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Preview: who gains, who loses");
  await expect(page.getByText("Nothing has been written")).toBeVisible();
  await expect(page.locator("tr.change-up")).toContainText("Ben");
  await expect(page.locator("tr.change-up")).toContainText("2 → 5 of 5");
  await expect(page.locator("tr.change-held")).toContainText("Aina");
  const widths = await page.locator("tr.change-up svg.move rect").evaluateAll(rects => rects.map(rect => [rect.getAttribute("class"), rect.getAttribute("x"), rect.getAttribute("width")]));
  expect(widths, "the bar reaches to the new points, the line stands at the old").toEqual([["track", "0", "1000"], ["part-up", "0", "1000"], ["was", "400", "6"]]);
  await expect(page.locator(".stack").first()).toHaveAttribute("aria-label", /1 people gain|one person gains/);
  expect(await page.locator(".stack").first().evaluate(svg => svg.getBoundingClientRect().width), "it is drawn").toBeGreaterThan(200);
  await axe(page, "preview");

  await page.getByLabel("Reason, in words").fill("   ");
  await page.getByRole("button", { name: "Grade again now" }).click();
  await expect(page.getByRole("alert")).toContainText("Write the reason in words");
  await page.getByLabel("Reason, in words").fill("The check wanted the value of another lab");
  await page.getByRole("button", { name: "Grade again now" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Graded again");
  await expect(page.getByText("The check wanted the value of another lab")).toBeVisible();
  await axe(page, "result");
  await page.goto("/regrades");
  await expect(page.getByRole("table", { name: "What was graded again" })).toContainText("The check wanted the value of another lab");

  const of = async (who: typeof aina) => (await who.request.get(`/api/v1/submissions/${who.id}`)).json();
  expect((await of(ben)).submission.earned).toBe("5");
  expect((await of(aina)).grades.map((grade: { earned: string }) => grade.earned), "both grades are there").toEqual(["2", "5"]);
  expectClean(seen);
  await page.context().close();

  const malay = await signs_in(browser, { colorScheme: "dark", viewport: { width: 360, height: 740 } });
  await malay.goto("/regrades");
  await malay.locator('form.switch button[value="ms"]').click();
  await expect(malay.locator("html")).toHaveAttribute("lang", "ms");
  await axe(malay, "Malay, dark, narrow");
  await malay.goto("/regrades/lab/good");
  await malay.getByRole("button", { name: "Pratonton semua semakan" }).click();
  await expect(malay.getByRole("heading", { level: 1 })).toHaveText("Pratonton: siapa mendapat, siapa kehilangan");
  await axe(malay, "preview in Malay, dark, narrow");
  expect(await malay.evaluate(() => document.documentElement.scrollWidth - innerWidth), "nothing leads out of a narrow page").toBeLessThanOrEqual(0);
  await malay.getByRole("button", { name: "Buang pratonton" }).click();
  await expect(malay).toHaveURL(/\/regrades$/);
  await malay.context().close();
});

test("a learner asks for a regrade, sees why the grade changed, and reads a refusal", async ({ browser }) => {
  writeFileSync(script, readFileSync(script, "utf8").replace('equals("abc")', 'equals("xyz")'));
  const reload = () => process.kill(Number(readFileSync(join(work, "regrade.pid"), "utf8")), "SIGHUP");
  reload();
  const staff = await signs_in(browser), chong = await hands_in(browser, "Chong", "abc"), page = await chong.context.newPage(), seen = await watch(page, url);
  if (await staff.locator("html").getAttribute("lang") === "ms") await staff.locator('form.switch button[value="en"]').click();      // a person's language stays
  await expect(staff.locator("html")).toHaveAttribute("lang", "en");
  await page.goto("/lab/good");
  await expect(page.locator(".headline")).toContainText("2 of 5 points");
  await expect(page.getByRole("heading", { name: "Why this grade changed" })).toHaveCount(0);
  await page.getByRole("button", { name: "Ask for a regrade" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Send" })).toHaveAttribute("aria-disabled", "true");
  await dialog.getByLabel("Your reason").fill("The text says abc");
  await axe(page, "asking");
  await dialog.getByRole("button", { name: "Send" }).click();
  await expect(page.locator(".appeal-box")).toContainText("Your instructor has not answered yet");
  await expect(page.getByRole("button", { name: "Ask for a regrade" })).toHaveCount(0);
  await page.reload();
  await expect(page.locator(".appeal-box")).toContainText("The text says abc");

  writeFileSync(script, readFileSync(script, "utf8").replace('equals("xyz")', 'equals("abc")'));
  reload();
  await staff.goto("/regrades");
  await expect(staff.locator(".appeal")).toContainText("The text says abc");
  await expect(staff.locator(".appeal")).toContainText("A good lab, hand-in 1: 2 of 5 points");
  await staff.locator(".appeal summary").click();
  await axe(staff, "asked for by learners");
  await staff.getByRole("button", { name: "Preview this lab graded again" }).click();
  await expect(staff.getByRole("heading", { level: 1 })).toHaveText("Preview: who gains, who loses");
  await staff.getByLabel("Reason, in words").fill("The check and the text differed");
  await staff.getByRole("button", { name: "Grade again now" }).click();
  await expect(staff.getByRole("heading", { level: 1 })).toHaveText("Graded again");

  // the learner's page hears of it by itself
  const history = page.getByRole("region", { name: "Why this grade changed" });
  await expect(history).toContainText("2 of 5 points became 5 of 5");
  await expect(history).toContainText("The check and the text differed");
  await expect(page.locator(".headline")).toContainText("5 of 5 points");
  await expect(page.locator(".appeal-box")).toContainText("Graded again as you asked");
  const drawn = await history.locator("svg.move rect").evaluateAll(rects => rects.map(rect => [rect.getAttribute("class"), rect.getAttribute("x"), rect.getAttribute("width")]));
  expect(drawn, "the bar reaches to the new points, the line stands at the old").toEqual([["track", "0", "1000"], ["part-up", "0", "1000"], ["was", "400", "6"]]);
  expect(await history.locator("svg.move").evaluate(svg => svg.getBoundingClientRect().width), "it is drawn").toBeGreaterThan(90);
  await axe(page, "why the grade changed");

  await page.getByRole("button", { name: "Ask for a regrade" }).click();
  await page.getByRole("dialog").getByLabel("Your reason").fill("Six of five, please");
  await page.getByRole("dialog").getByRole("button", { name: "Send" }).click();
  await expect(page.locator(".appeal-box")).toContainText("has not answered yet");
  await staff.goto("/regrades");
  await staff.locator(".appeal summary").click();
  await staff.getByLabel("Why not, in words").fill("There are five");
  await staff.getByRole("button", { name: "Refuse this request" }).click();
  await expect(staff.locator(".appeal")).toHaveCount(0);
  await expect(page.locator(".appeal-box")).toContainText("There are five");
  expectClean(seen);

  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 360, height: 740 });
  await page.locator('form.switch button[value="ms"]').click();
  await expect(page.locator("html")).toHaveAttribute("lang", "ms");
  await page.goto("/lab/good");
  await expect(page.locator(".appeal-box")).toContainText("Permintaan gred semula anda ditolak");
  await expect(page.locator(".grade-history")).toContainText("2 daripada 5 mata menjadi 5 daripada 5");
  await axe(page, "Malay, dark, narrow");
  await chong.context.close();
  await staff.context().close();
});
