-- object: a whole Kubernetes object, and how one is found: in what was handed in and the lab's set-up, or in the namespace.
-- An object is the field at its own top, so all words of fields work on it; kinds add their own (50 and up). A missing object is an object too.
--
--   t:one("Deployment", "web")                                  the object of that name; words on a missing one say so
--   t:one("Ingress")                                            the only one of its kind
--   t:every("Service")                                          all of a kind, as a list
--   object:get("metadata.labels[\"app.kubernetes.io/name\"]")   a field by its path
local lib = lib

lib.Object = lib.class("an object", lib.Field)
lib.kind_class = {}         -- kind -> class, for kinds that have words of their own

-- The class that holds the words of a kind; made when first asked for.
function lib.words_for(kind)
  if not lib.kind_class[kind] then lib.kind_class[kind] = lib.class("a " .. kind, lib.Object) end
  return lib.kind_class[kind].words
end

-- given: kind, and what is known of apiVersion, name, namespace, node, from_setup, live, file (its number in the hand-in), read.
local function make(given)
  local object = lib.make(lib.kind_class[given.kind] or lib.Object, {
    kind = given.kind, name = given.name or false, apiVersion = given.apiVersion or false, namespace = given.namespace or false,
    node = given.node or false,
    from_setup = given.from_setup or false,     -- it stands in the lab's setup/, not in what was handed in
    live = given.live or false,                 -- it was read from the namespace
    read = given.read or false,                 -- index of that read in the evidence
    why_missing = false,                        -- findings, once asked for; of an object that is not there
    several = given.several or false,
    up = false, step = false, number = false, default = false, literal = false,
  })
  object.object = object
  return object
end
lib.object = make

local function of_record(record)
  return make { kind = record.kind, apiVersion = record.apiVersion, name = record.name, namespace = record.namespace, node = record.node, from_setup = record.setup }
end

-- All objects of the files side: what was handed in, then what the set-up adds to it. Made once for each check.
function lib.in_files()
  local test = lib.test
  if not test.in_files then
    local list, seen = {}, {}
    for _, record in ipairs(host.files()) do
      list[#list + 1] = of_record(record)
      seen[record.kind .. "/" .. tostring(record.name)] = true
    end
    for _, record in ipairs(host.setup()) do
      if not seen[record.kind .. "/" .. tostring(record.name)] then list[#list + 1] = of_record(record) end
    end
    test.in_files = list
  end
  return test.in_files
end

-- The objects that a list call gave, those that are being deleted left out.
function lib.objects_of(kind, reply)
  local list = {}
  for _, item in ipairs(lib.items_of(reply.body and reply.body:get("items"))) do
    local meta = item:get("metadata")
    if meta and not meta:get("deletionTimestamp") then
      list[#list + 1] = make { kind = kind, apiVersion = lib.text_of(item:get("apiVersion")), name = lib.text_of(meta:get("name")), node = item, live = true, read = reply.read }
    end
  end
  list.read = reply.read
  return list
end

-- All objects of a kind in the namespace, those that are being deleted left out. One list call for a kind and pass: the namespace is small, the
-- evidence is whole, and a name two letters off is found without asking again.
function lib.in_namespace(kind)
  local test = lib.test
  if not test.listed[kind] then
    local reply = host.read { verb = "list", kind = kind }
    if reply.status ~= 200 then lib.trouble("cluster", "error.read", ("list %s: status %s"):format(kind, tostring(reply.status))) end
    test.listed[kind] = lib.objects_of(kind, reply)
  end
  return test.listed[kind]
end

-- The objects of a kind on the side that is being looked at.
function lib.of_kind(kind)
  if lib.test.side == "live" then return lib.in_namespace(kind) end
  local list = {}
  for _, object in ipairs(lib.in_files()) do
    if object.kind == kind then list[#list + 1] = object end
  end
  return list
end

-- One object. Without a name: the only one of its kind.
function lib.find(kind, name)
  local found, several = false, false
  for _, object in ipairs(lib.of_kind(kind)) do
    if name == nil or object.name == name then
      if found then several = several or { found } several[#several + 1] = object end
      found = found or object
    end
  end
  if several then return make { kind = kind, name = name, several = several } end
  return found or make { kind = kind, name = name, live = lib.test.side == "live", read = lib.test.side == "live" and lib.in_namespace(kind).read }
end

-- Why an object is not there, and what comes close to it: the same name under another kind, a name that is a slip, a file that was not applied.
function lib.missing_object(object)
  if object.why_missing then return object.why_missing end
  local list = {}
  object.why_missing = list
  if object.several then
    list[1] = lib.finding { key = "object.many", about = object.several[2], got = false, params = { kind = object.kind, count = #object.several } }
    return list
  end
  local want = { op = "object", type = "object", value = object.kind .. (object.name and "/" .. object.name or "") }
  list[1] = lib.finding { key = object.name and "object.missing" or "object.none", about = object, want = want, got = { state = "absent" }, params = { kind = object.kind, name = object.name or nil } }
  if not object.name then return list end

  local function hint(key, other)
    local name = other.node and other:get("metadata.name")
    list[#list + 1] = lib.finding { key = key, about = name or other, level = "info", params = { kind = other.kind, name = other.name, wanted = object.name, wanted_kind = object.kind } }
  end
  if lib.test.side == "live" then
    for _, other in ipairs(lib.in_namespace(object.kind)) do
      if lib.near(other.name, object.name) then hint("object.near-name", other) end
    end
    for _, record in ipairs(host.files()) do
      if record.kind == object.kind and record.name == object.name then hint("object.not-applied", of_record(record)) end
    end
    return list
  end
  for _, other in ipairs(lib.in_files()) do
    if not other.from_setup and other.name then
      if other.kind == object.kind and lib.near(other.name, object.name) then hint("object.near-name", other) end
      if other.kind ~= object.kind and other.name == object.name and lib.near(other.kind:lower(), object.kind:lower()) then hint("object.near-kind", other) end
    end
  end
  return list
end

-- The labels an object's Pods get, as a node or nil (files: from the template; a Pod: its own).
function lib.pod_labels_of(object)
  local path = lib.pod_labels[object.kind]
  local field = path and object:get(path)
  return field and field.node or nil
end

function lib.uid(object)
  return object:get("metadata.uid"):text()
end
