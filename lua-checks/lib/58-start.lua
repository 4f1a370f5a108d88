-- start: what an object of the set-up was when the attempt began. Live: as the platform took it down when the set-up had settled; files: as it
-- stands in the lab's setup/. It proves that something was kept, or was replaced.
--
--   t:must(start("Deployment", "front"):unchanged())    still the same object, with the same spec
--   t:must(start("Service", "a"):kept())                still the same object (a Service: with the same address)
local lib = lib

lib.Start = lib.class("a start object")
local words = lib.Start.words

export.start = function(kind, name)
  if lib.is(kind, lib.Object) then kind, name = kind.kind, kind.name end
  if type(kind) ~= "string" or type(name) ~= "string" then lib.mistake(2, "start(\"Deployment\", \"web\")") end
  local test = lib.test
  if not test then lib.mistake(2, "start is asked inside a check") end
  local begun = { kind = kind, name = name, node = false, unknown = false, never = false }
  if test.side == "live" then
    local objects = host.start()
    begun.unknown, begun.never = not objects, objects == false
    for _, node in ipairs(objects or {}) do
      if lib.text_of(node:get("kind")) == kind and lib.text_of(node:get("metadata"):get("name")) == name then begun.node = node end
    end
  else
    for _, record in ipairs(host.setup()) do
      if record.kind == kind and record.name == name then begun.node = record.node end
    end
  end
  if not begun.node and not begun.unknown then lib.mistake(2, "the set-up has no %s %s", kind, name) end
  return lib.make(lib.Start, begun)
end

local function not_known(self)
  if self.never then lib.trouble("unobserved", "error.start", "nobody saw how this namespace began") end
  if host.closing then lib.trouble("platform", "error.start", "closing run without a start state") end
  local finding = lib.finding { key = "start.unknown", params = { kind = self.kind, name = self.name } }
  return lib.not_yet({ finding }, { id = lib.wait_id("start", self.kind, self.name), kind = self.kind, name = self.name, deadline_ms = host.now + 2000, until_ms = host.now + 2000, again_ms = host.now + 2000 })
end

local function text_at(node, ...)
  for _, key in ipairs { ... } do node = lib.is_map(node) and node:get(key) or nil end
  return lib.text_of(node)
end

-- The findings that keep the object of now from being the one of the start; nil and that object when it is.
local function other_object(self)
  local now = lib.find(self.kind, self.name)
  if not now.node then
    return { lib.finding { key = "start.gone", about = now, got = { state = "absent" }, own = true, params = { kind = self.kind, name = self.name } } }
  end
  if lib.test.side ~= "live" then return nil, now end
  if lib.uid(now) ~= text_at(self.node, "metadata", "uid")
      or (self.kind == "Service" and now:get("spec.clusterIP"):text() ~= text_at(self.node, "spec", "clusterIP")) then
    return { lib.finding { key = "start.replaced", about = now:get("metadata.uid"), got = false, own = true, params = { kind = self.kind, name = self.name } } }
  end
  return nil, now
end

-- Still the object of the start.
function words:kept()
  if self.unknown then return not_known(self) end
  local other = other_object(self)
  return lib.pass_unless(other or {})
end

local exact = { labels = true, matchLabels = true, selector = true, nodeSelector = true, annotations = true }

-- Walks what was and what is; adds the fields that differ. In a file what the set-up does not say may be said (defaults, for one),
-- but not among labels and selectors; live, every field counts.
local function differences(was, field, list, strict)
  local is = field.node
  if not is or was:type() ~= is:type() then list[#list + 1] = field return end
  if was:same(is) then return end
  if was:type() == "map" then
    for _, key in ipairs(was:keys()) do
      differences(was:get(key), lib.down(field, { key = key }), list, strict or exact[key])
    end
    for _, key in ipairs(strict and is:keys() or {}) do
      if not was:get(key) then list[#list + 1] = lib.down(field, { key = key }) end
    end
  elseif was:type() == "list" then
    if was:len() ~= is:len() then list[#list + 1] = field return end
    for i = 1, was:len() do differences(was:at(i), lib.down(field, { index = i - 1 }), list, strict) end
  else
    list[#list + 1] = field
  end
end

-- Still the object of the start, and its spec says what it said.
function words:unchanged()
  if self.unknown then return not_known(self) end
  local other, now = other_object(self)
  if other then return lib.fail_all(other) end
  local was, changed = self.node:get("spec"), {}
  if was then differences(was, now:get("spec"), changed, lib.test.side == "live") end
  local findings = {}
  for i, field in ipairs(changed) do
    if i > 10 then break end
    local path = lib.path_text(lib.steps_to(field))
    local selector = self.kind ~= "Service" and path:find("^spec%.selector")
    findings[i] = lib.finding {
      key = selector and "selector.fixed" or "start.changed", about = field, own = true, want = { op = "unchanged" },
      params = { kind = self.kind, name = self.name, field = path },
    }
  end
  return lib.pass_unless(findings)
end
