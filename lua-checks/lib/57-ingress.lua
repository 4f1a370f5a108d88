-- ingress: where a request ends, worked out as the API defines it, whatever controller there is.
--
--   ingress:route("shop.example", "/cart"):goes_to("cart", 80)     the Service may be an object, the port a number, a name, or left out
--   ingress:serves_tls("shop.example", "shop-tls")                 the host is listed, its Secret is there and of the right type
--   ingress:has_address()                                          live: a controller has taken it
--
-- Hosts: the exact name before a wildcard (which stands for one label), that before a rule without a host. Paths: Exact before Prefix, the longest first;
-- a Prefix counts by its elements, so /a is not /ab. ImplementationSpecific is read as Prefix, and that is noted.
local lib = lib

local ingress = lib.words_for("Ingress")

lib.Route = lib.class("a route")
local route_words = lib.Route.words

-- How well the host of a rule fits: 3 exactly, 2 by its wildcard, 1 because it names none, 0 not at all.
local function host_fit(rule_host, host)
  rule_host, host = rule_host:lower(), host:lower()
  if rule_host == "" then return 1 end
  if rule_host == host then return 3 end
  local tail = rule_host:match("^%*(%..+)$")
  local label = tail and host:match("^([^.]+)%.")
  return label and label .. tail == host and 2 or 0
end

