// build: src/ and words/ into dist/: bundles with content hashes, .gz siblings, manifest.json, licences. Fails on a type error, on words that lack a
// language or that nobody uses, and when a page grows past its ceiling. `node build.mjs [--no-types]`
import { build } from "esbuild";
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
process.chdir(here);
// gzip -9, in kilobytes of 1000 bytes. `html` is the share of the document itself, which C makes.
const ceiling = { first: 150, lab: 420 }, html = 12;
const die = message => { console.error(`web: ${message}`); process.exitCode = 1; };
const types = process.argv.includes("--no-types") ? Promise.resolve(0) : new Promise(done =>
  spawn(process.execPath, ["node_modules/typescript/bin/tsc", "--noEmit", "-p", "."], { stdio: "inherit" }).on("exit", done));

// --- words: every file of words/ in the form {key: {en, ms}}. The page's own begin with "page.", and are named without it in src/; a chunk holds those
// that its part of src/ names. field.* are named by src/lab/fields.ts as a whole. ---
const walk = folder => readdirSync(folder, { withFileTypes: true }).flatMap(entry =>
  entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)]).sort();
const catalogue = {};
for (const file of walk("words").filter(name => name.endsWith(".json"))) Object.assign(catalogue, JSON.parse(readFileSync(file, "utf8")));
const named = { app: new Set(), lab: new Set() };
for (const file of walk("src").filter(name => /\.tsx?$/.test(name))) {
  const text = readFileSync(file, "utf8");
  for (const [, key] of text.matchAll(/["'`]([a-z0-9-]+(?:\.[A-Za-z0-9-]+)+)["'`]/g))
    if (`page.${key}` in catalogue) named[file.startsWith("src/lab/") ? "lab" : "app"].add(key);
  for (const [, key] of text.matchAll(/\b(?:t|tx)\(\s*["'`]([^"'`$]+)["'`]/g)) if (!(`page.${key}` in catalogue)) die(`${file}: no words for "page.${key}"`);
}
for (const key of Object.keys(catalogue)) if (key.startsWith("page.field.")) named.lab.add(key.slice(5));
for (const key of named.app) named.lab.delete(key);
for (const [key, entry] of Object.entries(catalogue).filter(([name]) => name.startsWith("page."))) {
  if (!entry.en || !entry.ms) die(`words: "${key}" lacks a language`);
  const holes = text => JSON.stringify([...new Set(JSON.stringify(text).match(/\{[a-z_]+\}/g) ?? [])].sort());
  if (holes(entry.en) !== holes(entry.ms)) die(`words: "${key}" has other {parameters} in ms than in en`);
  if (!named.app.has(key.slice(5)) && !named.lab.has(key.slice(5))) die(`words: nobody uses "${key}"`);
}
const words = { name: "words", setup(b) {
  b.onResolve({ filter: /^words:/ }, args => ({ path: args.path.slice(6), namespace: "words" }));
  b.onLoad({ filter: /.*/, namespace: "words" }, args => {
    const [part, lang] = args.path.split("-").slice(1);
    return { loader: "js", contents: `export default ${JSON.stringify(Object.fromEntries([...named[part]].sort().map(key => [key, catalogue[`page.${key}`][lang]])))}` };
  });
} };

// --- bundles ---
const out = "dist.new";
rmSync(out, { recursive: true, force: true });
const common = { absWorkingDir: here, bundle: true, minify: true, metafile: true, outdir: out, target: "es2022", charset: "utf8", legalComments: "none", logLevel: "warning",
  entryNames: "[name].[hash]", chunkNames: "[name].[hash]", assetNames: "[name].[hash]", loader: { ".woff2": "file", ".svg": "file" }, plugins: [words],
  jsx: "automatic", jsxImportSource: "preact", define: { "process.env.NODE_ENV": '"production"' } };
const results = await Promise.all([
  build({ ...common, entryPoints: { app: "src/shell/main.tsx" }, format: "esm", splitting: true }),
  build({ ...common, entryPoints: { theme: "src/shell/theme.ts" }, format: "iife" }),
  build({ ...common, entryPoints: { app: "src/style/app.css" } }),
]);
const outputs = Object.assign({}, ...results.map(result => result.metafile.outputs));
const manifest = {};
const bare = path => path.slice(out.length + 1);
const entries = { "src/shell/main.tsx": "app.js", "src/shell/theme.ts": "theme.js", "src/style/app.css": "app.css", "src/lab/main.tsx": "lab.js", "src/lab/editor.ts": "editor.js" };
for (const [path, output] of Object.entries(outputs)) {
  const entry = output.entryPoint ?? "", part = /^words:words-(app|lab)-(en|ms)$/.exec(entry);
  if (entries[entry]) manifest[entries[entry]] = bare(path);
  if (part) manifest[part[1] === "app" ? `words.${part[2]}.js` : `words.lab.${part[2]}.js`] = bare(path);
}
const add = (name, bytes) => {
  const [stem, end] = name.split("."), file = `${stem}.${createHash("sha256").update(bytes).digest("hex").slice(0, 8).toUpperCase()}.${end}`;
  writeFileSync(join(out, file), bytes);
  manifest[name] = file;
};
add("icon.svg", readFileSync("src/icons/icon.svg"));
const packages = [...new Set(results.flatMap(result => Object.keys(result.metafile.inputs)).map(path => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]).filter(Boolean))].sort();
add("licences.txt", packages.map(name => {
  const file = ["LICENSE", "LICENSE.md", "LICENCE"].map(n => join("node_modules", name, n)).find(existsSync);
  return `${name} ${JSON.parse(readFileSync(join("node_modules", name, "package.json"), "utf8")).version}\n\n${file ? readFileSync(file, "utf8") : ""}`;
}).join("\n\n----------------------------------------\n\n"));

// --- sizes: what a first page loads, and what a lab loads on top ---
const size = path => { const bytes = readFileSync(path); return (path.endsWith(".woff2") ? bytes : gzipSync(bytes, { level: 9 })).length / 1000; };
const closure = (paths, seen = new Set()) => {
  for (const path of paths) if (path && !seen.has(path)) {
    seen.add(path);
    closure((outputs[path]?.imports ?? []).filter(i => i.kind === "import-statement").map(i => i.path), seen);
  }
  return seen;
};
const at = name => join(out, manifest[name]);
const fonts = Object.keys(outputs).filter(path => path.endsWith(".woff2")), text = fonts.filter(path => path.includes("atkinson")), code = fonts.filter(path => !path.includes("atkinson"));
const icons = Object.keys(outputs).filter(path => path.endsWith(".svg"));
const first = closure([at("app.js"), at("theme.js"), at("app.css"), at("words.en.js"), at("icon.svg"), ...text, ...icons]);
const lab = [...closure([at("lab.js"), at("editor.js"), at("words.lab.en.js"), ...code])].filter(path => !first.has(path));
const sums = { first: html + [...first].reduce((sum, path) => sum + size(path), 0), lab: lab.reduce((sum, path) => sum + size(path), 0) };
for (const name of ["first", "lab"]) if (sums[name] > ceiling[name]) die(`${name}: ${sums[name].toFixed(1)} KB, the ceiling is ${ceiling[name]}`);

for (const file of readdirSync(out)) if (!file.endsWith(".woff2")) writeFileSync(join(out, `${file}.gz`), gzipSync(readFileSync(join(out, file)), { level: 9 }));
writeFileSync(join(out, "manifest.json"), JSON.stringify(Object.fromEntries(Object.entries(manifest).sort()), null, 1) + "\n");
if (await types) die("types do not fit (see above)");
if (!process.exitCode) {
  rmSync("dist", { recursive: true, force: true });
  renameSync(out, "dist");
  console.log(`web: dist/ stands; first page ${sums.first.toFixed(1)} of ${ceiling.first} KB, lab ${sums.lab.toFixed(1)} of ${ceiling.lab} KB (gzip -9)`);
} else rmSync(out, { recursive: true, force: true });
