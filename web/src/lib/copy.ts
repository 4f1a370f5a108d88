// copy: text to the clipboard. On plain HTTP by a LAN address there is no navigator.clipboard; the old command works everywhere.
export async function copyText(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard && window.isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch { /* refused: the old way */ }
  const before = document.activeElement as HTMLElement | null;
  // inside an open dialog everything outside is inert, so the box must stand in it
  const home = before?.closest("dialog") ?? document.body;
  const box = document.createElement("textarea");
  box.value = text;
  box.readOnly = true;
  box.className = "sr";
  box.setAttribute("aria-hidden", "true");
  home.append(box);
  box.select();
  let done = false;
  try { done = document.execCommand("copy"); } catch { /* stays false */ }
  box.remove();
  before?.focus();
  return done;
}
