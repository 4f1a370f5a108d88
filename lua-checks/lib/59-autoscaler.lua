-- autoscaler: whom a HorizontalPodAutoscaler scales, by what, and whether it can. Versions v1 and v2 are read alike.
--
--   hpa:scales(deploy)              scaleTargetRef names this workload
--   hpa:target("cpu"):equals(70)    the wanted average utilization of a resource, as a field
--   hpa:can_measure(deploy)         every container of the workload asks for that much of each resource measured
--   hpa:active()                    live: it reads its metrics and may scale
local lib = lib

local hpa = lib.words_for("HorizontalPodAutoscaler")

-- v1 and v2 are served; the betas are gone from every version of Kubernetes that is still looked after.
local function removed(self)
  if self.node and type(self.apiVersion) == "string" and self.apiVersion:find("^autoscaling/v2beta") then
    return lib.fail(lib.finding { key = "hpa.removed", about = self:get("apiVersion"), own = true, want = { op = "equals", type = "text", value = "autoscaling/v2" }, params = { version = self.apiVersion } })
  end
  return nil
end

function hpa:scales(deploy)
  if not lib.is(deploy, lib.Object) then lib.mistake(2, "scales(t:one(\"Deployment\", \"web\"))") end
  local blocked = lib.unreachable(self:get("spec.scaleTargetRef")) or lib.unreachable(deploy)
  if blocked then return lib.fail_all(blocked) end
  local gone = removed(self)
  if gone then return gone end
  local ref, findings = self:get("spec.scaleTargetRef"), {}
  local wanted = { kind = deploy.kind, name = deploy.name }
  if lib.is_empty(ref) then return lib.fail(lib.finding { key = "path.missing", about = ref, want = { op = "exists" } }) end
  for _, part in ipairs { "kind", "name" } do
    local field = ref:get(part)
    if lib.is_empty(field) then
      findings[#findings + 1] = lib.finding { key = "path.missing", about = field, want = { op = "exists" } }
    elseif field:text() ~= wanted[part] then
      findings[#findings + 1] = lib.finding { key = "hpa.other-target", about = field, own = true, want = { op = "equals", type = "text", value = wanted[part] },
                                              params = { hpa = self.name, workload_kind = deploy.kind, workload = deploy.name, other = ref:get("kind"):text() .. "/" .. ref:get("name"):text() } }
    end
  end
  local group = ref:get("apiVersion")
  if #findings == 0 and deploy.apiVersion and not lib.is_empty(group) and group:text():match("^[^/]*") ~= deploy.apiVersion:match("^[^/]*") then
    findings[1] = lib.finding { key = "value.equals", about = group, own = true, want = { op = "equals", type = "text", value = deploy.apiVersion } }
  end
  return lib.pass_unless(findings)
end

-- The metric of a resource: the item of spec.metrics, or nil; whatever it is called in v1.
local function metric_of(self, resource)
  for _, metric in ipairs(lib.children(self:get("spec.metrics"))) do
    local where = metric:get("type"):text() == "ContainerResource" and "containerResource" or "resource"
    if metric:get(where .. ".name"):text() == resource then return metric:get(where) end
  end
  return nil
end

-- The average utilization in per cent that is wanted of a resource ("cpu", "memory"), as a field.
function hpa:target(resource)
  if type(resource) ~= "string" then lib.mistake(2, "target(\"cpu\")") end
  if self.apiVersion == "autoscaling/v1" and resource == "cpu" then return self:get("spec.targetCPUUtilizationPercentage") end
  local metric = metric_of(self, resource)
  if metric then return metric:get("target.averageUtilization") end
  local field = self:get("spec.metrics")
  local blocked = lib.unreachable(field)
  local none = lib.literal(self, "spec.metrics", nil)
  none.literal.away = removed(self) or (blocked and lib.fail_all(blocked)) or
                      lib.fail(lib.finding { key = "hpa.no-metric", about = field, own = true, want = { op = "contains", type = "text", value = resource }, params = { hpa = self.name, resource = resource } })
  return none
end

-- A utilization is a share of what the containers ask for: each must ask.
function hpa:can_measure(deploy)
  if not lib.is(deploy, lib.Object) then lib.mistake(2, "can_measure(t:one(\"Deployment\", \"web\"))") end
  local blocked = lib.unreachable(self:get("spec")) or lib.unreachable(deploy)
  if blocked then return lib.fail_all(blocked) end
  local resources, findings = {}, {}
  if self.apiVersion == "autoscaling/v1" or lib.is_empty(self:get("spec.metrics")) then resources[1] = "cpu" end     -- v2 without metrics: CPU at 80 %
  for _, name in ipairs { "cpu", "memory" } do
    local metric = metric_of(self, name)
    if metric and metric:get("target.type"):text() ~= "AverageValue" and not lib.contains(resources, name) then resources[#resources + 1] = name end
  end
  for _, container in ipairs(lib.containers(deploy)) do
    for _, resource in ipairs(resources) do
      local asked, most = container:get("resources.requests." .. resource), container:get("resources.limits." .. resource)      -- a limit alone is the request too
      if lib.is_empty(asked) and lib.is_empty(most) then
        findings[#findings + 1] = lib.finding { key = "hpa.no-request", about = asked, own = true, want = { op = "exists" },
                                                params = { hpa = self.name, container = container:get("name"):text(), resource = resource } }
      end
    end
  end
  return lib.pass_unless(findings)
end

-- It reads its metrics and may scale. Right after it was made neither is known yet: put it in a t:wait.
function hpa:active()
  local blocked = lib.unreachable(self)
  if blocked then return lib.fail_all(blocked) end
  if not self.live then lib.mistake(2, "active looks at the namespace: put it in a check on \"live\"") end
  local findings, known = {}, false
  for _, condition in ipairs(lib.children(self:get("status.conditions"))) do
    local kind, status, reason = condition:get("type"):text(), condition:get("status"):text(), condition:get("reason"):text()
    if kind == "ScalingActive" or kind == "AbleToScale" then
      known = known or kind == "ScalingActive"
      if status == "False" then
        findings[#findings + 1] = lib.finding { key = reason == "ScalingDisabled" and "hpa.at-zero" or kind == "AbleToScale" and "hpa.no-target" or "hpa.blind", about = condition, own = true,
                                                params = { hpa = self.name, reason = reason, message = lib.cut(condition:get("message"):text()) } }
      end
    end
  end
  if #findings == 0 and not known then
    findings[1] = lib.finding { key = "hpa.unknown", about = self:get("status.conditions"), own = true, params = { hpa = self.name } }
  end
  return lib.pass_unless(findings)
end
