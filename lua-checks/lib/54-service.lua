-- service: whom a Service finds, and where its ports end.
--
--   service:selects(deploy)            the Pods of this workload are found (a share must not name the label that is right)
--   service:selects_only(deploy)       … and no other's
--   service:ports_named()              with two ports or more each has a name
--   service:port(80):reaches(deploy)   the port ends at a port of the workload's containers
--   service:port(80):reaches(deploy, 8080)   … and at the number on which the program is known to listen
local lib = lib

local service = lib.words_for("Service")

local function want_pods(of)
  return { op = "selects", type = "object", value = of.kind .. "/" .. (of.name or "?") }
end

-- Why the labels of a workload are not what the selector asks for: a finding for each label asked for, at its line.
local function mismatches(self, deploy, labels)
  local findings, own = {}, deploy:get("metadata.labels").node or nil
  local selector = self:get("spec.selector")
  if lib.map_selects(selector.node, labels) then return findings end
  if lib.map_selects(selector.node, own) and deploy.kind ~= "Pod" then     -- right labels, one storey too high
    findings[1] = lib.finding {
      key = "labels.not-template", about = deploy:get("metadata.labels"), own = true, node = "key",
      params = { kind = deploy.kind, object_name = deploy.name, service = self.name },
    }
    return findings
  end
  for _, label in ipairs(lib.children(selector)) do
    local key = label.step.key
    local there = lib.is_map(labels) and labels:get(key)
    if not there or lib.text_of(there) ~= lib.text_of(label.node) then
      findings[#findings + 1] = lib.finding {
        key = "service.selects-none", about = label, node = there and "value" or "key", own = true, want = want_pods(deploy),
        got = { state = "written", type = "label", text = key .. "=" .. label:text(), value = key .. "=" .. label:text() },
        params = { service = self.name, label = key .. "=" .. label:text(), workload_kind = deploy.kind, workload = deploy.name },
      }
    end
  end
  return findings
end

