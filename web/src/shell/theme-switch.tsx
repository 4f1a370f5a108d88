// theme-switch: Auto, Light, Dark. Auto is the absence of a choice.
import { useState } from "preact/hooks";
import { t } from "../lib/i18n";

const key = "makmal-theme", root = document.documentElement;
export function ThemeSwitch() {
  const [theme, setTheme] = useState(() => { const kept = localStorage.getItem(key); return kept === "light" || kept === "dark" ? kept : "auto"; });
  const pick = (next: string) => {
    if (next === "auto") localStorage.removeItem(key); else localStorage.setItem(key, next);
    root.dataset.theme = next;
    setTheme(next);
  };
  const words = { auto: t("shell.theme-auto"), light: t("shell.theme-light"), dark: t("shell.theme-dark") };
  return (
    <div class="switch" role="group" aria-label={t("shell.theme")}>
      {(["auto", "light", "dark"] as const).map(name => <button key={name} type="button" aria-pressed={theme === name} onClick={() => pick(name)}>{words[name]}</button>)}
    </div>
  );
}
