// reading: catalogue, module, join and progress: small, readable without scripts, in both languages, in every theme, on paper and on a phone.
import { expect, test } from "@playwright/test";
import { base, expectClean, LAB, learner, MODULE, openedClass, watch } from "./lib";

test("U01 U02 the first load is under 150 KB, leaves the origin nowhere, and brings no editor", async ({ page }) => {
  const seen = await watch(page), session = await page.context().newCDPSession(page), urls: string[] = [];
  let bytes = 0;
  await session.send("Network.enable");
  session.on("Network.loadingFinished", event => { bytes += event.encodedDataLength; });
  page.on("request", request => urls.push(request.url()));
  for (const path of ["/", `/learn/${MODULE}`]) {
    bytes = 0;
    await page.goto(path);
    await expect(page.locator('[data-slot="theme"] button')).toHaveCount(3);
    await page.waitForLoadState("networkidle");
    expect(bytes, `${path}: bytes over the wire`).toBeLessThan(150_000);
  }
  expect(urls.filter(url => /editor|\/main\.[A-Z0-9]+\.js|jetbrains/.test(url))).toEqual([]);
  expectClean(seen);
});

test("U03 without scripts a module reads, shows code and figures, and leads on", async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false }), page = await context.newPage();
  await page.goto(`/learn/${MODULE}`);
  await expect(page.locator("article h2").first()).toBeVisible();
  await expect(page.locator("article pre code").first()).toBeVisible();
  await expect(page.locator("article figure svg").first()).toBeVisible();
  await expect(page.locator(`article a[href="/lab/${LAB}"]`)).toBeVisible();
  const answer = page.locator(".quiz details").first();
  await answer.locator("summary").click();
  await expect(answer.locator("p").first()).toBeVisible();
  await page.goto(`/lab/${LAB}`);
  await expect(page.locator("#lab h2, #lab p").first()).toBeVisible();
  await page.goto("/j");
  await page.locator('form[data-form="join"] input[name="code"]').fill("00-00-00");
  await page.locator('form[data-form="join"] input[name="name"]').fill("Ben");
  await page.locator('form[data-form="join"] button').click();
  await expect(page.getByRole("alert"), "the form works without scripts, and says no").toBeVisible();
  await expect(page.locator('form[data-form="join"] input[name="name"]')).toHaveValue("Ben");
  await page.locator('form[data-form="join"] input[name="code"]').fill(openedClass().code);
  await page.locator('form[data-form="join"] button').click();
  await expect(page.locator(".once code")).toBeVisible();
  await page.locator(".once a.button").click();
  await expect(page.locator(".who")).toHaveText("Ben");
  await context.close();
});

test("U04 the policy stands on every response", async ({ page, request }) => {
  const wrong: string[] = [];
  page.on("response", response => { const policy = response.headers()["content-security-policy"] ?? ""; if (!/default-src 'none'/.test(policy) || /unsafe/.test(policy)) wrong.push(response.url()); });
  await page.goto("/");
  await page.goto(`/learn/${MODULE}`);
  await page.goto("/j");
  await page.waitForLoadState("networkidle");
  for (const path of ["/api/v1/cluster", "/nowhere", "/api/v1/nowhere", "/healthz"]) {
    const answer = await request.get(path, { maxRedirects: 0 });
    if (!/default-src 'none'/.test(answer.headers()["content-security-policy"] ?? "")) wrong.push(path);
    expect(answer.headers()["x-content-type-options"], path).toBe("nosniff");
  }
  expect(wrong).toEqual([]);
});

test("U06 BM: the document, the shell and the islands are Malay, the place is kept", async ({ page }) => {
  await page.goto(`/learn/${MODULE}`);
  await page.evaluate(() => scrollTo(0, 600));
  // pressed where the reader is: clicking by mouse would scroll up to it
  await page.locator('form.switch button[value="ms"]').evaluate((button: HTMLButtonElement) => button.click());
  await expect(page.locator("html")).toHaveAttribute("lang", "ms");
  await expect(page).toHaveURL(new RegExp(`/learn/${MODULE}$`));
  await expect(page.locator('[data-slot="theme"] button').nth(1)).toHaveText("Cerah");
  await expect.poll(() => page.evaluate(() => scrollY), "the same place is shown").toBeGreaterThan(300);
  await expect(page.locator(".bar nav")).toContainText("Sertai");
  await page.locator('form.switch button[value="en"]').click();
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
});

for (const width of [320]) test(`U07 no sideways scroll at ${width} px`, async ({ browser }) => {
  const context = await learner(browser, { viewport: { width, height: 640 } }), page = await context.newPage();
  for (const path of ["/", `/learn/${MODULE}`, "/j", "/me", "/status", "/signin", `/lab/${LAB}`]) {
    await page.goto(path);
    // a lab holds a stream, so its network is never idle
    if (path.startsWith("/lab")) await expect(page.locator(".ahead .primary")).toBeVisible();
    else await page.waitForLoadState("networkidle");
    expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(width);
  }
  await context.close();
});

test("U08 nothing is clipped at 200 % and with wide text spacing", async ({ browser }) => {
  const context = await browser.newContext({ viewport: { width: 640, height: 430 }, deviceScaleFactor: 2 }), page = await context.newPage();
  for (const path of ["/", `/learn/${MODULE}`, "/j"]) {
    await page.goto(path);
    await page.waitForLoadState("networkidle");
    await page.evaluate(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("*{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important} p{margin-bottom:2em!important}");
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    });
    const clipped = await page.evaluate(() => [...document.querySelectorAll<HTMLElement>("main *, .bar *, .foot *")].filter(element => {
      const style = getComputedStyle(element);
      if (element.closest("svg, .sr, pre, table") || element.classList.contains("who") || !element.textContent?.trim()) return false;
      return (style.overflowX === "hidden" && element.scrollWidth > element.clientWidth + 1) || (style.overflowY === "hidden" && element.scrollHeight > element.clientHeight + 1);
    }).map(element => element.outerHTML.slice(0, 120)));
    expect(clipped, path).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(640);
  }
  await context.close();
});

