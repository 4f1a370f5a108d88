// splitter: a separator that moves by pointer and by keys (arrows, Home, End; Enter folds and unfolds). Its value is the first pane's share in percent.
import { useRef } from "preact/hooks";

export function Splitter(props: { value: number; onChange: (value: number) => void; axis: "x" | "y"; label: string; min?: number; max?: number; controls?: string }) {
  const min = props.min ?? 0, max = props.max ?? 100, unfolded = useRef(props.value);
  const set = (value: number) => props.onChange(Math.round(Math.min(max, Math.max(min, value))));
  const key = (event: KeyboardEvent) => {
    const step = event.shiftKey ? 10 : 2, [less, more] = props.axis === "x" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    if (event.key === less) set(props.value - step);
    else if (event.key === more) set(props.value + step);
    else if (event.key === "Home") set(min);
    else if (event.key === "End") set(max);
    else if (event.key === "Enter") {
      if (props.value > min) { unfolded.current = props.value; set(min); } else set(unfolded.current > min ? unfolded.current : (min + max) / 2);
    } else return;
    event.preventDefault();
  };
  const drag = (event: PointerEvent) => {
    const bar = event.currentTarget as HTMLElement, box = bar.parentElement!.getBoundingClientRect();
    bar.setPointerCapture(event.pointerId);
    const move = (e: PointerEvent) => set(props.axis === "x" ? ((e.clientX - box.left) / box.width) * 100 : ((e.clientY - box.top) / box.height) * 100);
    const up = () => { bar.removeEventListener("pointermove", move); };
    bar.addEventListener("pointermove", move);
    bar.addEventListener("pointerup", up, { once: true });
    bar.addEventListener("pointercancel", up, { once: true });
    event.preventDefault();
  };
  return (
    <div class="splitter" data-axis={props.axis} role="separator" tabIndex={0} aria-orientation={props.axis === "x" ? "vertical" : "horizontal"} aria-label={props.label} aria-controls={props.controls}
      aria-valuenow={props.value} aria-valuemin={min} aria-valuemax={max} onKeyDown={key} onPointerDown={drag} />
  );
}
