// tabs: a row of tabs by the book: one stop for Tab, arrows between them. The panel is the caller's and carries id `panel`.
import type { ComponentChildren } from "preact";

export interface Tab { id: string; label: ComponentChildren; name?: string }
export function Tabs(props: { tabs: Tab[]; active: string; onPick: (id: string) => void; label: string; panel: string; onDelete?: (id: string) => void; children?: ComponentChildren }) {
  const key = (event: KeyboardEvent) => {
    const index = props.tabs.findIndex(tab => tab.id === props.active), last = props.tabs.length - 1;
    const next = event.key === "ArrowRight" ? (index === last ? 0 : index + 1) : event.key === "ArrowLeft" ? (index === 0 ? last : index - 1) : event.key === "Home" ? 0 : event.key === "End" ? last : -1;
    if (event.key === "Delete" && props.onDelete) { event.preventDefault(); props.onDelete(props.active); return; }
    if (next < 0) return;
    event.preventDefault();
    props.onPick(props.tabs[next]!.id);
    const list = event.currentTarget as HTMLElement;
    requestAnimationFrame(() => list.querySelector<HTMLElement>('[aria-selected="true"]')?.focus());
  };
  return (
    <div class="tabs">
      <div class="tabs-list" role="tablist" aria-label={props.label} onKeyDown={key}>
        {props.tabs.map(tab => (
          <button key={tab.id} type="button" role="tab" id={`tab-${props.panel}-${tab.id}`} aria-selected={tab.id === props.active} aria-controls={props.panel} tabIndex={tab.id === props.active ? 0 : -1} aria-label={tab.name}
            onClick={() => props.onPick(tab.id)}>{tab.label}</button>
        ))}
      </div>
      {props.children}
    </div>
  );
}
