-- check: the words a lab's script is written in: check "id" { … }, and t, which its function is given.
--
--   t:share(field:equals(3))                                                             a share of the check's points
--   t:share(field:equals(3), "examples.own", { weight = 2, visible = "after-try(2)" })   with a message of the lab's own, a weight, and when it shows
--   t:must(field:exists())                                                               a gate: missed, the check earns nothing
--   for port in service:each("spec.ports") do t:share(port:get("name"):exists()) end     shares in the loop count together as one
local lib = lib

local declared, passed = {}, {}       -- id -> what was declared; id -> side -> true
local sides = { files = { "files" }, live = { "live" }, both = { "files", "live" } }
local visible_words = { always = true, ["after-due"] = true, ["after-release"] = true, never = true }

local function check_visible(level, visible)
  if visible ~= nil and not visible_words[visible] and not (type(visible) == "string" and visible:find("^after%-try%(%d+%)$")) then
    lib.mistake(level + 1, "visible is always, after-try(n), after-due, after-release or never; not '%s'", tostring(visible))
  end
end

export.check = function(id)
  if type(id) ~= "string" or not id:find("^[a-z][a-z0-9-]*$") then lib.mistake(2, "a check's id is lower-case letters, digits and hyphens: check \"web-runs\" { … }") end
  return function(given)
    local options = { points = true, on = true, step = true, needs = true, visible = true, show = true, match = true, whole = true, wait = true, strict = true, run = true }
    given = lib.options(2, "check \"" .. id .. "\"", given, options)
    if declared[id] then lib.mistake(2, "check \"%s\" stands twice", id) end
    if math.type(given.points) ~= "integer" or given.points < 1 then lib.mistake(2, "check \"%s\" wants points = a whole number", id) end
    if not sides[given.on] then lib.mistake(2, "check \"%s\" wants on = \"files\", \"live\" or \"both\"", id) end
    if type(given.step) ~= "string" then lib.mistake(2, "check \"%s\" wants step = \"…\", the step's file name without number and language", id) end
    if given.match == nil and type(given.run) ~= "function" then lib.mistake(2, "check \"%s\" has neither match nor run", id) end
    for _, need in ipairs(given.needs or {}) do
      if not declared[need] then lib.mistake(2, "check \"%s\" needs \"%s\", which does not stand above it", id, tostring(need)) end
    end
    if given.strict ~= nil and (given.strict ~= true or given.on ~= "files") then lib.mistake(2, "check \"%s\": strict = true, in a check on \"files\", or not at all", id) end
    check_visible(2, given.visible)
    declared[id] = given
    host.declare { id = id, points = given.points, on = given.on, step = given.step, needs = given.needs or {}, visible = given.visible or "always", show = given.show or "full", strict = given.strict or false }
  end
end

-- The parameters of the attempt: p.port. An unknown one is a mistake in the script.
export.p = setmetatable({}, {
  __name = "p",
  __index = function(_, name)
    return host.params[name]
  end,
})

-- --- t -------------------------------------------------------------------------------------------------------------------------------------

lib.Test = lib.class("t")
local words = lib.Test.words

function words:one(kind, name)
  if type(kind) ~= "string" then lib.mistake(2, "t:one(\"Service\", \"web\")") end
  return lib.find(kind, name)
end

-- All objects of a kind, as a list.
function words:every(kind)
  if type(kind) ~= "string" then lib.mistake(2, "t:every(\"Service\")") end
  local list = {}
  for i, object in ipairs(lib.of_kind(kind)) do list[i] = object end
  return list
end

local function needs_live(self, word)
  if self.side ~= "live" then lib.mistake(3, "%s looks at the namespace: put it in a check on \"live\", or behind if t.side == \"live\"", word) end
end

function words:pods(owner)
  if not lib.is(owner, lib.Object) then lib.mistake(2, "t:pods(t:one(\"Deployment\", \"web\"))") end
  needs_live(self, "t:pods")
  return lib.pods_of(owner)
end

function words:http(wish)
  needs_live(self, "t:http")
  return lib.http(wish)
end

function words:wait(kind, name, options, condition)
  return lib.wait(kind, name, options, condition)
end

