-- container: what a container is given: environment and files, and whether what it is given exists.
--
--   deploy:container("web")                                  the container of that name; without a name the only one
--   container:env("COLOUR"):comes_from("ConfigMap", "settings", "colour")     by valueFrom or envFrom; the key may be left out where it is the name
--   container:env("COLOUR"):equals("green")                  the value as written; all words of fields
--   container:mount("/data"):comes_from("PersistentVolumeClaim", "data")      ConfigMap, Secret, PersistentVolumeClaim, emptyDir, hostPath, nfs …
--   deploy:wired()                                           every volume, ConfigMap, Secret and claim that the template names is there
local lib = lib

lib.Container = lib.class("a container", lib.Field)
lib.Env = lib.class("an environment variable", lib.Field)
lib.Mount = lib.class("a mount", lib.Field)

-- A field with words of its own, and what these need.
local function as(class, field, more)
  local attributes = {}
  for name, value in pairs(field) do attributes[name] = value end
  for name, value in pairs(more) do attributes[name] = value end
  return lib.make(class, attributes)
end

local function spec_of(object) return object:get(lib.pod_spec[object.kind]) end

local function all_containers(object)
  local list = lib.children(spec_of(object):get("containers"))
  for _, container in ipairs(lib.children(spec_of(object):get("initContainers"))) do list[#list + 1] = container end
  return list
end

local function container(self, name)
  if name ~= nil and type(name) ~= "string" then lib.mistake(2, "container(\"web\")") end
  local list = lib.children(spec_of(self):get("containers"))
  local field
  if name then
    for _, one in ipairs(all_containers(self)) do
      if one:get("name"):text() == name then field = one break end
    end
    field = field or lib.down(spec_of(self):get("containers"), { where = { { "name", name } } })
  else
    field = #list == 1 and list[1] or spec_of(self):get("containers[0]")
  end
  return as(lib.Container, field, { workload = self })
end

local sources = { ConfigMap = { env = "configMapKeyRef", all = "configMapRef" }, Secret = { env = "secretKeyRef", all = "secretRef" } }

local function exists(kind, name) return lib.find(kind, name) end

-- Does this ConfigMap or Secret hold the key? (Of a live Secret the keys are told, never the values.)
local function holds_key(object, key)
  for _, part in ipairs { "data", "stringData", "binaryData" } do
    local map = object:get(part).node
    if lib.is_map(map) and map:get(key) then return true end
  end
  return false
end

-- --- environment -------------------------------------------------------------------------------------------------------

function lib.Container.words:env(name)
  if type(name) ~= "string" then lib.mistake(2, "env(\"COLOUR\")") end
  local item
  for _, one in ipairs(lib.children(self:get("env"))) do
    if one:get("name"):text() == name then item = one end      -- the last of a name counts
  end
  item = item or lib.down(self:get("env"), { where = { { "name", name } } })
  return as(lib.Env, item:get("value"), { item = item, container = self, variable = name })
end

-- From which object and key the variable comes: { kind, name, key, about }; nil where from none.
local function origin(self)
  if self.item.node then
    for kind, words_of in pairs(sources) do
      local ref = self.item:get("valueFrom." .. words_of.env)
      if not lib.is_empty(ref) then return { kind = kind, name = ref:get("name"):text(), key = ref:get("key"):text(), about = ref:get("name"), key_field = ref:get("key") } end
    end
    return nil
  end
  local found
  for _, from in ipairs(lib.children(self.container:get("envFrom"))) do
    for kind, words_of in pairs(sources) do
      local ref, prefix = from:get(words_of.all .. ".name"), from:get("prefix"):text()
      if not lib.is_empty(ref) and self.variable:sub(1, #prefix) == prefix then
        local key, object = self.variable:sub(#prefix + 1), exists(kind, ref:text())
        if object.node and holds_key(object, key) then found = { kind = kind, name = ref:text(), key = key, about = ref, key_field = ref } end
      end
    end
  end
  return found
end

function lib.Env.words:comes_from(kind, name, key)
  if not sources[kind] or type(name) ~= "string" then lib.mistake(2, "comes_from(\"ConfigMap\" or \"Secret\", \"name\", \"key\")") end
  key = key or self.variable
  local blocked = lib.unreachable(self.container) or (not self.container.node and { lib.finding { key = "path.missing", about = self.container, want = { op = "exists" } } }) or nil
  if blocked then return lib.fail_all(blocked) end
  local params = { variable = self.variable, container = self.container:get("name"):text(), source_kind = kind, source = name, key = key }
  local function said(finding_key, about, want, more)
    for label, value in pairs(more or {}) do params[label] = value end
    return lib.fail(lib.finding { key = finding_key, about = about, own = true, want = want, params = params })
  end
  local from, want = origin(self), { op = "from", type = "object", value = kind .. "/" .. name }
  if not from then
    if self.item.node and not lib.is_empty(self.item:get("value")) then return said("env.literal", self.item:get("value"), want) end
    if self.item.node then return said("env.other-source", self.item, want, { other = "-" }) end
    return said("env.missing", self.container:get("env"), want)
  end
  if from.kind ~= kind or from.name ~= name then return said("env.other-source", from.about, want, { other = from.kind .. "/" .. from.name }) end
  local object = exists(kind, name)
  if not object.node then return said("env.no-object", from.about, want) end
  if from.key ~= key then return said("env.other-key", from.key_field, { op = "equals", type = "text", value = key }, { other = from.key }) end
  if not holds_key(object, key) then return said("env.no-key", from.key_field, want) end
  return lib.pass()
end

-- --- files -----------------------------------------------------------------------------------------------------------------

function lib.Container.words:mount(path)
  if type(path) ~= "string" or path:sub(1, 1) ~= "/" then lib.mistake(2, "mount(\"/data\")") end
  local function trimmed(text) return #text > 1 and text:gsub("/+$", "") or text end
  local found
  for _, one in ipairs(lib.children(self:get("volumeMounts"))) do
    if trimmed(one:get("mountPath"):text()) == trimmed(path) then found = one break end
  end
  return as(lib.Mount, found or lib.down(self:get("volumeMounts"), { where = { { "mountPath", path } } }), { container = self, mount_path = path })
end

-- Where each kind of volume names what it is made from.
local volume_of = {
  ConfigMap = { "configMap", "name" }, Secret = { "secret", "secretName" }, PersistentVolumeClaim = { "persistentVolumeClaim", "claimName" },
  emptyDir = { "emptyDir" }, hostPath = { "hostPath" }, nfs = { "nfs" }, projected = { "projected" }, downwardAPI = { "downwardAPI" },
}

local function volume_named(workload, name)
  for _, volume in ipairs(lib.children(spec_of(workload):get("volumes"))) do
    if volume:get("name"):text() == name then return volume end
  end
  -- a StatefulSet's own claims are volumes too
  for _, template in ipairs(workload.kind == "StatefulSet" and lib.children(workload:get("spec.volumeClaimTemplates")) or {}) do
    if template:get("metadata.name"):text() == name then return template, true end
  end
  return nil
end

-- kind: that of the object, or the volume's own word ("emptyDir"). name: for the kinds that have one.
function lib.Mount.words:comes_from(kind, name)
  if not volume_of[kind] then lib.mistake(2, "comes_from knows ConfigMap, Secret, PersistentVolumeClaim, emptyDir, hostPath, nfs, projected, downwardAPI; not '%s'", tostring(kind)) end
  local container_field, workload = self.container, self.container.workload
  local blocked = lib.unreachable(container_field) or (not container_field.node and { lib.finding { key = "path.missing", about = container_field, want = { op = "exists" } } }) or nil
  if blocked then return lib.fail_all(blocked) end
  local params = { container = container_field:get("name"):text(), mount = self.mount_path, source_kind = kind, source = name or "" }
  local want = { op = "from", type = "object", value = name and kind .. "/" .. name or kind }
  if not self.node then return lib.fail(lib.finding { key = "mount.missing", about = container_field:get("volumeMounts"), own = true, want = want, params = params }) end
  params.volume = self:get("name"):text()
  local volume, is_template = volume_named(workload, params.volume)
  if not volume then return lib.fail(lib.finding { key = "mount.volume-lost", about = self:get("name"), own = true, want = { op = "exists" }, params = params }) end
  if is_template then
    if kind == "PersistentVolumeClaim" and (name == nil or name == params.volume) then return lib.pass() end
    return lib.fail(lib.finding { key = "mount.other-source", about = volume, own = true, want = want, params = params })
  end
  local source = volume:get(volume_of[kind][1])
  local field = volume_of[kind][2] and source:get(volume_of[kind][2]) or source
  if lib.is_empty(source) and not lib.is_map(source.node) or (name and field:text() ~= name) then
    return lib.fail(lib.finding { key = "mount.other-source", about = lib.is_map(source.node) and field or volume, own = true, want = want, params = params })
  end
  if name and not exists(kind, name).node then return lib.fail(lib.finding { key = "mount.no-object", about = field, own = true, want = want, params = params }) end
  return lib.pass()
end

-- --- everything at once ------------------------------------------------------------------------------------------------------

-- What the template names is there: each mount's volume, each volume's object, each variable's object and key. `optional: true` may be missing.
local function wired(self)
  local blocked = lib.unreachable(spec_of(self))
  if blocked then return lib.fail_all(blocked) end
  local findings = {}
  local function look(kind, name, key)
    if lib.is_empty(name) or name.up:get("optional"):value() == true then return end
    local object = exists(kind, name:text())
    local params = { source_kind = kind, source = name:text(), key = key and key:text() or "" }
    if not object.node then
      findings[#findings + 1] = lib.finding { key = "wiring.no-object", about = name, own = true, want = { op = "exists" }, params = params }
    elseif key and not lib.is_empty(key) and not holds_key(object, key:text()) then
      findings[#findings + 1] = lib.finding { key = "wiring.no-key", about = key, own = true, want = { op = "exists" }, params = params }
    end
  end
  for _, one in ipairs(all_containers(self)) do
    for _, mount in ipairs(lib.children(one:get("volumeMounts"))) do
      local name = mount:get("name")
      if not lib.is_empty(name) and not volume_named(self, name:text()) then
        findings[#findings + 1] = lib.finding { key = "mount.volume-lost", about = name, own = true, want = { op = "exists" },
                                                params = { container = one:get("name"):text(), mount = mount:get("mountPath"):text(), volume = name:text() } }
      end
    end
    for kind, words_of in pairs(sources) do
      for _, variable in ipairs(lib.children(one:get("env"))) do
        local ref = variable:get("valueFrom." .. words_of.env)
        look(kind, ref:get("name"), ref:get("key"))
      end
      for _, from in ipairs(lib.children(one:get("envFrom"))) do look(kind, from:get(words_of.all .. ".name")) end
    end
  end
  for _, volume in ipairs(lib.children(spec_of(self):get("volumes"))) do
    for _, kind in ipairs { "ConfigMap", "Secret", "PersistentVolumeClaim" } do look(kind, volume:get(volume_of[kind][1]):get(volume_of[kind][2])) end
  end
  return lib.pass_unless(findings)
end

for kind in pairs(lib.pod_spec) do
  local words = lib.words_for(kind)
  words.container, words.wired = container, wired
end
