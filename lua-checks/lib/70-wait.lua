-- wait: patience without blocking. What is not true yet ends the check as pending; the platform runs the check again when something in the namespace
-- changes, and at the deadline. It fails when the time is over, or at once when the namespace has settled and nothing more will change.
--
--   t:share(t:wait("Deployment", "web", { within = "30s", steady = "3s" }, function(object) return object:rolled_out() end))   until it holds, without a break for 3 s
local lib = lib

-- One wait of one check, the same from pass to pass.
function lib.wait_id(what, kind, name)
  local test = lib.test
  local id = table.concat({ test.id, what, kind, tostring(name) }, "/")
  test.wait_ids[id] = (test.wait_ids[id] or 0) + 1
  return test.wait_ids[id] == 1 and id or id .. "#" .. test.wait_ids[id]
end

-- The platform's watch may lag a little behind an Apply: for so long "settled" is not believed.
local watch_lag = 2000
-- "Settled" says that nothing changed for so long (so a truth that stands now stood all that while).
local settled_for = 5000

-- When the time of a wait began: at the last Apply; without one, at the first pass of this run.
local function begun(id)
  if host.applied > 0 then return host.applied end
  local first = host.held(id .. "@begun")
  if not first then
    first = host.now
    host.hold(id .. "@begun", first)
  end
  return first
end

-- The same result with other findings: those it has may belong to others as well, so a changed one is a copy.
local function with_findings(result, change)
  local list = {}
  for i, finding in ipairs(result.findings) do
    local more = finding.level == "fail" and change(finding) or nil
    if more then
      for name, value in pairs(finding) do
        if more[name] == nil then more[name] = value end
      end
    end
    list[i] = more or finding
  end
  result.findings = list
  return result
end

-- Notes since when something has been false in this run; its findings say for how long.
local function false_since(id, result)
  local since = host.held(id .. "@false")
  if result.state == "pass" then
    if since then host.hold(id .. "@false", nil) end
    return result
  end
  if not since then
    since = host.now
    host.hold(id .. "@false", since)
  end
  return with_findings(result, function(finding) return not finding.false_ms and { false_ms = host.now - since } end)
end

-- A wait that has failed tells what the cluster reported meanwhile: with its first finding, and once in a check for the same object.
local function explained(options, result)
  local about = options.kind .. "/" .. tostring(options.name or "")
  return with_findings(result, function()
    if lib.test.explained[about] then return nil end
    lib.test.explained[about] = true
    local events = lib.newest_events(options.kind, options.name)
    return #events > 0 and { events = events }
  end)
end

-- The result as it counts now. options: within, steady (ms), kind and name (what the page shows), again (ask again by the clock, not by changes),
-- unsettled (a settled namespace does not end this wait).
function lib.patience(id, options, result)
  local now, since = host.now, begun(id)
  result = false_since(id, result)
  local settled = host.settled and now - host.applied >= watch_lag and not options.unsettled
  local function pending(findings, run_again, over)
    local wait = { id = id, kind = options.kind, name = options.name, deadline_ms = run_again, until_ms = over }
    if options.again then
      local tried = host.held(id .. "@tried")
      if not tried then host.hold(id .. "@tried", now) end
      wait.again_ms = now + math.min(2000, math.max(250, now - (tried or now)))
    end
    return lib.not_yet(findings, wait)
  end

  if result.state == "pass" then
    if options.steady == 0 then return result end
    local held = host.held(id)
    if not held then
      held = now
      host.hold(id, now)
    end
    if now - held >= options.steady or (settled and options.steady <= settled_for) then return result end
    local finding = lib.finding { key = "wait.steady", params = { kind = options.kind, name = options.name, seconds = (options.steady + 999) // 1000 } }
    if host.closing then
      finding.key = "wait.unsteady"
      return lib.fail(finding)
    end
    return pending({ finding }, held + options.steady, held + options.steady)
  end

  host.hold(id, nil)
  local over = since + options.within
  if result.state ~= "fail" then return result end
  if result.final or host.closing or settled or now >= over then return explained(options, result) end
  local again = over
  if host.settled then again = math.min(over, host.applied + watch_lag) end      -- settled, but not believed yet
  return pending(result.findings, again, over)
end

-- The times of a wait: the script's, the lab's (lab.yaml `wait`), or 60 s and steady for 3 s.
function lib.wait_times(level, given)
  local lab = host.lab and host.lab.wait or nil
  if type(lab) ~= "table" then lab = { within = lab } end
  return lib.milliseconds(level, given.within or lab.within or "60s"), lib.milliseconds(level, given.steady or lab.steady or "3s")
end

-- t:wait("Deployment", "web", { within = "30s", steady = "3s" }, function(deploy) return deploy:rolled_out(), … end): all results must hold.
-- In a check on files there is nothing to wait for: the function is called once.
function lib.wait(kind, name, options, condition)
  if type(options) == "function" then options, condition = nil, options end
  options = lib.options(3, "t:wait", options, { within = true, steady = true })
  if type(condition) ~= "function" then lib.mistake(3, "t:wait(kind, name, { within = \"60s\" }, function(object) return … end)") end
  local within, steady = lib.wait_times(3, options)
  local object = lib.find(kind, name)
  local results = { condition(object) }
  if #results == 0 then lib.mistake(3, "the function of t:wait returned no result") end
  for i, result in ipairs(results) do
    if not lib.is(result, lib.Result) then lib.mistake(3, "the function of t:wait returned a %s as its value %d; return results such as deploy:rolled_out()", type(result), i) end
  end
  if lib.test.side ~= "live" then return lib.all(results) end
  local id = lib.wait_id("wait", kind, name or "-")
  for i, result in ipairs(results) do results[i] = false_since(id .. "/" .. i, result) end
  return lib.patience(id, { within = within, steady = steady, kind = kind, name = name }, lib.all(results))
end
