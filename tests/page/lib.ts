// lib: what the tests share: the class that first.spec.ts opened, learners, the lab, and watching a page for what it must never do.
import { type Browser, type BrowserContext, expect, type Page } from "@playwright/test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const work = process.env.MAKMAL_WORK ?? "/tmp";
export const base = process.env.MAKMAL_URL ?? "http://127.0.0.1:8080";
export const LAB = "mend-selector", MODULE = "services";
const notes = join(work, "class.json");
export interface Class { code: string; admin: { name: string; password: string } }
export const openedClass = (): Class => JSON.parse(readFileSync(notes, "utf8"));
export const keepClass = (of: Class) => writeFileSync(notes, JSON.stringify(of));

/** Everything that a page must never do is gathered, and asked for at the end of a test. */
export interface Watch { violations: string[]; sockets: string[]; foreign: string[]; errors: string[] }
export async function watch(page: Page, origin = base): Promise<Watch> {
  const seen: Watch = { violations: [], sockets: [], foreign: [], errors: [] };
  await page.exposeFunction("__violation", (text: string) => { seen.violations.push(text); });
  await page.addInitScript(() => { document.addEventListener("securitypolicyviolation", event => (window as any).__violation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`)); });
  page.on("websocket", socket => seen.sockets.push(socket.url()));
  page.on("request", request => { if (!request.url().startsWith(origin) && !/^(data|blob|about):/.test(request.url())) seen.foreign.push(request.url()); });
  page.on("pageerror", error => seen.errors.push(String(error.stack ?? error)));
  return seen;
}
export function expectClean(seen: Watch): void {
  expect(seen.errors, "errors in scripts").toEqual([]);
  expect(seen.violations, "violations of the policy").toEqual([]);
  expect(seen.sockets, "WebSockets").toEqual([]);
  expect(seen.foreign, "requests that leave the origin").toEqual([]);
}

let serial = 0;
/** A learner of the class, joined through the API; language and theme as wanted. */
export async function learner(browser: Browser, options: { language?: "en" | "ms"; name?: string } & Parameters<Browser["newContext"]>[0] = {}): Promise<BrowserContext> {
  const { language = "en", name = `Aina ${process.pid}-${++serial}`, ...rest } = options;
  const context = await browser.newContext(rest);
  const answer = await context.request.post("/api/v1/joins", { data: { code: openedClass().code, name, language }, headers: { Origin: base } });
  expect(answer.status(), await answer.text()).toBe(201);
  return context;
}
export async function csrf(context: BrowserContext): Promise<string> { return (await (await context.request.get("/api/v1/me")).json()).csrf; }

/** A page with the lab's workspace, its namespace ready and its objects there. */
export async function openLab(context: BrowserContext, lab = LAB): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`/lab/${lab}`);
  await startLab(page);
  return page;
}
export async function startLab(page: Page): Promise<void> {
  const start = page.locator(".ahead .primary"), workspace = page.locator(".workspace");
  await expect(start.or(workspace).first()).toBeVisible();
  if (await start.isVisible()) await start.click();
  await expect(workspace).toBeVisible();
  await expect(page.locator(".cm-content")).toBeVisible();
  await expect(page.locator(".lab-bar").getByText(/\d+ of \d+ refused|\d+ daripada \d+ ditolak/)).toBeVisible({ timeout: 120_000 });
  await expect(page.locator(".pane-objects tr.object").first()).toBeVisible({ timeout: 60_000 });
}
/** The whole text of the file that is shown, as the editor holds it. */
export async function editorText(page: Page): Promise<string> {
  return page.locator(".cm-content").evaluate(content => (content as any).cmTile?.view?.state.doc.toString() ?? (content as any).cmView.view.state.doc.toString());
}
/** Replaces the text of the file that is shown. Pasting is one change, as a learner would do it. */
export async function type(page: Page, text: string): Promise<void> {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(text);
  await expect.poll(() => editorText(page)).toBe(text);
}
export const saved = (page: Page) => expect(page.locator(".saved")).toHaveAttribute("data-saved", "saved");
export async function pickFile(page: Page, name: string): Promise<void> {
  await page.locator(".pane-editor").getByRole("tab", { name }).click();
  await expect(page.locator(".pane-editor").getByRole("tab", { name })).toHaveAttribute("aria-selected", "true");
}
/** Presses Check and waits for the verdict of a new submission. */
export async function checkNow(page: Page, button: RegExp = /^(Apply and check|Check|Check again)$/): Promise<void> {
  const headline = page.locator(".headline strong"), before = (await headline.count()) ? (await headline.textContent())! : "\u0000";
  await page.locator(".check-bar").getByRole("button", { name: button }).first().click();
  await expect(headline).not.toHaveText(before, { timeout: 60_000 });
  await expect(page.locator(".checks")).toHaveAttribute("aria-busy", "false", { timeout: 150_000 });
}
/** The files of the lab, both faults mended. front, back: what the selectors are to be. */
export function services(front: string, back: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata:\n  name: front\nspec:\n  selector:\n    ${front}\n  ports:\n  - port: 80\n    targetPort: 80\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: back\nspec:\n  selector:\n    ${back}\n  ports:\n  - port: 80\n    targetPort: 80\n`;
}
/** The learner's own number, from the text of the Deployments. */
export async function numberOf(page: Page): Promise<string> {
  await pickFile(page, "deployments.yaml");
  const text = await editorText(page);
  await pickFile(page, "services.yaml");
  const found = /app: front-(\d+)/.exec(text);
  expect(found, "deployments.yaml names the learner's number").toBeTruthy();
  return found![1]!;
}
