-- defaults: what the API server fills in where a manifest says nothing, and which fields are more than plain text or numbers.
-- A field is named by its shape: "spec.ports[].protocol", list items without their number. Kubernetes 1.36.
local lib = lib

local in_pod = {                          -- below the Pod's own spec, wherever that stands
  ["restartPolicy"] = "Always",
  ["dnsPolicy"] = "ClusterFirst",
  ["schedulerName"] = "default-scheduler",
  ["terminationGracePeriodSeconds"] = 30,
  ["containers[].ports[].protocol"] = "TCP",
  ["containers[].terminationMessagePath"] = "/dev/termination-log",
  ["containers[].terminationMessagePolicy"] = "File",
}

local probes = { "livenessProbe", "readinessProbe", "startupProbe" }
local in_probe = { periodSeconds = 10, timeoutSeconds = 1, successThreshold = 1, failureThreshold = 3, initialDelaySeconds = 0 }
for _, probe in ipairs(probes) do
  for name, value in pairs(in_probe) do in_pod["containers[]." .. probe .. "." .. name] = value end
end

local by_kind = {
  Service = {
    ["spec.type"] = "ClusterIP",
    ["spec.sessionAffinity"] = "None",
    ["spec.internalTrafficPolicy"] = "Cluster",
    ["spec.ports[].protocol"] = "TCP",
    ["spec.ports[].targetPort"] = function(field) return field.up:get("port"):value() end,
  },
  Deployment = {
    ["spec.replicas"] = 1,
    ["spec.revisionHistoryLimit"] = 10,
    ["spec.progressDeadlineSeconds"] = 600,
    ["spec.minReadySeconds"] = 0,
    ["spec.strategy.type"] = "RollingUpdate",
    ["spec.strategy.rollingUpdate.maxSurge"] = "25%",
    ["spec.strategy.rollingUpdate.maxUnavailable"] = "25%",
  },
  ReplicaSet = { ["spec.replicas"] = 1 },
  StatefulSet = {
    ["spec.replicas"] = 1,
    ["spec.podManagementPolicy"] = "OrderedReady",
    ["spec.updateStrategy.type"] = "RollingUpdate",
  },
  Job = { ["spec.backoffLimit"] = 6, ["spec.completions"] = 1, ["spec.parallelism"] = 1 },
  Secret = { ["type"] = "Opaque" },
  PersistentVolumeClaim = { ["spec.volumeMode"] = "Filesystem" },
}

-- Where the Pod's spec stands in each kind that has one.
lib.pod_spec = {
  Pod = "spec", Deployment = "spec.template.spec", ReplicaSet = "spec.template.spec", StatefulSet = "spec.template.spec",
  DaemonSet = "spec.template.spec", Job = "spec.template.spec", CronJob = "spec.jobTemplate.spec.template.spec",
}
-- Where the labels stand that its Pods get.
lib.pod_labels = {
  Pod = "metadata.labels", Deployment = "spec.template.metadata.labels", ReplicaSet = "spec.template.metadata.labels",
  StatefulSet = "spec.template.metadata.labels", DaemonSet = "spec.template.metadata.labels", Job = "spec.template.metadata.labels",
  CronJob = "spec.jobTemplate.spec.template.metadata.labels",
}

-- A field's place without the numbers of its lists.
function lib.shape(field)
  local parts = {}
  for _, step in ipairs(lib.steps_to(field)) do
    if step.key then
      parts[#parts + 1] = (#parts > 0 and "." or "") .. step.key
    else
      parts[#parts + 1] = "[]"
    end
  end
  return table.concat(parts)
end

-- What a field has when nobody writes it, or nil.
function lib.default_of(field)
  local kind, shape = field.object.kind, lib.shape(field)
  local value = by_kind[kind] and by_kind[kind][shape]
  local prefix = lib.pod_spec[kind]
  if value == nil and prefix and shape:sub(1, #prefix + 1) == prefix .. "." then value = in_pod[shape:sub(#prefix + 2)] end
  if type(value) == "function" then value = value(field) end
  return value
end

-- "quantity", "image", "port" or false: how the values of a field are compared.
function lib.type_of(field)
  local shape = lib.shape(field)
  if shape:find("resources%.requests%.[^.]+$") or shape:find("resources%.limits%.[^.]+$") or shape:find("%.capacity%.[^.]+$")
      or shape:find("%.sizeLimit$") then
    return "quantity"
  end
  if shape:find("ontainers%[%]%.image$") then return "image" end
  if shape:find("%.targetPort$") or shape:find("%.httpGet%.port$") or shape:find("%.tcpSocket%.port$") then return "port" end
  return false
end
