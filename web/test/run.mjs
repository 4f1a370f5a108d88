// run: the tests of pure functions under node's own runner. TypeScript is bundled first, because the oldest Node we support cannot read it.
// Called by `node --test test/` it counts as one test of that run; node would skip the inner ones if it were not told otherwise.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url)), out = mkdtempSync(join(tmpdir(), "makmal-web-test-"));
process.chdir(join(here, ".."));
try {
  const tests = readdirSync(here).filter(name => name.endsWith(".test.ts"));
  await build({ absWorkingDir: join(here, ".."), entryPoints: tests.map(name => join("test", name)), bundle: true, platform: "browser", external: ["node:*"], format: "esm", target: "node18", outdir: out, outExtension: { ".js": ".mjs" }, logLevel: "warning", sourcemap: "inline" });
  process.exitCode = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...tests.map(name => join(out, name.replace(/\.ts$/, ".mjs")))], { stdio: "inherit", env: { ...process.env, NODE_TEST_CONTEXT: undefined } }).status ?? 1;
} finally { rmSync(out, { recursive: true, force: true }); }
