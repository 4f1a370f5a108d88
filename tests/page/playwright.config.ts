// One worker: the tests share a server and a cluster of two cores. Everything waits on conditions; the limits here are only how long one may wait.
import { defineConfig } from "@playwright/test";

const base = process.env.MAKMAL_URL ?? "http://127.0.0.1:8080";
export default defineConfig({
  testDir: ".",
  outputDir: process.env.MAKMAL_RESULTS ?? "test-results",
  workers: 1,
  fullyParallel: false,
  retries: 0,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    baseURL: base,
    viewport: { width: 1280, height: 860 },
    locale: "en-GB",
    colorScheme: "light",
    screenshot: "only-on-failure",
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] },
  },
  projects: [
    { name: "first", testMatch: "first.spec.ts" },
    { name: "page", testMatch: /(reading|lab|keyboard|access|live|away|coming|regrade)\.spec\.ts/, dependencies: ["first"] },
    { name: "story", testMatch: "story.spec.ts", dependencies: ["first"] },
  ],
});
