-- events: what the cluster itself reported of the objects that a wait was for: the newest of them go with the finding when the wait has failed. They expire,
-- and they are told in the cluster's own words: they explain, and nothing is decided by them.
local lib = lib

local most = 5

-- All objects of a kind as `lib.in_namespace` has them, or none: who explains must not fail.
local function peek(kind)
  if lib.test.listed[kind] then return lib.test.listed[kind] end
  local reply = host.look { verb = "list", kind = kind }
  if not reply or reply.status ~= 200 then return {} end
  return lib.objects_of(kind, reply)
end

-- The uids of an object and of what hangs below it: the ReplicaSets and Pods of a workload, the Pods that a Service selects.
local function concerned(object)
  local uids = { [lib.uid(object)] = true }
  if object.kind == "Service" then
    local selector = object:get("spec.selector").node
    for _, pod in ipairs(peek("Pod")) do
      if lib.map_selects(selector, pod:get("metadata.labels").node) then uids[lib.uid(pod)] = true end
    end
  elseif lib.pod_labels[object.kind] and object.kind ~= "Pod" then
    for _, kind in ipairs { "ReplicaSet", "Job", "Pod" } do      -- owners first
      if kind ~= "Job" or object.kind == "CronJob" then
        for _, child in ipairs(peek(kind)) do
          for _, owner in ipairs(lib.children(child:get("metadata.ownerReferences"))) do
            if uids[owner:get("uid"):text()] then uids[lib.uid(child)] = true end
          end
        end
      end
    end
  end
  return uids
end

local function when(event)
  for _, path in ipairs { "series.lastObservedTime", "lastTimestamp", "eventTime", "metadata.creationTimestamp" } do
    local text = event:get(path):text()
    if text ~= "" then return text end
  end
  return ""
end

-- The newest Events of an object and what hangs below it, newest first: {reason, message, type, kind, name, count, at}. An object that is not there is meant by
-- its name, one without a name by its kind.
function lib.newest_events(kind, name)
  local object = lib.find(kind, name)
  local uids = object.node and concerned(object) or {}
  local rows = {}
  for _, event in ipairs(peek("Event")) do
    local about = event:get("involvedObject")
    local its_kind, its_name = about:get("kind"):text(), about:get("name"):text()
    local met = uids[about:get("uid"):text()]
    if not object.node then met = its_kind == kind and (name == nil or its_name == name) end
    if met then
      local count = event:get("series.count"):value() or event:get("count"):value() or 1
      rows[#rows + 1] = {
        reason = lib.cut(event:get("reason"):text()), message = lib.cut(event:get("message"):text()), type = lib.cut(event:get("type"):text()),
        kind = its_kind, name = its_name, count = math.type(count) == "integer" and count or 1, at = when(event), own = event.name,
      }
    end
  end
  table.sort(rows, function(a, b)
    if a.at ~= b.at then return a.at > b.at end
    return a.own < b.own
  end)
  local list = {}
  for i, row in ipairs(rows) do
    if i > most then break end
    row.own = nil
    list[i] = row
  end
  return list
end