-- Only in a check that says so, which is then left out as a whole where there is no API server: what a hand-in is worth must not hang on how far its
-- script came.
-- Live: the ReplicaSets that a Deployment has had.
function words:rollouts(kind, name)
  if kind ~= "Deployment" then lib.mistake(2, "t:rollouts(\"Deployment\", \"web\")") end
  needs_live(self, "t:rollouts")
  return lib.history(lib.find(kind, name))
end

function words:allowed(wish)
  return lib.allowed(wish)
end

function words:refused(wish)
  return lib.refused(wish)
end

function words:strict()
  if not declared[self.id].strict then lib.mistake(2, "t:strict() wants strict = true in check \"%s\"", self.id) end
  return lib.strict()
end

-- --- findings, shares, gates -------------------------------------------------------------------------------------------------

local function signature(finding)
  local object, at = finding.object or {}, finding.at or {}
  local parts = { finding.key, object.kind or "", object.name or "", finding.path or "", at.file or "", tostring(at.line or 0), tostring(at.col or 0) }
  for name, value in pairs(finding.params) do parts[#parts + 1] = name .. "=" .. tostring(value) end
  return table.concat(parts, "\0")
end

-- Says the findings of a result, each once in a check: a missing parent that many comparisons meet is one finding.
local function tell(test, result, key, options)
  for _, said in ipairs(result.findings) do
    local finding = {}
    for name, value in pairs(said) do finding[name] = value end
    if finding.own then
      finding.key, finding.params = key or finding.key, {}
      for name, value in pairs(said.params) do finding.params[name] = value end
      for name, value in pairs(options.params or {}) do finding.params[name] = value end
      if options.at then
        local other = lib.finding { key = finding.key, about = options.at, got = false }
        finding.object, finding.path, finding.pointer, finding.at, finding.node, finding.from = other.object, other.path, other.pointer, other.at, other.node, other.from
      end
    end
    local sign = signature(finding)
    if not test.told[sign] then
      test.told[sign] = true
      test.findings[#test.findings + 1] = finding
    end
  end
  if result.state == "pending" then
    test.pending = true
    for _, wait in ipairs(result.waits) do test.waits[#test.waits + 1] = wait end
  end
end

local function add_share(test, share)
  local group = test.groups[#test.groups]
  if not group then
    test.shares[#test.shares + 1] = share
    return
  end
  group.place = group.place + 1
  local slot = group.slots[group.place]
  if slot then
    slot.won = slot.won and share.won
  else
    group.slots[group.place] = share
  end
end

local function close_group(test)
  local group = table.remove(test.groups)
  for _, share in ipairs(group.slots) do add_share(test, share) end
end

local function arguments(word, result, key, options)
  if type(key) == "table" and options == nil then key, options = nil, key end
  if not lib.is(result, lib.Result) then lib.mistake(3, "%s wants a result, such as field:equals(3); it was given %s", word, type(result)) end
  if key ~= nil and type(key) ~= "string" then lib.mistake(3, "%s(result, \"key\")", word) end
  return key, options
end

-- A share of the check's points. options: weight, visible, at (whom the finding points at), params (for its message).
function words:share(result, key, options)
  key, options = arguments("t:share", result, key, options)
  options = lib.options(2, "t:share", options, { weight = true, visible = true, at = true, params = true })
  local weight = options.weight or 1
  if math.type(weight) ~= "integer" or weight < 1 then lib.mistake(2, "weight is a whole number from 1") end
  check_visible(2, options.visible)
  tell(self, result, key, options)
  local first = result.findings[1]
  add_share(self, { weight = weight, won = result:holds(), visible = options.visible or "always", key = key or (first and first.key) or nil })
  return result
end

-- A gate: when it is missed the check earns nothing, whatever its shares say. What else is amiss is told all the same.
function words:must(result, key, options)
  key, options = arguments("t:must", result, key, options)
  options = lib.options(2, "t:must", options, { at = true, params = true })
  tell(self, result, key, options)
  if result.state == "fail" then self.gate = false end
  return result
end

-- for container in deploy:each("spec.template.spec.containers") do … end: the shares in the loop count together as one, won when all are.
-- Nothing to loop over loses one share. Do not `break` out of it.
function lib.Field.words:each(path)
  local test = lib.test
  local list = path == nil and self or self:get(path)
  local items, i = lib.children(list), 0
  if #items == 0 then
    local result = lib.fail_all(lib.unreachable(list) or { lib.finding { key = "path.missing", about = list, want = { op = "exists" } } })
    tell(test, result, nil, {})
    add_share(test, { weight = 1, won = false, visible = "always", key = "path.missing" })
    return function() end
  end
  local group = { slots = {}, place = 0 }
  test.groups[#test.groups + 1] = group
  return function()
    i = i + 1
    group.place = 0
    if items[i] == nil then close_group(test) end
    return items[i]
  end
end

-- --- running -----------------------------------------------------------------------------------------------------------------

-- The ids of needed checks that have not passed in this run; those outside its scope do not count.
local function unmet(given)
  local because = {}
  for _, need in ipairs(given.needs or {}) do
    for _, side in ipairs(sides[declared[need].on]) do
      local in_scope = host.scope == "both" or host.scope == side
      if in_scope and not (passed[need] or {})[side] and not lib.contains(because, need) then because[#because + 1] = need end
    end
  end
  return because
end

local function new_test(id, side)
  return lib.make(lib.Test, {
    id = id, side = side,
    shares = {}, findings = {}, told = {}, waits = {}, gate = true, pending = false, groups = {},
    in_files = false, listed = {}, wait_ids = {}, explained = {},
  })
end

local function run_match(test, given)
  local results, object = lib.match(given.match)
  if given.wait and test.side == "live" then
    local times = type(given.wait) == "table" and given.wait or { within = given.wait }
    local within, steady = lib.wait_times(2, times)
    for i, result in ipairs(results) do
      local id = lib.wait_id("match", object.kind, (object.name or "-") .. "/" .. i)
      results[i] = lib.patience(id, { within = within, steady = steady, kind = object.kind, name = object.name or nil }, result)
    end
  end
  if given.whole then results = { lib.all(results) } end
  for _, result in ipairs(results) do test:share(result) end
end

-- Findings in the order of the files as handed in, then line and column; before them those without a place; live: by kind, name and path.
local function in_order(test)
  local file_number, rows = {}, {}
  for i, record in ipairs(host.files()) do file_number[record.file] = file_number[record.file] or i end
  for i, finding in ipairs(test.findings) do
    local at, object = finding.at, finding.object or {}
    rows[i] = { finding = finding, number = i, placed = at ~= nil, file = at and file_number[at.file] or 0, line = at and at.line or 0, col = at and at.col or 0,
                name = (object.kind or "") .. "/" .. (object.name or ""), path = finding.path or "" }
  end
  table.sort(rows, function(a, b)
    if a.placed ~= b.placed then return b.placed end
    if a.file ~= b.file then return a.file < b.file end
    if a.line ~= b.line then return a.line < b.line end
    if a.col ~= b.col then return a.col < b.col end
    if not a.placed and test.side == "live" then
      if a.name ~= b.name then return a.name < b.name end
      if a.path ~= b.path then return a.path < b.path end
    end
    return a.number < b.number
  end)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = row.finding
    row.finding.own = nil
  end
  return list
end

local function outcome_of(test)
  if test.pending then return "pending" end
  if not test.gate then return "fail" end
  local won = 0
  for _, share in ipairs(test.shares) do
    if share.won then won = won + 1 end
  end
  return won == #test.shares and "pass" or won == 0 and "fail" or "partial"
end

-- Called by the worker, once for each check and side in scope, in the order of declaration.
export.__run = function(id, side)
  local given = declared[id]
  passed[id] = passed[id] or {}
  local because = unmet(given)
  if #because > 0 then
    return { outcome = "blocked", shares = {}, gate = true, findings = {}, waits = {}, because = because }
  end
  local test = new_test(id, side)
  lib.test = test
  if given.match then run_match(test, given) end
  if given.run then given.run(test) end
  while #test.groups > 0 do close_group(test) end
  if #test.shares == 0 then error(("check \"%s\" ended without a share: use t:share(…)"):format(id), 0) end
  local outcome = outcome_of(test)
  passed[id][side] = outcome == "pass"
  local shares = {}
  for i, share in ipairs(test.shares) do shares[i] = { share.weight, share.won, share.visible, share.key } end
  local result = { outcome = outcome, shares = shares, gate = test.gate, findings = in_order(test), waits = test.waits, because = {} }
  lib.test = false
  return result
end

export.lib = nil      -- a lab's script does not see what is behind the words