local function elements(path)
  local list = {}
  for element in path:gmatch("[^/]+") do list[#list + 1] = element end
  return list
end

-- How well a rule's path fits: 0 not at all; the more, the longer; an exact one before every prefix.
local function path_fit(kind, rule_path, path)
  if kind == "Exact" then return rule_path == path and 100000 or 0 end
  local want, got = elements(rule_path), elements(path)
  for i, element in ipairs(want) do
    if got[i] ~= element then return 0 end
  end
  return 1 + #rule_path
end

-- Every way a request could take: { field (the path's), host, path, kind, backend }.
local function ways(self)
  local list = {}
  for _, rule in ipairs(lib.children(self:get("spec.rules"))) do
    for _, path in ipairs(lib.children(rule:get("http.paths"))) do
      list[#list + 1] = { field = path, host = rule:get("host"):text(), host_field = rule:get("host"), path = path:get("path"):text(), kind = path:get("pathType"):text(), backend = path:get("backend") }
    end
  end
  return list
end

function ingress:route(host, path)
  if lib.is(host, lib.Field) then host = host:text() end
  if type(host) ~= "string" or type(path) ~= "string" or path:sub(1, 1) ~= "/" then lib.mistake(2, "route(\"host\", \"/path\"); the host may be \"\" for any") end
  local best, best_fit, near = false, 0, false
  for _, way in ipairs(ways(self)) do
    local by_host, by_path = host_fit(way.host, host), path_fit(way.kind, way.path, path)
    if by_path > 0 and by_host == 0 and not near then near = way end
    local fit = by_host > 0 and by_path > 0 and by_host * 1000000 + by_path or 0
    if fit > best_fit then best, best_fit = way, fit end
  end
  local backend = best and best.backend or self:get("spec.defaultBackend")
  return lib.make(lib.Route, { ingress = self, host = host, path = path, way = best, near = near, backend = backend })
end

local function params_of(self, more)
  local params = { ingress = self.ingress.name, host = self.host, page = self.path }
  for name, value in pairs(more or {}) do params[name] = value end
  return params
end

-- No rule takes the request: what to say. nil when one does.
local function nowhere(self)
  local missing = lib.unreachable(self.ingress:get("spec")) or {}
  if #missing > 0 then return missing end
  if self.way or not lib.is_empty(self.backend) then return nil end
  if self.near then
    return { lib.finding { key = "ingress.other-host", about = lib.is_empty(self.near.host_field) and self.near.field or self.near.host_field, own = true,
                           want = { op = "equals", type = "text", value = self.host }, params = params_of(self, { other = self.near.host }) } }
  end
  local texts = {}
  for i, way in ipairs(ways(self.ingress)) do texts[i] = way.host .. way.path .. " (" .. way.kind .. ")" end
  return { lib.finding { key = "ingress.no-route", about = self.ingress:get("spec.rules"), own = true, want = { op = "routes", type = "text", value = self.host .. self.path },
                         got = #texts > 0 and { state = "written", type = "list", text = lib.cut(table.concat(texts, ", ")) } or { state = "absent" }, params = params_of(self) } }
end

-- The number of a Service's port that is called by this name or number; nil when it has none such.
local function port_number(service, wanted)
  for _, port in ipairs(lib.children(service:get("spec.ports"))) do
    local number = port:get("port"):value()
    if number == wanted or port:get("name"):text() == wanted then return number end
  end
  return nil
end

-- The request ends at this port of this Service, and the Service has that port.
function route_words:goes_to(service, port)
  if lib.is(service, lib.Object) then service = service.name end
  if type(service) ~= "string" then lib.mistake(2, "goes_to(\"service\", 80)") end
  if port ~= nil and type(port) ~= "string" and math.type(port) ~= "integer" then lib.mistake(2, "goes_to(\"service\", 80): the port is a number or a name") end
  local none = nowhere(self)
  if none then return lib.fail_all(none) end

  local findings = {}
  local name, by_name, by_number = self.backend:get("service.name"), self.backend:get("service.port.name"), self.backend:get("service.port.number")
  if lib.is_empty(name) then return lib.fail_all(lib.unreachable(name) or { lib.finding { key = "path.missing", about = name, want = { op = "exists" } } }) end
  if self.way and self.way.kind ~= "Exact" and self.way.kind ~= "Prefix" then
    findings[1] = lib.finding { key = "ingress.path-type", about = self.way.field:get("pathType"), level = "info", params = params_of(self) }
  end
  if name:text() ~= service then
    findings[#findings + 1] = lib.finding { key = "ingress.other-service", about = name, own = true, want = { op = "equals", type = "text", value = service },
                                            params = params_of(self, { service = name:text(), wanted = service }) }
    return lib.fail_all(findings)
  end
  local target = lib.find("Service", service)
  local asked = lib.is_empty(by_number) and by_name or by_number
  if not target.node then
    findings[#findings + 1] = lib.finding { key = "ingress.no-service", about = name, own = true, params = params_of(self, { service = service }) }
    return lib.fail_all(findings)
  end
  local number = port_number(target, asked:value())
  if lib.is_empty(asked) then
    findings[#findings + 1] = lib.finding { key = "path.missing", about = self.backend:get("service.port"), want = { op = "exists" } }
  elseif not number then
    findings[#findings + 1] = lib.finding { key = "ingress.no-port", about = asked, own = true, params = params_of(self, { service = service, port = asked:text() }) }
  elseif port ~= nil and number ~= port_number(target, port) then
    findings[#findings + 1] = lib.finding { key = "ingress.other-port", about = asked, own = true, want = { op = "equals", type = "port", value = port },
                                            params = params_of(self, { service = service, port = asked:text(), wanted = tostring(port) }) }
  else
    local result = lib.pass()
    result.findings = findings
    return result
  end
  return lib.fail_all(findings)
end

-- The host stands in spec.tls, and the Secret named beside it is there with a certificate in it. secret: its name, or any.
function ingress:serves_tls(host, secret)
  if lib.is(host, lib.Field) then host = host:text() end
  if type(host) ~= "string" then lib.mistake(2, "serves_tls(\"host\", \"secret\")") end
  local blocked = lib.unreachable(self:get("spec"))
  if blocked then return lib.fail_all(blocked) end
  local params = { ingress = self.name, host = host, secret = secret or "" }
  for _, entry in ipairs(lib.children(self:get("spec.tls"))) do
    local listed = false
    for _, one in ipairs(lib.children(entry:get("hosts"))) do listed = listed or host_fit(one:text(), host) >= 2 end
    if listed then
      local name = entry:get("secretName")
      if lib.is_empty(name) then return lib.fail(lib.finding { key = "path.missing", about = name, want = { op = "exists" } }) end
      params.secret = name:text()
      if secret and name:text() ~= secret then
        return lib.fail(lib.finding { key = "value.equals", about = name, own = true, want = { op = "equals", type = "text", value = secret } })
      end
      local object = lib.find("Secret", name:text())
      if not object.node then return lib.fail(lib.finding { key = "ingress.tls-secret", about = name, own = true, params = params }) end
      local type_of = object:get("type", "effective")
      if type_of:text() ~= "kubernetes.io/tls" then
        return lib.fail(lib.finding { key = "ingress.tls-type", about = type_of, own = true, want = { op = "equals", type = "text", value = "kubernetes.io/tls" }, params = params })
      end
      return lib.pass()
    end
  end
  return lib.fail(lib.finding { key = "ingress.tls-host", about = self:get("spec.tls"), own = true, want = { op = "contains", type = "text", value = host }, params = params })
end

-- A controller has taken the Ingress and told its address.
function ingress:has_address()
  local blocked = lib.unreachable(self)
  if blocked then return lib.fail_all(blocked) end
  if not self.live then lib.mistake(2, "has_address looks at the namespace: put it in a check on \"live\"") end
  if #lib.children(self:get("status.loadBalancer.ingress")) > 0 then return lib.pass() end
  return lib.fail(lib.finding { key = "ingress.no-address", about = self:get("status.loadBalancer.ingress"), own = true, want = { op = "exists" }, params = { ingress = self.name, class = self:get("spec.ingressClassName"):text() } })
end
