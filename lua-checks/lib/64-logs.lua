-- logs: what the containers of Pods wrote, the last lines of each. Read by the platform's account, 60 KiB of a container at most.
--
--   t:share(t:pods(deploy):logs():contains("ready"))                                       in the log of every Pod
--   t:share(t:pods(deploy):logs { container = "web", tail = 20 }:matches("GET /* 200"))   some line is like that; * stands for any letters, ? for one
--   t:share(t:pods(deploy):logs { any = true, within = "1m" }:contains("GET /cart"))       in the log of one Pod, in a minute from the last Apply
--   t:share(none { t:pods(deploy):logs { any = true }:contains("panic") })                 in nobody's
--
-- A program may need a while to write: what is not there yet is "not yet" until `within` (30 s) is over. Where it is given the whole time is waited; else what
-- stands still for a while ends it, as for a page. Words that a program writes are for finding out that it did something; how it says so is its own affair.
local lib = lib

lib.Logs = lib.class("logs")
local words = lib.Logs.words
local pods_most = 20          -- one read for each, counted as a page is

-- The container that is meant: the one named, or the first, as `kubectl logs` takes it. "" when the Pod has no such container.
local function container_of(pod, name)
  for _, container in ipairs(lib.children(pod:get("spec.containers"))) do
    local its = container:get("name"):text()
    if name == nil or its == name then return its end
  end
  return ""
end

function lib.Pods.words:logs(given)
  given = lib.options(2, "logs", given, { container = true, tail = true, any = true, within = true })
  local tail = given.tail or 100
  if math.type(tail) ~= "integer" or tail < 1 or tail > 1000 then lib.mistake(2, "tail is a whole number of lines from 1 to 1000") end
  if given.container ~= nil and type(given.container) ~= "string" then lib.mistake(2, "logs { container = \"name\" }") end
  local logs = {}
  for i, pod in ipairs(self.list) do
    if i > pods_most then break end
    local container = container_of(pod, given.container)
    local log = { pod = pod, container = container, text = false, read = pod.read }
    if container ~= "" then
      local reply = host.read { verb = "log", name = pod.name, container = container, tail = tail }
      log.read = reply.read
      if reply.status == 200 then
        log.text = reply.text or ""
      elseif reply.status ~= 400 and reply.status ~= 404 then             -- these two: not started yet, gone meanwhile
        lib.trouble("cluster", "error.read", ("log of %s: status %s"):format(pod.name, tostring(reply.status)))
      end
    end
    logs[i] = log
  end
  return lib.make(lib.Logs, {
    pods = self, logs = logs, container = given.container or false, any = given.any == true,
    within = lib.milliseconds(2, given.within or "30s"), patient = given.within ~= nil, id = lib.wait_id("logs", self.owner.kind, tostring(self.owner.name) .. "/" .. (given.container or "-")),
  })
end

local function last_line(text)
  return text:match("([^\n]*)\n*$") or ""
end

local function said(log, key, want)
  local about = lib.object { kind = "Pod", apiVersion = "v1", name = log.pod.name, live = true, read = log.read }
  local text = log.text and lib.cut(last_line(log.text)) or ""
  local got = text ~= "" and { state = "written", type = "text", value = text, text = text } or { state = "absent" }
  local finding = lib.finding { key = key, about = about, own = true, want = want, got = got, params = { pod = log.pod.name, container = log.container } }
  finding.path, finding.pointer = nil, nil
  return finding
end

-- holds(text): what is asked of one log.
local function each_log(self, want, holds)
  local none = lib.no_pods(self.pods)
  if none then return lib.fail_all(none) end
  local findings, met = {}, 0
  for _, log in ipairs(self.logs) do
    if log.container == "" then
      local finding = said(log, "logs.no-container", want)
      finding.own, finding.params.container = false, self.container or ""
      local result = lib.fail(finding)
      result.final = true                                                  -- a Pod's containers stay what they are
      return result
    elseif not log.text then findings[#findings + 1] = said(log, "logs.nothing-yet", want)
    elseif holds(log.text) then met = met + 1
    else findings[#findings + 1] = said(log, log.text == "" and "logs.empty" or "logs.lacks", want) end
  end
  if met == #self.logs or (self.any and met > 0) then return lib.pass() end
  local options = { within = self.within, steady = 0, kind = self.pods.owner.kind, name = self.pods.owner.name or nil, again = true, unsettled = self.patient }
  return lib.patience(self.id, options, lib.fail_all(findings))
end

-- This text stands in it.
function words:contains(part)
  if type(part) ~= "string" and math.type(part) ~= "integer" then lib.mistake(2, "contains(\"text\")") end
  part = tostring(part)
  return each_log(self, { op = "contains", type = "text", value = part }, function(text) return text:find(part, 1, true) ~= nil end)
end

-- Some line of it is like the pattern: * stands for any letters, ? for one.
function words:matches(pattern)
  if type(pattern) ~= "string" then lib.mistake(2, "matches(\"pattern\")") end
  return each_log(self, { op = "matches", type = "text", value = pattern }, function(text)
    for line in text:gmatch("[^\n]+") do
      if host.glob(pattern, line) then return true end
    end
    return false
  end)
end
