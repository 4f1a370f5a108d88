-- workload: Deployments and what else makes Pods: their template, their container ports, their Pods, their rollout.
--
--   deploy:selects_template()   the selector fits the template's own labels
--   deploy:rolled_out()         live: everything new, ready, nothing old
--   t:pods(deploy)              live: its Pods, by owner and not by labels
local lib = lib

-- The containers of a workload that run for the whole life of a Pod, as fields: the containers and the init containers that restart always.
function lib.containers(object)
  local spec = lib.pod_spec[object.kind]
  if not spec then return {} end
  local list = lib.children(object:get(spec .. ".containers"))
  for _, container in ipairs(lib.children(object:get(spec .. ".initContainers"))) do
    if container:get("restartPolicy"):text() == "Always" then list[#list + 1] = container end
  end
  return list
end

-- The container ports of a workload: { container, field, name, number, protocol }.
function lib.container_ports(object)
  local list = {}
  for _, container in ipairs(lib.containers(object)) do
    for _, port in ipairs(lib.children(container:get("ports"))) do
      list[#list + 1] = {
        container = container:get("name"):text(), field = port, name = port:get("name"):text(),
        number = port:get("containerPort"):value(), protocol = port:get("protocol", "effective"):text(),
      }
      if list[#list].protocol == "" then list[#list].protocol = "TCP" end
    end
  end
  return list
end

-- Kinds whose Pods a selector may catch.
lib.makers = { "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Pod" }

-- The template's labels must be those that the workload's own selector asks for.
local function selects_template(self)
  local blocked = lib.unreachable(self:get("spec.template.metadata.labels")) or lib.unreachable(self:get("spec.selector"))
  if blocked then return lib.fail_all(blocked) end
  local selector = self:get("spec.selector")
  if lib.selector_selects(selector.node or nil, lib.pod_labels_of(self)) then return lib.pass() end
  return lib.fail(lib.finding {
    key = "workload.selector-mismatch", about = self:get("spec.template.metadata.labels"), own = true,
    want = { op = "selected_by", type = "labels", value = lib.flow(selector.node) }, params = { kind = self.kind, name = self.name },
  })
end
for _, kind in ipairs { "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet" } do lib.words_for(kind).selects_template = selects_template end

-- --- Pods ----------------------------------------------------------------------------------------------------------------

lib.Pods = lib.class("a set of Pods")

local function controller_uid(object)
  for _, owner in ipairs(lib.children(object:get("metadata.ownerReferences"))) do
    if owner:get("controller"):value() == true then return owner:get("uid"):text() end
  end
  return ""
end

-- The Pods that a workload owns now, by owner and not by labels: Deployment, its ReplicaSets, their Pods.
function lib.pods_of(owner)
  local set, uids = {}, {}
  if owner.node then
    if owner.kind == "Pod" then
      set[1] = owner
    elseif owner.kind == "Deployment" then
      for _, replica_set in ipairs(lib.in_namespace("ReplicaSet")) do
        if controller_uid(replica_set) == lib.uid(owner) then uids[lib.uid(replica_set)] = true end
      end
    else
      uids[lib.uid(owner)] = true
    end
    if #set == 0 then
      for _, pod in ipairs(lib.in_namespace("Pod")) do
        if uids[controller_uid(pod)] then set[#set + 1] = pod end
      end
    end
  end
  return lib.make(lib.Pods, { owner = owner, list = set })
end

function lib.Pods.words:names()
  local list = {}
  for i, pod in ipairs(self.list) do list[i] = pod.name end
  table.sort(list)
  return list
end

function lib.Pods.words:count()
  return #self.list
end

-- What is wrong with an empty set, or nil: the owner is not there, or has no Pods.
function lib.no_pods(pods)
  if not pods.owner.node then return lib.missing_object(pods.owner) end
  if #pods.list > 0 then return nil end
  return { lib.finding { key = "pods.none", about = pods.owner, got = { state = "absent" }, params = { kind = pods.owner.kind, name = pods.owner.name } } }
end

function lib.is_ready(pod)
  return pod:get("status.conditions[type=Ready].status"):text() == "True"
end

-- --- rollout --------------------------------------------------------------------------------------------------------------

-- States of a container that no waiting mends: reason -> key.
local dead_ends = {
  ImagePullBackOff = "pod.image", ErrImagePull = false, InvalidImageName = "pod.image-name", CreateContainerConfigError = "pod.config",
  CrashLoopBackOff = "pod.crash", RunContainerError = "pod.start", CreateContainerError = "pod.start",
}

-- The findings that tell why Pods of an owner will never be ready.
function lib.dead_ends(owner)
  local list = {}
  for _, pod in ipairs(lib.pods_of(owner).list) do
    for _, part in ipairs { "initContainerStatuses", "containerStatuses" } do
      for _, status in ipairs(lib.children(pod:get("status." .. part))) do
        local reason = status:get("state.waiting.reason"):text()
        local key = dead_ends[reason]
        if key == "pod.crash" and (status:get("restartCount"):value() or 0) < 3 then key = nil end
        if key and status:get("lastState.terminated.reason"):text() == "OOMKilled" then key = "pod.memory" end
        if key then
          list[#list + 1] = lib.finding {
            key = key, about = status:get("state.waiting.reason"),
            params = { pod = pod.name, container = status:get("name"):text(), reason = reason, image = status:get("image"):text() },
          }
        end
      end
    end
  end
  return list
end

local deployment = lib.words_for("Deployment")

-- Everything of a Deployment's newest template runs and is ready, and nothing older is left.
function deployment:rolled_out()
  local blocked = lib.unreachable(self)
  if blocked then return lib.fail_all(blocked) end
  if not self.live then lib.mistake(2, "rolled_out looks at the namespace: put it in a check on \"live\"") end
  local function number(path) return self:get(path):value() or 0 end
  local wanted = self:get("spec.replicas", "effective"):value()
  local params = { kind = self.kind, name = self.name, wanted = wanted, ready = number("status.readyReplicas") }

  local function said(key, path)
    return lib.finding { key = key, about = self:get(path), own = true, want = { op = "equals", type = "number", value = wanted }, params = params }
  end
  if number("status.observedGeneration") < number("metadata.generation") then
    return lib.fail(lib.finding { key = "rollout.unseen", about = self:get("status.observedGeneration"), own = true, want = { op = "at_least", type = "number", value = number("metadata.generation") }, params = params })
  end
  if number("status.updatedReplicas") == wanted and number("status.readyReplicas") == wanted and number("status.replicas") == wanted
      and number("status.availableReplicas") == wanted then
    return lib.pass()
  end
  local findings = lib.dead_ends(self)
  for _, condition in ipairs(lib.children(self:get("status.conditions"))) do
    local reason = condition:get("reason"):text()
    if reason == "ProgressDeadlineExceeded" then
      findings[#findings + 1] = lib.finding { key = "rollout.stuck", about = condition, params = params }
    elseif condition:get("type"):text() == "ReplicaFailure" and condition:get("status"):text() == "True" then
      findings[#findings + 1] = lib.finding { key = "rollout.refused", about = condition, params = { kind = self.kind, name = self.name, reason = reason, message = lib.cut(condition:get("message"):text()) } }
    end
  end
  if #findings > 0 then
    local result = lib.fail_all(findings)
    result.final = true
    return result
  end
  if number("status.updatedReplicas") < wanted then return lib.fail(said("rollout.not-updated", "status.updatedReplicas")) end
  if number("status.readyReplicas") < wanted then return lib.fail(said("rollout.not-ready", "status.readyReplicas")) end
  return lib.fail(said("rollout.old-left", "status.replicas"))
end
