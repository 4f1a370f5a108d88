// main: what every page runs. The page reads, prints and links without it; this adds the theme switch, copy buttons, the cluster's state, forms that keep
// what was typed, and the islands, each fetched when it comes into view.
import { render } from "preact";
import { onSignedOut, viewer } from "../lib/api";
import { loadWords, t } from "../lib/i18n";
import { Dialogs } from "../ui/dialog";
import { CopyButton, Notices, notify, Spoken } from "../ui/parts";
import { ClusterLine } from "./cluster";
import { enhanceForms } from "./forms";
import { ThemeSwitch } from "./theme-switch";

const ready = loadWords();
const islands: Record<string, () => Promise<{ mount: (element: HTMLElement) => void }>> = {
  quiz: () => import("./quiz"),
  regrade: () => import("./regrade"),
};

function keepPlace(): void {
  // switching the language loads the page anew: the same place is shown again
  const key = "makmal-place", kept = sessionStorage.getItem(key);
  if (kept) {
    sessionStorage.removeItem(key);
    const [path, top] = JSON.parse(kept);
    if (path === location.pathname) scrollTo(0, top);
  }
  for (const form of document.querySelectorAll<HTMLFormElement>('form[action="/language"]'))
    form.addEventListener("submit", () => {
      const back = form.querySelector<HTMLInputElement>('input[name="back"]');
      if (back) back.value = location.pathname + location.search;
      sessionStorage.setItem(key, JSON.stringify([location.pathname, scrollY]));
    });
  for (const form of document.querySelectorAll<HTMLFormElement>('form[action="/signout"]'))
    form.addEventListener("submit", () => {
      for (const name of Object.keys(localStorage)) if (name.startsWith("makmal-lab-")) localStorage.removeItem(name);
    });
}

function copyButtons(root: ParentNode): void {
  for (const code of root.querySelectorAll<HTMLElement>("[data-copy]:not([data-copied]), pre[data-run]:not([data-copied])")) {
    code.dataset.copied = "";
    const pre = code.closest("pre"), head = pre?.parentElement?.querySelector(":scope > .code-head"), slot = document.createElement("span");
    slot.className = "copy-slot";
    if (head) head.append(slot);
    else if (pre) {
      const box = document.createElement("div");
      box.className = "copy-box";
      pre.replaceWith(box);
      pre.tabIndex = 0;
      box.append(pre);
      box.append(slot);
    } else code.after(slot);
    render(<CopyButton text={() => (code.textContent ?? "").replace(/\n$/, "")} />, slot);
  }
}

function watchToc(): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>('.toc a[href^="#"]')];
  if (!links.length) return;
  const heads = links.map(link => document.getElementById(decodeURIComponent(link.hash.slice(1)))).filter((head): head is HTMLElement => !!head);
  const mark = () => {
    const at = heads.filter(head => head.getBoundingClientRect().top < 160).at(-1) ?? heads[0];
    for (const link of links) if (at && link.hash === `#${at.id}`) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
  };
  addEventListener("scroll", mark, { passive: true });
  mark();
}

function awaitIslands(): void {
  const seen = new IntersectionObserver(entries => {
    for (const entry of entries) if (entry.isIntersecting) {
      seen.unobserve(entry.target);
      const element = entry.target as HTMLElement;
      void islands[element.dataset.island ?? ""]?.().then(island => island.mount(element)).catch(() => { /* the HTML inside goes on serving */ });
    }
  }, { rootMargin: "300px" });
  for (const element of document.querySelectorAll("[data-island]")) seen.observe(element);
  for (const link of document.querySelectorAll('a[href^="/lab/"]'))
    for (const name of ["pointerenter", "focus"]) link.addEventListener(name, () => { void import("../lab/main").then(lab => lab.preload()); }, { once: true });
}

async function start(): Promise<void> {
  await ready;
  const edge = document.createElement("div");
  document.body.append(edge);
  render(<><Spoken /><Notices /><Dialogs /></>, edge);
  for (const slot of document.querySelectorAll('[data-slot="theme"]')) render(<ThemeSwitch />, slot);
  onSignedOut(() => { if (viewer) notify("warn", t("shell.signed-out"), { action: { word: t("shell.sign-in"), run: () => { open("/signin", "_blank", "noopener"); } } }); });
  keepPlace();
  enhanceForms();
  copyButtons(document);
  document.addEventListener("makmal-text", event => copyButtons((event as CustomEvent<HTMLElement>).detail));
  watchToc();
  awaitIslands();
  const lab = document.getElementById("lab");
  const slot = document.querySelector<HTMLElement>('[data-slot="cluster"]');
  if (slot) ClusterLine(slot, !!lab);
  if (lab) (await import("../lab/main")).mount(lab);
}
void start();
