// objects: what stands in the namespace, live: owners first, each with state as icon and word, age, and on demand its labels, ports and YAML.
import { useState } from "preact/hooks";
import { stringify } from "yaml";
import type { KubeObject } from "../lib/api";
import { second } from "../lib/clock";
import { t } from "../lib/i18n";
import { liveState } from "../lib/live";
import { Button, CopyButton, State } from "../ui/parts";
import { objectState, pairsText, platform, plain, tree } from "./objectstate";
import { attempt, changedAt, objects, stale } from "./state";

function age(from: string | undefined): string {
  if (!from) return "";
  const seconds = Math.max(0, Math.floor((second.value - Date.parse(from)) / 1000));
  return seconds < 120 ? t("age.seconds", { count: seconds }) : seconds < 7200 ? t("age.minutes", { count: Math.floor(seconds / 60) }) : t("age.hours", { count: Math.floor(seconds / 3600) });
}

export function ObjectsPane() {
  const rows = tree(objects.value.values()), hidden = [...objects.value.values()].filter(platform).length;
  const state = attempt.value?.state;
  return (
    <section class="pane pane-objects" id="pane-objects" aria-label={t("pane.objects")} tabIndex={-1} data-stale={stale.value ? "" : undefined}>
      <div class="pane-head"><h2>{t("pane.objects")}</h2>{stale.value && <State mark="wait">{t("objects.stale")}</State>}{state === "resetting" && <State mark="wait">{t("objects.resetting")}</State>}</div>
      <div class="pane-scroll">
        {rows.length ? (
          <table class="objects">
            <caption class="sr">{t("objects.caption")}</caption>
            <thead><tr><th scope="col">{t("objects.name")}</th><th scope="col">{t("objects.kind")}</th><th scope="col">{t("objects.state")}</th><th scope="col" class="number">{t("objects.age")}</th></tr></thead>
            <tbody>{rows.map(({ object, depth }) => <ObjectRow key={object.metadata.uid ?? `${object.kind}/${object.metadata.name}`} object={object} depth={depth} />)}</tbody>
          </table>
        ) : <p class="empty">{state === "wanted" ? t("objects.no-namespace") : liveState.value === "connecting" ? t("objects.loading") : t("objects.empty")}</p>}
        {!!hidden && <p class="facts objects-hidden">{t("objects.platform", { count: hidden })}</p>}
      </div>
    </section>
  );
}

function ObjectRow({ object, depth }: { object: KubeObject; depth: number }) {
  const [open, setOpen] = useState(false);
  const state = objectState(object, objects.value.values()), fresh = performance.now() - (changedAt.get(`${object.kind}/${object.metadata.name}`) ?? -1e9) < 3000;
  void second.value; // the outline of a change goes after a while
  return (
    <>
      <tr class="object" data-kind={object.kind} data-name={object.metadata.name} data-fresh={fresh ? "" : undefined}>
        <th scope="row"><button type="button" class="quiet object-name" data-depth={Math.min(depth, 4)} aria-expanded={open} onClick={() => setOpen(!open)}>{object.metadata.name}</button></th>
        <td>{object.kind}</td>
        <td><State mark={state.mark}>{state.text ?? word(state.key!, state.params)}</State></td>
        <td class="number">{age(object.metadata.creationTimestamp)}</td>
      </tr>
      {open && <tr class="object-more"><td colSpan={4}><More object={object} /></td></tr>}
    </>
  );
}

function word(key: string, params?: Record<string, string | number>): string {
  switch (key) {
    case "objects.not-ready": return t("objects.not-ready", params);
    case "objects.ready-of": return t("objects.ready-of", params);
    case "objects.no-endpoints": return t("objects.no-endpoints");
    case "objects.endpoints": return t("objects.endpoints", params);
    case "objects.addresses": return t("objects.addresses", params);
    default: return t("objects.there");
  }
}

function More({ object }: { object: KubeObject }) {
  const [yaml, setYaml] = useState(false);
  const spec = object.spec ?? {}, facts: [string, string][] = [["labels", pairsText(object.metadata.labels)]];
  if (object.kind === "Service") facts.push(["selector", pairsText(spec.selector)], ["clusterIP", spec.clusterIP ?? ""], ["ports", (spec.ports ?? []).map((port: any) => `${port.name ? `${port.name}: ` : ""}${port.port} → ${port.targetPort ?? port.port}/${port.protocol ?? "TCP"}`).join(", ")]);
  if (object.kind === "Deployment" || object.kind === "ReplicaSet") facts.push(["selector", pairsText(spec.selector?.matchLabels)], ["template.labels", pairsText(spec.template?.metadata?.labels)]);
  if (object.kind === "Pod") facts.push(["podIP", object.status?.podIP ?? ""], ["containers", (spec.containers ?? []).map((one: any) => `${one.name} (${one.image})`).join(", ")]);
  if (object.kind === "EndpointSlice") facts.push(["endpoints", (object.endpoints ?? []).map((one: any) => `${one.addresses?.[0]}${one.targetRef?.name ? ` (${one.targetRef.name})` : ""}`).join(", ")]);
  for (const container of [...(object.status?.initContainerStatuses ?? []), ...(object.status?.containerStatuses ?? [])]) if (container.state?.waiting?.message) facts.push([container.name, container.state.waiting.message]);
  for (const condition of object.status?.conditions ?? []) if (condition.status === "False" && condition.message) facts.push([condition.type, condition.message]);
  const text = () => stringify(plain(object), { lineWidth: 0 });
  return (
    <div class="more">
      <dl>{facts.filter(([, value]) => value).map(([name, value]) => <><dt><code>{name}</code></dt><dd>{value}</dd></>)}</dl>
      <div class="actions"><Button compact expanded={yaml} onClick={() => setYaml(!yaml)}>{yaml ? t("objects.hide-yaml") : t("objects.show-yaml")}</Button>{yaml && <CopyButton text={text} label={`${object.kind}/${object.metadata.name}`} />}</div>
      {yaml && <pre class="code-font" tabIndex={0}>{text()}</pre>}
    </div>
  );
}
