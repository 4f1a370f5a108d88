-- endpoints: who stands behind a Service in the namespace. Only slices of Kubernetes' own controller count, all slices of a Service joined, an
-- address once by the Pod it names; `ready` that is not said is true; what is terminating is left out.
--
--   service:endpoints():exactly(t:pods(deploy))   these Pods and nobody else's
--   service:endpoints():include(t:pods(deploy))   these Pods among others
--   service:endpoints():at_least(2)               so many, whosoever they are
local lib = lib

lib.Endpoints = lib.class("endpoints")
local words = lib.Endpoints.words

local function read(service)
  local ready, ports, seen = {}, {}, {}
  for _, slice in ipairs(lib.in_namespace("EndpointSlice")) do
    local labels = slice:get("metadata.labels")
    if labels:get('["kubernetes.io/service-name"]'):text() == service.name
        and labels:get('["endpointslice.kubernetes.io/managed-by"]'):text() == "endpointslice-controller.k8s.io" then
      for _, endpoint in ipairs(lib.children(slice:get("endpoints"))) do
        local conditions = endpoint:get("conditions")
        local uid = endpoint:get("targetRef.uid"):text()
        if conditions:get("ready"):value() ~= false and conditions:get("terminating"):value() ~= true and uid ~= "" and not seen[uid] then
          seen[uid] = true
          ready[#ready + 1] = { uid = uid, name = endpoint:get("targetRef.name"):text() }
        end
      end
      for _, port in ipairs(lib.children(slice:get("ports"))) do
        ports[#ports + 1] = { name = port:get("name"):text(), number = port:get("port"):value() }
      end
    end
  end
  table.sort(ready, function(a, b) return a.name < b.name end)
  return ready, ports
end

local service_words = lib.words_for("Service")

function service_words:endpoints()
  if lib.test.side ~= "live" then lib.mistake(2, "endpoints looks at the namespace: put it in a check on \"live\"") end
  local ready, ports = {}, {}
  if self.node then ready, ports = read(self) end
  return lib.make(lib.Endpoints, { service = self, ready = ready, ports = ports })
end

local function names_of(list)
  local names = {}
  for i, one in ipairs(list) do names[i] = one.name end
  return table.concat(names, ", ")
end

local function said(self, key, pods, about_names, others)
  local service = self.service
  return lib.finding {
    key = key, about = service:get("spec.selector"), own = true,
    want = pods and { op = "endpoints", type = "pods", value = table.concat(pods:names(), ", ") } or nil,
    got = #self.ready == 0 and { state = "absent" } or { state = "written", type = "pods", text = lib.cut(names_of(self.ready)), value = lib.cut(names_of(self.ready)) },
    params = { service = service.name, pods = about_names or "", others = others or "", count = #self.ready,
               workload_kind = pods and pods.owner.kind or nil, workload = pods and pods.owner.name or nil },
  }
end

-- The findings about Pods of a set that are no ready endpoints.
local function lacking(self, pods)
  local is_endpoint, unselected, unready = {}, {}, {}
  for _, endpoint in ipairs(self.ready) do is_endpoint[endpoint.uid] = true end
  local selector = self.service:get("spec.selector").node or nil
  for _, pod in ipairs(pods.list) do
    if not is_endpoint[lib.uid(pod)] then
      local list = lib.map_selects(selector, pod:get("metadata.labels").node or nil) and unready or unselected
      list[#list + 1] = pod
    end
  end
  local findings = {}
  if #unselected > 0 then findings[1] = said(self, #self.ready == 0 and #unready == 0 and "endpoints.none" or "endpoints.missing", pods, names_of(unselected)) end
  if #unready > 0 then findings[#findings + 1] = said(self, "endpoints.not-ready", pods, names_of(unready)) end
  return findings
end

local function looked_at(self, pods)
  if not lib.is(pods, lib.Pods) then lib.mistake(3, "endpoints are compared with Pods: exactly(t:pods(deploy))") end
  if not self.service.node then return lib.missing_object(self.service) end
  return lib.no_pods(pods)
end

-- The ready endpoints are these Pods, all of them and nobody else.
function words:exactly(pods)
  local blocked = looked_at(self, pods)
  if blocked then return lib.fail_all(blocked) end
  local findings = lacking(self, pods)
  local own, foreign = {}, {}
  for _, pod in ipairs(pods.list) do own[lib.uid(pod)] = true end
  for _, endpoint in ipairs(self.ready) do
    if not own[endpoint.uid] then foreign[#foreign + 1] = endpoint end
  end
  if #foreign > 0 then findings[#findings + 1] = said(self, "endpoints.extra", pods, nil, names_of(foreign)) end
  return lib.pass_unless(findings)
end

-- All of these Pods are among the ready endpoints.
function words:include(pods)
  local blocked = looked_at(self, pods)
  if blocked then return lib.fail_all(blocked) end
  return lib.pass_unless(lacking(self, pods))
end

-- So many ready endpoints, whosoever they are.
function words:at_least(count)
  if not self.service.node then return lib.fail_all(lib.missing_object(self.service)) end
  if #self.ready >= count then return lib.pass() end
  local finding = said(self, #self.ready == 0 and "endpoints.none" or "endpoints.few")
  finding.want = { op = "at_least", type = "number", value = count }
  return lib.fail(finding)
end

-- The slices send this port of the Service to that number. params: those of port:reaches.
function words:have_port(name, number, params)
  if #self.ready == 0 then return lib.fail(said(self, "endpoints.none")) end
  for _, port in ipairs(self.ports) do
    if port.name == name and port.number == number then return lib.pass() end
  end
  return lib.fail(lib.finding { key = "endpoints.port", about = self.service:get("spec.ports"), got = false, own = true, params = params })
end
