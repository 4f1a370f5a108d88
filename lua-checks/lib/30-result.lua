-- result: what a comparison gives back: passed, failed or not yet, with the findings that say why.
-- A result is a table, so `and`, `or`, `not` and `if` do not see its outcome: join results with all{…}, any{…}, none{…}, ask one with :holds().
--
--   all { field:exists(), field:at_least(1) }                   all must hold; each loser says its own
--   any { field:equals(3), field:absent() }                     one is enough; when none holds, the first says what it lacks
--   none { field:equals(7) }                                    none may hold
--   fact(field:text() ~= "", "examples.rule", { at = field })   a rule that only this lab has, with a message of its own
--   field:equals(3):holds()                                     a plain true or false, for an if
local lib = lib

lib.Result = lib.class("a result")
local words = lib.Result.words

local function make(state, findings)
  return lib.make(lib.Result, {
    state = state,              -- "pass" | "fail" | "pending"
    findings = findings or {},
    waits = {},                 -- of a pending one: what it waits for
    final = false,              -- a failed one that no waiting can mend
  })
end

function lib.pass() return make("pass") end
function lib.fail(...) return make("fail", { ... }) end
function lib.fail_all(findings) return make("fail", findings) end
function lib.pass_unless(findings) return make(#findings == 0 and "pass" or "fail", findings) end

-- Not true yet: its findings are told as waiting.
function lib.not_yet(findings, wait)
  local result = make("pending")
  for i, finding in ipairs(findings) do
    local copy = {}
    for name, value in pairs(finding) do copy[name] = value end
    copy.level = finding.level == "info" and "info" or "wait"
    result.findings[i] = copy
  end
  result.waits[1] = wait
  return result
end

function words:holds()
  return self.state == "pass"
end

local function check_result(level, word, result, i)
  if not lib.is(result, lib.Result) then
    lib.mistake(level + 1, "%s wants results such as field:equals(3); its argument %d is %s", word, i, type(result))
  end
end

-- All must hold. Each loser says its own.
function lib.all(results)
  local state, findings, waits, final = "pass", {}, {}, false
  for _, result in ipairs(results) do
    if result.state == "fail" then state = "fail" end
    if result.state == "pending" and state == "pass" then state = "pending" end
    final = final or result.final
    for _, finding in ipairs(result.findings) do findings[#findings + 1] = finding end
    for _, wait in ipairs(result.waits) do waits[#waits + 1] = wait end
  end
  local joined = make(state, findings)
  joined.waits, joined.final = waits, final
  return joined
end

local function of_script(word, list)
  if type(list) ~= "table" or lib.is(list, lib.Result) then lib.mistake(3, "%s takes a list: %s{ …, … }", word, word) end
  if #list == 0 then lib.mistake(3, "%s{} is empty", word) end
  for i, result in ipairs(list) do check_result(3, word, result, i) end
  return list
end

export.all = function(list)
  return lib.all(of_script("all", list))
end

-- One is enough. When none holds, the first alternative says what it lacks: put the usual answer first.
export.any = function(list)
  local best
  for _, result in ipairs(of_script("any", list)) do
    if result.state == "pass" then return lib.pass() end
    if not best or (result.state == "pending" and best.state ~= "pending") then best = result end
  end
  return best
end

-- None may hold.
export.none = function(list)
  for _, result in ipairs(of_script("none", list)) do
    if result.state == "pass" then return lib.fail(lib.finding { key = "none.holds", own = true }) end
  end
  return lib.pass()
end

-- A result from a plain true or false, for a rule that only this lab has: fact(count == 3, "mend.three", { at = deploy, params = { count = count } }).
export.fact = function(holds, key, options)
  if type(holds) ~= "boolean" then lib.mistake(2, "fact(true or false, \"key\"), not fact(%s)", type(holds)) end
  if type(key) ~= "string" then lib.mistake(2, "fact wants the key of its message") end
  options = lib.options(2, "fact", options, { at = true, params = true })
  if holds then return lib.pass() end
  return lib.fail(lib.finding { key = key, about = options.at, params = options.params, own = true })
end

-- A finding. about: the field or object it speaks of. node: "key" when it points at the key. got: false for none; else what was found.
-- own: it is the comparison's own word, which t:share(result, "key") may replace; findings about a missing parent are not.
function lib.finding(given)
  local about, finding = given.about or false, { key = given.key, level = given.level or "fail", params = {}, own = given.own or false }
  for name, value in pairs(given.params or {}) do finding.params[name] = value end
  finding.want = given.want
  if about then
    local object = about.object
    finding.object = { apiVersion = object.apiVersion or nil, kind = object.kind, name = object.name or nil }
    finding.path, finding.pointer = lib.path_text(lib.steps_to(about)), lib.pointer(about)
    finding.at, finding.node = lib.place(about, given.node)
    if object.from_setup then finding.from = "setup" end
    if object.read then finding.reads = { object.read } end
    if given.got ~= false then finding.got = given.got or lib.found(about) end
  elseif given.got then
    finding.got = given.got
  end
  return finding
end

-- What a result finds when its field cannot even be looked at: the object is not there, or a parent is missing. nil when it can be.
function lib.unreachable(field)
  if field.literal or field.default then return nil end
  if not field.object.node then return lib.missing_object(field.object) end
  local missing = lib.first_missing(field)
  if missing and missing ~= field then return { lib.finding { key = "path.missing", about = missing, want = { op = "exists" } } } end
  return nil
end
