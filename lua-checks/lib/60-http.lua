-- http: a page asked for through a Service of the learner's namespace. The question starts at the control plane, so it says nothing of
-- NetworkPolicies.
--
--   local page = t:http { service = "a", port = 80, path = "/", within = "30s" }
--   t:share(page:status(200))
--   t:share(t:http { service = "front", port = 80, times = 6 }:answered_by(t:pods(deploy)))
--
-- Right after an Apply the way is not there yet: 502, 503 and no connection are "not yet" until `within` is over (counted from the last Apply).
local lib = lib

lib.Page = lib.class("a page")
local words = lib.Page.words

local function read(wish)
  local reply = host.read { verb = "http", service = wish.service, port = wish.port, path = wish.path }
  return { status = reply.status or 0, text = reply.text or "", read = reply.read }
end

function lib.http(given)
  given = lib.options(3, "t:http", given, { service = true, port = true, path = true, times = true, within = true })
  if type(given.service) ~= "string" then lib.mistake(3, "t:http wants service = \"name\"") end
  if math.type(given.port) ~= "integer" and type(given.port) ~= "string" then lib.mistake(3, "t:http wants port = 80") end
  local wish = { service = given.service, port = given.port, path = given.path or "/" }
  local times = given.times or 1
  if math.type(times) ~= "integer" or times < 1 or times > 20 then lib.mistake(3, "times is a whole number from 1 to 20") end
  local answers = {}
  for i = 1, times do
    answers[i] = read(wish)
    if answers[i].status ~= 200 then break end     -- the first that goes wrong says enough; probes are counted
  end
  return lib.make(lib.Page, {
    service = given.service, port = given.port, path = wish.path, answers = answers,
    within = lib.milliseconds(3, given.within or "30s"), id = lib.wait_id("http", "Service", given.service .. ":" .. tostring(given.port) .. wish.path),
  })
end

-- The pseudo-object that findings name: the Service that was asked.
local function asked(self)
  return lib.object { kind = "Service", apiVersion = "v1", name = self.service, live = true, read = self.answers[#self.answers].read }
end

local function finding(self, key, want, got, params, own)
  params = params or {}
  params.service, params.port, params.page = self.service, tostring(self.port), self.path
  local said = lib.finding { key = key, about = asked(self), got = got or false, want = want, params = params, own = own ~= false }
  said.path, said.pointer = nil, nil
  return said
end

-- The API server's own 404: no such Service. An answer of the program behind it is none of ours.
local function no_service(answer)
  return answer.status == 404 and answer.text:find('"kind":%s*"Status"') ~= nil and answer.text:find('"kind":%s*"services"') ~= nil
end

local function is_away(answer)
  return answer.status == 502 or answer.status == 503 or answer.status == 0 or no_service(answer)
end

-- An answer that is not the wanted one, as a result that may still change.
local function refused(self, answer, want)
  local away = is_away(answer)
  local got = { state = "written", type = "number", value = answer.status, text = tostring(answer.status) }
  local key = no_service(answer) and "http.no-service" or away and "http.no-answer" or "http.status"
  if key == "http.no-answer" then got = { state = "absent" } end
  local result = lib.fail(finding(self, key, want, got, { status = answer.status }, not away))
  if not away then return result end
  local silent = answer.status == 0
  local patient = lib.patience(self.id, { within = self.within, steady = 0, kind = "Service", name = self.service, again = true, unsettled = silent }, result)
  -- Silence may be a slow cluster as well as a slow program: asked again for the whole time, and never held against anyone.
  if silent and patient.state == "fail" then lib.trouble("cluster", "error.silent", ("service %s port %s: no answer in time"):format(self.service, tostring(self.port))) end
  return patient
end

function words:status(want)
  if math.type(want) ~= "integer" then lib.mistake(2, "status(200)") end
  local answer = self.answers[#self.answers]
  if answer.status == want and not (want == 404 and no_service(answer)) then return lib.pass() end
  return refused(self, answer, { op = "equals", type = "number", value = want })
end

-- The text of the answer, as a field: page:body():contains("hello"). Where nobody answers, all that is asked of it says so.
function words:body()
  local answer = self.answers[#self.answers]
  local field = lib.literal(asked(self), "body", answer.text)
  if is_away(answer) then field.literal.away = refused(self, answer, nil) end
  return field
end

-- Who answered: whoami says its Pod's name, as text ("Hostname: …") or as JSON.
local function hostname(text)
  return text:match("Hostname:%s*([%w%-%.]+)") or text:match('"hostname"%s*:%s*"([%w%-%.]+)"')
end

-- Every answer came from one of these Pods.
function words:answered_by(pods)
  if not lib.is(pods, lib.Pods) then lib.mistake(2, "answered_by wants Pods: answered_by(t:pods(deploy))") end
  local none = lib.no_pods(pods)
  if none then return lib.fail_all(none) end
  local want = { op = "answered_by", type = "pods", value = table.concat(pods:names(), ", ") }
  local names, strangers = pods:names(), {}
  for _, answer in ipairs(self.answers) do
    if answer.status ~= 200 then return refused(self, answer, want) end
    local name = hostname(answer.text)
    if not name then return lib.fail(finding(self, "http.no-hostname", want)) end
    if not lib.contains(names, name) and not lib.contains(strangers, name) then strangers[#strangers + 1] = name end
  end
  if #strangers == 0 then return lib.pass() end
  table.sort(strangers)
  local others = table.concat(strangers, ", ")
  return lib.fail(finding(self, "http.other-pod", want, { state = "written", type = "pods", value = others, text = others }, { others = others, workload_kind = pods.owner.kind, workload = pods.owner.name }))
end