-- The findings that keep a Service from selecting at all; nil when there is a selector and a workload with labels.
local function not_wired(self, deploy)
  local findings = lib.unreachable(self:get("spec.selector")) or {}
  local selector = self:get("spec.selector")
  if #findings == 0 and (lib.is_empty(selector) or lib.is_map(selector.node) and #selector.node:keys() == 0) then
    findings[1] = lib.finding { key = "service.no-selector", about = selector, own = true, want = want_pods(deploy), params = { service = self.name } }
  elseif #findings == 0 and not lib.is_map(selector.node) then
    findings[1] = lib.finding { key = "path.not-map", about = selector, own = true, want = { op = "map" } }
  end
  local path = lib.pod_labels[deploy.kind]
  if not path then lib.mistake(3, "a %s makes no Pods, so no Service can select it", deploy.kind) end
  local labels = lib.test.side == "live" and deploy or deploy:get(path)      -- live, the labels that count are those of its Pods
  for _, finding in ipairs(lib.unreachable(labels) or {}) do findings[#findings + 1] = finding end
  if #findings == 0 and lib.is_empty(labels) then
    findings[1] = lib.finding { key = "path.missing", about = labels, want = { op = "exists" } }
  end
  return #findings > 0 and findings or nil
end

local function check_workload(word, deploy)
  if not lib.is(deploy, lib.Object) then lib.mistake(3, "%s wants a workload, as in %s(t:one(\"Deployment\", \"web\"))", word, word) end
end

-- Everything that makes Pods and is caught by the selector, `deploy` left out: objects.
local function others_caught(self, deploy)
  local list = {}
  local selector = self:get("spec.selector").node
  if lib.test.side == "live" then
    local own = {}
    for _, pod in ipairs(lib.pods_of(deploy).list) do own[lib.uid(pod)] = true end
    for _, pod in ipairs(lib.in_namespace("Pod")) do
      if not own[lib.uid(pod)] and lib.map_selects(selector, pod:get("metadata.labels").node or nil) then list[#list + 1] = pod end
    end
    return list
  end
  for _, other in ipairs(lib.in_files()) do
    if lib.contains(lib.makers, other.kind) and not (other.kind == deploy.kind and other.name == deploy.name)
        and lib.map_selects(selector, lib.pod_labels_of(other)) then
      list[#list + 1] = other
    end
  end
  return list
end

-- Files: the selector holds for the labels in the workload's template. Live: for its Pods, and they are ready endpoints.
function service:selects(deploy)
  check_workload("selects", deploy)
  local blocked = not_wired(self, deploy)
  if blocked then return lib.fail_all(blocked) end
  if lib.test.side ~= "live" then return lib.pass_unless(mismatches(self, deploy, lib.pod_labels_of(deploy))) end
  local pods = lib.pods_of(deploy)
  local none = lib.no_pods(pods)
  if none then return lib.fail_all(none) end
  if not lib.map_selects(self:get("spec.selector").node, pods.list[1]:get("metadata.labels").node or nil) then
    return lib.fail_all(mismatches(self, deploy, pods.list[1]:get("metadata.labels").node or nil))
  end
  return self:endpoints():include(pods)
end

-- As selects, and nobody else's Pods are found.
function service:selects_only(deploy)
  check_workload("selects_only", deploy)
  local blocked = not_wired(self, deploy)
  if blocked then return lib.fail_all(blocked) end
  local results = { self:selects(deploy) }
  for _, other in ipairs(others_caught(self, deploy)) do
    results[#results + 1] = lib.fail(lib.finding {
      key = "service.also-selects", about = self:get("spec.selector"), node = "key", own = true,
      want = { op = "selects_only", type = "object", value = deploy.kind .. "/" .. deploy.name },
      params = { service = self.name, other_kind = other.kind, other = other.name, workload_kind = deploy.kind, workload = deploy.name },
    })
  end
  return lib.all(results)
end

-- With two ports or more each needs a name; the API server refuses the Service otherwise.
function service:ports_named()
  local blocked = lib.unreachable(self:get("spec.ports"))
  if blocked then return lib.fail_all(blocked) end
  local ports = lib.children(self:get("spec.ports"))
  local findings = {}
  for i, port in ipairs(ports) do
    local name = port:get("name")
    if #ports > 1 and (lib.is_empty(name) or name:text() == "") then
      findings[#findings + 1] = lib.finding {
        key = "service.port-unnamed", about = name, own = true, want = { op = "name" },
        params = { service = self.name, port = port:get("port"):text(), ports = #ports, item = ("ports[%d].name"):format(i - 1) },
      }
    end
  end
  if #ports == 0 then findings[1] = lib.finding { key = "path.missing", about = self:get("spec.ports"), want = { op = "exists" } } end
  return lib.pass_unless(findings)
end

-- --- one port of a Service ------------------------------------------------------------------------------------------------

lib.ServicePort = lib.class("a port of a Service", lib.Field)
local port_words = lib.ServicePort.words

-- The port that callers use, by number or by name. A Service that has no such port gives a port that loses everything.
function service:port(wanted)
  if math.type(wanted) ~= "integer" and type(wanted) ~= "string" then lib.mistake(2, "port(80) or port(\"http\"), not port(%s)", type(wanted)) end
  local field = self:get(type(wanted) == "string" and ('spec.ports[name="%s"]'):format(wanted) or ("spec.ports[port=%d]"):format(wanted))
  for _, port in ipairs(lib.children(self:get("spec.ports"))) do
    local value = port:get(type(wanted) == "string" and "name" or "port"):value()
    if value == wanted then field = port break end
  end
  local attributes = {}
  for name, value in pairs(field) do attributes[name] = value end
  attributes.service, attributes.wanted = self, wanted
  return lib.make(lib.ServicePort, attributes)
end

-- No such port: what to say. Swapped when another port sends to that number.
local function no_port(self)
  local svc = self.service
  local blocked = lib.unreachable(svc:get("spec.ports"))
  if blocked then return blocked end
  local numbers = {}
  for _, port in ipairs(lib.children(svc:get("spec.ports"))) do
    local number, target = port:get("port"):value(), port:get("targetPort"):value()
    if target ~= nil and tostring(target) == tostring(self.wanted) and number ~= nil then
      return { lib.finding {
        key = "service.ports-swapped", about = port:get("port"), own = true, want = { op = "equals", type = "number", value = self.wanted },
        params = { service = svc.name, callers = self.wanted, port = number, target = target },
      } }
    end
    numbers[#numbers + 1] = tostring(number)
  end
  return { lib.finding {
    key = "service.no-port", about = svc:get("spec.ports"), node = "key", own = true, want = { op = "contains", type = "port", value = self.wanted },
    got = { state = "written", type = "list", text = table.concat(numbers, ", ") }, params = { service = svc.name, port = self.wanted, ports = table.concat(numbers, ", ") },
  } }
end

-- Where the port ends in the Pods of a workload: its number, or nil and the findings that say why nowhere.
local function ends_at(self, deploy, target, protocol)
  local number = target:value()
  if math.type(number) == "integer" then return number end
  if lib.is_empty(target) then return nil, { lib.finding { key = "path.missing", about = target, want = { op = "exists" } } } end
  local names = {}
  for _, port in ipairs(lib.container_ports(deploy)) do
    if port.name == number and port.protocol == protocol then return port.number end
    if port.name ~= "" then names[#names + 1] = port.name end
  end
  return nil, { lib.finding {
    key = "service.port-lost", about = target, own = true, want = { op = "names_port_of", type = "object", value = deploy.kind .. "/" .. deploy.name },
    params = { service = self.service.name, port_name = tostring(number), workload_kind = deploy.kind, workload = deploy.name, names = table.concat(names, ", ") },
  } }
end

-- The port ends where the workload's program listens. listens: the number the lab says; without it, any declared container port will do (and
-- where none is declared nothing can be said: containerPort is information only).
function port_words:reaches(deploy, listens)
  check_workload("reaches", deploy)
  if listens ~= nil and math.type(listens) ~= "integer" then lib.mistake(2, "reaches(deploy, 8080): the second is the number the program listens on") end
  if not self.node then return lib.fail_all(no_port(self)) end
  local blocked = lib.unreachable(deploy)
  if blocked then return lib.fail_all(blocked) end

  local target = self:get("targetPort", "effective")
  local protocol = self:get("protocol", "effective"):text()
  local number, lost = ends_at(self, deploy, target, protocol)
  if not number then return lib.fail_all(lost) end

  local declared, claims = false, false
  for _, port in ipairs(lib.container_ports(deploy)) do
    declared = true
    if port.number == number and port.protocol == protocol then claims = claims or port end
  end
  local params = { service = self.service.name, port = self:get("port"):value(), target = number, workload_kind = deploy.kind, workload = deploy.name }
  if number ~= listens and listens and claims then
    -- A containerPort was written to meet the Service; the program does not read it.
    return lib.fail(lib.finding {
      key = "container-port.moves-nothing", about = claims.field:get("containerPort"), own = true, want = { op = "listens", type = "port" },
      params = { container = claims.container, target = number },       -- not the Service: several may meet there, and it is one mistake
    })
  end
  if (listens and number ~= listens) or (not listens and declared and not claims) then
    return lib.fail(lib.finding { key = "service.target-port", about = target, own = true, params = params, want = { op = "listens", type = "port" } })
  end
  if lib.test.side == "live" then return self.service:endpoints():have_port(self:get("name"):text(), number, params) end
  return lib.pass()
end