test("U09 the theme follows the system, then the choice, and survives a reload without a flash", async ({ browser }) => {
  const context = await browser.newContext({ colorScheme: "dark" }), page = await context.newPage();
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.goto("/");
  expect(await background()).toBe("rgb(16, 21, 28)");
  await page.locator('[data-slot="theme"]').getByRole("button", { name: "Light" }).click();
  expect(await background()).toBe("rgb(255, 255, 255)");
  // asked before anything but the blocking script in <head> has run
  await page.addInitScript(() => { new MutationObserver((_, observer) => { if (document.body) { (window as any).__early = document.documentElement.dataset.theme; observer.disconnect(); } }).observe(document, { childList: true, subtree: true }); });
  await page.reload();
  expect(await page.evaluate(() => (window as any).__early)).toBe("light");
  expect(await background()).toBe("rgb(255, 255, 255)");
  await page.locator('[data-slot="theme"]').getByRole("button", { name: "Auto" }).click();
  expect(await background()).toBe("rgb(16, 21, 28)");
  await context.close();
});

test("U10 on paper there is no chrome, links have addresses, code stays in its box", async ({ page }) => {
  await page.goto(`/learn/${MODULE}`);
  await expect(page.locator("article pre").first()).toBeVisible();
  await page.emulateMedia({ media: "print" });
  for (const chrome of [".bar", ".foot", ".toc"]) await expect(page.locator(chrome).first()).toBeHidden();
  await expect(page.locator("article h2").first()).toBeVisible();
  expect(await page.locator("article pre").first().evaluate(pre => getComputedStyle(pre).whiteSpace)).toBe("pre-wrap");
  const outside = page.locator('article a[href^="http"]');
  if (await outside.count()) expect(await outside.first().evaluate(link => getComputedStyle(link, "::after").content)).toContain("http");
});

test("U12 the first stop of Tab is the way to the text", async ({ page }) => {
  await page.goto(`/learn/${MODULE}`);
  await page.keyboard.press("Tab");
  await expect(page.locator(".skip")).toBeFocused();
  await expect(page.locator(".skip")).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.locator("#text")).toBeFocused();
});

test("a quiz says right, or why the other tempts, and speaks it", async ({ browser }) => {
  const context = await learner(browser), page = await context.newPage();
  await page.goto(`/learn/${MODULE}`);
  const quiz = page.locator(".quiz").first();
  await quiz.scrollIntoViewIfNeeded();
  const choices = quiz.getByRole("radio");
  await expect(choices.first()).toBeVisible();
  let right = 0, told = 0;
  for (let index = 0; index < await choices.count(); index++) {
    await choices.nth(index).check();
    await quiz.getByRole("button", { name: "Answer" }).click();
    const note = quiz.locator(".note");
    await expect(note).toBeVisible();
    if (await note.getAttribute("data-tone") === "pass") right++;
    else if ((await note.textContent())!.length > "Not this one · ".length) told++;
  }
  expect([right, told]).toEqual([1, await choices.count() - 1]);
  await context.close();
});

test("U20 Copy copies, and says so", async ({ page }) => {
  await page.goto(`/learn/${MODULE}`);
  const copy = page.locator("article .copy").first();
  await copy.scrollIntoViewIfNeeded();
  await copy.click();
  await expect(copy).toHaveText("Copied");
  await expect(page.getByRole("status").filter({ hasText: "Copied" })).toHaveCount(1);
  const expected = await page.locator("article pre:has(code)").filter({ has: page.locator("code") }).first().evaluate(() => document.querySelector("article [data-copied]")!.textContent!.replace(/\n$/, ""));
  // read back by pasting, because reading the clipboard is refused on plain HTTP
  await page.goto("/j");
  await page.locator('input[name="name"]').first().focus();
  await page.keyboard.press("Control+v");
  expect((await page.locator('input[name="name"]').first().inputValue()).replace(/\s/g, "")).toBe(expected.replace(/\s/g, ""));
});

test("U43 a wrong code is told at the field; a slow door says how long", async ({ page }) => {
  await page.goto("/j");
  const form = page.locator('[data-form="join"]');
  await form.locator('input[name="code"]').fill("zz-zz-zz");
  await form.locator('input[name="name"]').fill("Chong");
  await form.getByRole("button").click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(form.locator('input[name="code"]')).toBeFocused();
  await expect(form.locator('input[name="code"]')).toHaveAttribute("aria-invalid", "true");
});

test("another learner's attempt and a foreign page are refused in words", async ({ browser }) => {
  const context = await learner(browser), page = await context.newPage();
  await page.goto("/lab/no-such-lab");
  await expect(page.locator("h1")).toBeVisible();
  await page.goto("/workshops");
  await expect(page.locator('[data-form="workshop"]')).toHaveCount(0);
  const answer = await context.request.get("/api/v1/attempts/01k6z3aaaaaaaaaaaaaaaaaaaa");
  expect(answer.status()).toBe(404);
  expect((await answer.json()).error.message.length).toBeGreaterThan(5);
  expect(base).toContain("http");
  await context.close();
});
