-- http: a page asked for through a Service of the learner's namespace, or by its host through the cluster's Ingress controller. The question starts at
-- the control plane, so it says nothing of NetworkPolicies.
--
--   local page = t:http { service = "a", port = 80, path = "/", within = "30s" }
--   t:share(page:status(200))
--   t:share(t:http { service = "front", port = 80, times = 6 }:answered_by(t:pods(deploy)))
--   t:share(t:http { host = "shop.test", path = "/cart" }:status(200))                  through the Ingress controller
--   t:share(t:http { host = "shop.test", tls = true }:status(200))                      by https, with a certificate for that host
--   t:share(t:http { service = "a", port = 80, method = "HEAD" }:status(200))           the head alone, no body
--
-- Right after an Apply the way is not there yet: 502, 503 and no connection (by a host also 404, and another host's certificate) are "not yet" until
-- `within` is over (counted from the last Apply). Redirects are not followed: a 308 is an answer.
local lib = lib

lib.Page = lib.class("a page")
local words = lib.Page.words

-- Status of an answer that is none: nobody answered in time; a certificate that is not for the host (server/domain/evidence.h).
local silence, other_certificate = 0, 1

-- What is said of a page by its host in place of what is said of one through a Service.
local by_host = { ["http.status"] = "http.host-status", ["http.no-answer"] = "http.no-backend", ["http.no-hostname"] = "http.host-no-hostname", ["http.other-pod"] = "http.host-other-pod" }

local function read(wish)
  local reply = host.read(wish)
  return { status = reply.status or silence, text = reply.text or "", read = reply.read }
end

-- The wish that goes to the cluster, and by which a replay finds the answer.
local function wish_of(given)
  local wish = { verb = "http", path = given.path or "/" }
  if given.method ~= nil and given.method ~= "GET" and given.method ~= "HEAD" then lib.mistake(4, "method is \"GET\" or \"HEAD\"") end
  if given.method == "HEAD" then wish.method = "HEAD" end
  if given.host ~= nil then
    if type(given.host) ~= "string" then lib.mistake(4, "t:http wants host = \"name\"") end
    if given.service ~= nil or given.port ~= nil then lib.mistake(4, "t:http asks a Service by its port or the Ingress controller by a host, not both") end
    wish.host, wish.scheme = given.host, given.tls and "https" or nil
    return wish
  end
  if given.tls ~= nil then lib.mistake(4, "tls goes with host = \"name\"") end
  if type(given.service) ~= "string" then lib.mistake(4, "t:http wants service = \"name\", or host = \"name\"") end
  if math.type(given.port) ~= "integer" and type(given.port) ~= "string" then lib.mistake(4, "t:http wants port = 80") end
  wish.service, wish.port = given.service, given.port
  return wish
end

function lib.http(given)
  given = lib.options(3, "t:http", given, { service = true, port = true, host = true, tls = true, path = true, method = true, times = true, within = true })
  local wish = wish_of(given)
  local times = given.times or 1
  if math.type(times) ~= "integer" or times < 1 or times > 20 then lib.mistake(3, "times is a whole number from 1 to 20") end
  local answers = {}
  for i = 1, times do
    answers[i] = read(wish)
    if answers[i].status ~= 200 then break end     -- the first that goes wrong says enough; probes are counted
  end
  local at = wish.host and (wish.scheme and "https://" or "") .. wish.host or wish.service .. ":" .. tostring(wish.port)
  return lib.make(lib.Page, {
    service = wish.service or false, port = wish.port or false, host = wish.host or false, path = wish.path, answers = answers,
    within = lib.milliseconds(3, given.within or "30s"), id = lib.wait_id("http", wish.host and "Ingress" or "Service", at .. wish.path),
  })
end

-- The pseudo-object that findings name: the Service that was asked, or some Ingress.
local function asked(self)
  local read_number = self.answers[#self.answers].read
  if self.host then return lib.object { kind = "Ingress", apiVersion = "networking.k8s.io/v1", name = false, live = true, read = read_number } end
  return lib.object { kind = "Service", apiVersion = "v1", name = self.service, live = true, read = read_number }
end

local function finding(self, key, want, got, params, own)
  params = params or {}
  params.page = self.path
  if self.host then key, params.host = by_host[key] or key, self.host
  else params.service, params.port = self.service, tostring(self.port) end
  local said = lib.finding { key = key, about = asked(self), got = got or false, want = want, params = params, own = own ~= false }
  said.path, said.pointer = nil, nil
  return said
end

-- The API server's own 404: no such Service. An answer of the program behind it is none of ours.
local function no_service(self, answer)
  return not self.host and answer.status == 404 and answer.text:find('"kind":%s*"Status"') ~= nil and answer.text:find('"kind":%s*"services"') ~= nil
end

-- Why there is no answer of the program that is asked for, as a key; nil when it answered. Whether the controller's 404 or the program's: nobody can tell.
local function away(self, answer)
  if no_service(self, answer) then return "http.no-service" end
  if answer.status == 502 or answer.status == 503 or answer.status == silence then return "http.no-answer" end
  if self.host and answer.status == 404 then return "http.no-route" end
  if self.host and answer.status == other_certificate then return "http.certificate" end
  return nil
end

-- An answer that is not the wanted one, as a result that may still change.
local function refused(self, answer, want)
  local why = away(self, answer)
  local got = { state = "written", type = "number", value = answer.status, text = tostring(answer.status) }
  if why == "http.no-answer" or why == "http.certificate" then got = { state = "absent" } end
  local result = lib.fail(finding(self, why or "http.status", want, got, { status = answer.status }, not why))
  if not why then return result end
  local silent = answer.status == silence
  local kind = self.host and "Ingress" or "Service"
  local patient = lib.patience(self.id, { within = self.within, steady = 0, kind = kind, name = self.service or nil, again = true, unsettled = silent }, result)
  -- Silence may be a slow cluster as well as a slow program: asked again for the whole time, and never held against anyone.
  if silent and patient.state == "fail" then
    lib.trouble("cluster", "error.silent", self.host and ("host %s: no answer in time"):format(self.host) or ("service %s port %s: no answer in time"):format(self.service, tostring(self.port)))
  end
  return patient
end

function words:status(want)
  if math.type(want) ~= "integer" then lib.mistake(2, "status(200)") end
  local answer = self.answers[#self.answers]
  if answer.status == want and not (want == 404 and no_service(self, answer)) then return lib.pass() end
  return refused(self, answer, { op = "equals", type = "number", value = want })
end

-- The text of the answer, as a field: page:body():contains("hello"). Where nobody answers, all that is asked of it says so.
function words:body()
  local answer = self.answers[#self.answers]
  local field = lib.literal(asked(self), "body", answer.text)
  if away(self, answer) then field.literal.away = refused(self, answer, nil) end
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
