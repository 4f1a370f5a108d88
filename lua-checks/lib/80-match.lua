-- match: "the object must look like this", written as YAML. Each leaf is one share; kind, name and the keys that choose list items only find the
-- place. Lists that have a key (containers by name, ports by number, conditions by type) may stand in any order and may hold more; in
-- other lists each wanted item must be found, and only the one that comes closest is explained.
--
-- Tags: !at-least !at-most !between [a, b] !one-of [a, b] !not !glob !image !has !present !absent !null !exact !rolled-out
local lib = lib

local keys_of = {           -- list -> the fields that choose an item of it
  containers = { "name" }, initContainers = { "name" }, volumes = { "name" }, env = { "name" }, imagePullSecrets = { "name" },
  ports = { "containerPort", "port", "name" }, conditions = { "type" }, volumeMounts = { "mountPath" }, envFrom = {}, rules = { "host" },
}

local function value_of(pattern)
  local type = pattern:type()
  if type == "number" then return pattern:int() or tonumber(pattern:text()) end
  if type == "bool" then return pattern:bool() end
  return pattern:text()
end

local function values_of(pattern)
  local list = {}
  for i = 1, pattern:len() do list[i] = value_of(pattern:at(i)) end
  return list
end

-- The tags of single values: pattern and field to a result.
local tags = {
  ["!at-least"] = function(pattern, field) return field:at_least(value_of(pattern)) end,
  ["!at-most"] = function(pattern, field) return field:at_most(value_of(pattern)) end,
  ["!between"] = function(pattern, field) local list = values_of(pattern) return field:between(list[1], list[2]) end,
  ["!one-of"] = function(pattern, field) return field:one_of(values_of(pattern)) end,
  ["!not"] = function(pattern, field) return field:differs(value_of(pattern)) end,
  ["!glob"] = function(pattern, field) return field:matches(value_of(pattern)) end,
  ["!image"] = function(pattern, field) return field:equals(value_of(pattern)) end,
  ["!has"] = function(pattern, field) return field:contains(value_of(pattern)) end,
  ["!present"] = function(_, field) return field:exists() end,
  ["!absent"] = function(_, field) return field:absent() end,
  ["!null"] = function(_, field)
    if field.node and field.node:type() == "null" then return lib.pass() end
    return lib.fail(lib.finding { key = "value.equals", about = field, own = true, want = { op = "equals", type = "null", value = "null" } })
  end,
  ["!rolled-out"] = function(_, field) return field.object:rolled_out() end,
}

local walk      -- below

-- Which of its fields chooses an item of this list: { name, pattern } or nil.
local function chooser(list_name, item)
  for _, name in ipairs(keys_of[list_name] or {}) do
    local wanted = item:type() == "map" and item:get(name)
    if wanted and not wanted:tag() then return name, wanted:text() end
  end
  return nil
end

local function count_won(results)
  local won = 0
  for _, result in ipairs(results) do
    if result:holds() then won = won + 1 end
  end
  return won
end

-- One wanted item of a list: adds its results.
local function match_item(pattern, list, results)
  local name = list.step and list.step.key
  local key, value = chooser(name, pattern)
  if key then
    walk(pattern, lib.down(list, { where = { { key, value } } }), results, key)
    return
  end
  local best, best_won
  for _, item in ipairs(lib.children(list)) do
    local tried = {}
    walk(pattern, item, tried)
    local won = count_won(tried)
    if not best or won > best_won then best, best_won = tried, won end
  end
  if not best then
    best = {}
    walk(pattern, lib.down(list, { index = 0 }), best)
  end
  for _, result in ipairs(best) do results[#results + 1] = result end
end

-- Walks a pattern beside an object. chosen: a key of this map that only chose the place.
function walk(pattern, field, results, chosen)
  local tag, type = pattern:tag(), pattern:type()
  if tag and tag ~= "!exact" and tag:sub(1, 2) ~= "!!" and tag ~= "!text" then
    local check = tags[tag]
    if not check then lib.mistake(2, "match has no tag %s", tag) end
    results[#results + 1] = check(pattern, field)
  elseif type == "map" then
    for _, key in ipairs(pattern:keys()) do
      if key ~= chosen then walk(pattern:get(key), lib.down(field, { key = key }), results) end
    end
    if tag == "!exact" and field.node then
      for _, child in ipairs(lib.children(field)) do
        if not pattern:get(child.step.key) then results[#results + 1] = child:absent() end
      end
    end
  elseif type == "list" then
    for i = 1, pattern:len() do match_item(pattern:at(i), field, results) end
    if tag == "!exact" and field.node and field.node:type() == "list" and field.node:len() > pattern:len() then
      results[#results + 1] = lib.fail(lib.finding { key = "match.too-many", about = field, own = true, want = { op = "exact", type = "list", value = pattern:len() } })
    end
  elseif type == "null" then
    results[#results + 1] = tags["!null"](pattern, field)
  else
    results[#results + 1] = field:equals(value_of(pattern))
  end
end

-- The results of a match text, one for each leaf.
function lib.match(text)
  local pattern = host.parse(text)
  local kind = pattern:get("kind")
  if not kind then lib.mistake(2, "match needs a kind") end
  local meta = pattern:get("metadata")
  local name = meta and meta:get("name")
  local object, results = lib.find(kind:text(), name and name:text()), {}
  for _, key in ipairs(pattern:keys()) do
    if key == "metadata" then
      walk(meta, object:get("metadata"), results, "name")
    elseif key ~= "kind" and key ~= "apiVersion" then
      walk(pattern:get(key), lib.down(object, { key = key }), results)
    end
  end
  if #results == 0 then results[1] = object:exists() end
  return results, object
end
