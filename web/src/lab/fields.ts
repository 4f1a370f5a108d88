// fields: the few kinds a first course teaches, as completion needs them. "!" required; a type is text, number, bool, port, map, {Type}, [Type] or
// a|b|c. A sentence for each stands in words/fields.json under field.<Type>.<name>. The cluster's own schema takes this table's place when it is served.
export interface Field { name: string; required: boolean; list: boolean; type?: string; values?: string[]; key: string }

const source: Record<string, string> = {
  Pod: "metadata!:{Meta} spec!:{PodSpec}",
  Deployment: "metadata!:{Meta} spec!:{DeploymentSpec}",
  Service: "metadata!:{Meta} spec!:{ServiceSpec}",
  ConfigMap: "metadata!:{Meta} data:map immutable:bool",
  Secret: "metadata!:{Meta} type:Opaque|kubernetes.io/tls|kubernetes.io/dockerconfigjson stringData:map data:map",
  Meta: "name!:text labels:map annotations:map",
  ServiceSpec: "selector:map ports!:[ServicePort] type:ClusterIP|NodePort|LoadBalancer clusterIP:text sessionAffinity:None|ClientIP",
  ServicePort: "port!:number targetPort:port name:text protocol:TCP|UDP|SCTP nodePort:number",
  DeploymentSpec: "selector!:{LabelSelector} template!:{PodTemplate} replicas:number strategy:{Strategy} minReadySeconds:number progressDeadlineSeconds:number revisionHistoryLimit:number paused:bool",
  Strategy: "type:RollingUpdate|Recreate rollingUpdate:map",
  LabelSelector: "matchLabels:map",
  PodTemplate: "metadata!:{Meta} spec!:{PodSpec}",
  PodSpec: "containers!:[Container] initContainers:[Container] volumes:[Volume] restartPolicy:Always|OnFailure|Never serviceAccountName:text nodeSelector:map terminationGracePeriodSeconds:number",
  Container: "name!:text image!:text ports:[ContainerPort] command:list args:list env:[EnvVar] resources:{Resources} volumeMounts:[VolumeMount] readinessProbe:{Probe} livenessProbe:{Probe} startupProbe:{Probe} imagePullPolicy:IfNotPresent|Always|Never workingDir:text",
  ContainerPort: "containerPort!:number name:text protocol:TCP|UDP|SCTP",
  EnvVar: "name!:text value:text valueFrom:map",
  Resources: "requests:map limits:map",
  VolumeMount: "name!:text mountPath!:text readOnly:bool subPath:text",
  Volume: "name!:text emptyDir:map configMap:map secret:map persistentVolumeClaim:map",
  Probe: "httpGet:{HttpGet} tcpSocket:map exec:map periodSeconds:number initialDelaySeconds:number timeoutSeconds:number failureThreshold:number",
  HttpGet: "path:text port!:port",
};
export const versions: Record<string, string> = { Pod: "v1", Deployment: "apps/v1", Service: "v1", ConfigMap: "v1", Secret: "v1" };

const parsed: Record<string, Field[]> = Object.fromEntries(Object.entries(source).map(([type, text]) => [type, text.split(" ").map(word => {
  const [left, right = ""] = word.split(/:(.*)/s), name = left!.replace("!", "");
  const inner = /^[{[](\w+)[}\]]$/.exec(right)?.[1];
  return { name, required: left!.endsWith("!"), list: right.startsWith("[") || right === "list", type: inner ?? (right === "map" ? "map" : undefined), values: right === "bool" ? ["true", "false"] : right.includes("|") ? right.split("|") : undefined, key: `field.${type}.${name}` };
})]));

/** The fields that may stand at a path below an object of this kind; null where the table knows nothing. Numbers in the path are list places. */
export function fieldsAt(kind: string, path: (string | number)[]): Field[] | null {
  let fields = versions[kind] ? parsed[kind]! : null;
  for (const part of path) {
    if (typeof part === "number") continue;
    const field = fields?.find(one => one.name === part);
    fields = field?.type && parsed[field.type] ? parsed[field.type]! : null;
    if (!fields) return null;
  }
  return fields;
}
