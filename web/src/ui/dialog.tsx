// dialog: the browser's own modal dialog: it holds focus, closes on Esc and gives the focus back. One at a time.
import type { ComponentChildren } from "preact";
import { signal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../lib/i18n";

const current = signal<{ title: string; wide?: boolean; body: () => ComponentChildren; closed?: () => void } | null>(null);
export function openDialog(title: string, body: () => ComponentChildren, options: { wide?: boolean; closed?: () => void } = {}): void { current.value = { title, body, ...options }; }
export function closeDialog(): void { document.querySelector<HTMLDialogElement>("dialog[open]")?.close(); }

export function Dialogs() {
  const open = current.value;
  return open && <Modal key={open.title} {...open} />;
}

function Modal(props: NonNullable<typeof current.value>) {
  const ref = useRef<HTMLDialogElement>(null), title = useId();
  useEffect(() => {
    const dialog = ref.current!, before = document.activeElement as HTMLElement | null;
    dialog.showModal();
    return () => { if (before?.isConnected) before.focus(); };
  }, []);
  const Body = props.body;
  return (
    <dialog ref={ref} class={props.wide ? "wide" : undefined} aria-labelledby={title} onClose={() => { current.value = null; props.closed?.(); }}
      onClick={event => { if (event.target === ref.current) ref.current!.close(); }}>
      <div class="dialog-head"><h2 id={title}>{props.title}</h2><button type="button" class="quiet compact" aria-label={t("ui.close")} onClick={() => ref.current!.close()}>✕</button></div>
      <div class="dialog-body"><Body /></div>
    </dialog>
  );
}
