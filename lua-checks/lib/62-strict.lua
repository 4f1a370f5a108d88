-- strict: what the API server says to each object of the hand-in when it looks at it as at the real thing, and writes nothing: unknown fields
-- and wrong values are refused. It takes a server: without one the check is left out of the sums.
--
--   t:share(t:strict())   every object of the hand-in, each refusal a finding
local lib = lib

local of_reason = {
  FieldValueRequired = "api.required", FieldValueInvalid = "api.invalid", FieldValueDuplicate = "api.duplicate",
  FieldValueNotSupported = "api.not-supported", FieldValueForbidden = "api.forbidden", FieldValueTooLong = "api.too-long",
  FieldValueTooMany = "api.too-long", FieldValueTypeInvalid = "api.type",
}

-- What a 403 is about, by the words in it: it has no causes.
local of_403 = {
  { "exceeded quota", "api.quota" }, { "failed quota", "api.quota" }, { "violates PodSecurity", "api.pod-security" }, { "makmal P", "api.guard" },
  { "LimitRange", "api.limit-range" }, { "maximum ", "api.limit-range" },
}

local function text_of(node, key)
  return lib.is_map(node) and lib.text_of(node:get(key)) or ""
end

-- The field a server speaks of ("spec.ports[1].name"), or the object when its words do not lead to one.
local function field_of(object, path)
  local steps = path ~= "" and lib.try_path(path)
  return steps and object:get(path) or object
end

local function said(object, key, path, message, level)
  local about = field_of(object, path)
  return lib.finding {
    key = key, about = about, level = level, own = true,
    params = { kind = object.kind, name = object.name, field = path, message = lib.cut(message) },
  }
end

-- The findings in one refusal.
local function findings_of(object, reply)
  local status, list = reply.body, {}
  local message = text_of(status, "message")
  if reply.status == 422 then
    local details = lib.is_map(status) and status:get("details")
    for _, cause in ipairs(lib.items_of(lib.is_map(details) and details:get("causes"))) do
      local why = text_of(cause, "message")
      local key = why:find("field is immutable", 1, true) and "api.immutable" or of_reason[text_of(cause, "reason")] or "api.refused"
      list[#list + 1] = said(object, key, text_of(cause, "field"), why)
    end
    if #list == 0 then list[1] = said(object, "api.refused", "", message) end
  elseif reply.status == 400 then
    for field in message:gmatch('unknown field "([^"]+)"') do list[#list + 1] = said(object, "api.unknown-field", field, message) end
    if #list == 0 then list[1] = said(object, "api.unreadable", "", message) end
  elseif reply.status == 403 then
    local key = "api.not-allowed"
    for _, row in ipairs(of_403) do
      if message:find(row[1], 1, true) then key = row[2] break end
    end
    list[1] = said(object, key, "", message, key == "api.quota" and "info" or nil)
  elseif reply.status == 404 then
    list[1] = said(object, "api.no-kind", "", message)
  else
    lib.trouble("cluster", "error.read", ("dry run of %s %s: status %s"):format(object.kind, tostring(object.name), tostring(reply.status)))
  end
  return list
end

-- Every object that was handed in is taken as it stands. 409 counts as taken; a full quota is told and costs nothing.
function lib.strict()
  local findings, refused, count = {}, false, 0
  for _, object in ipairs(lib.in_files()) do
    if not object.from_setup then
      count = count + 1
      local reply = host.read { verb = "dryrun", kind = object.kind, name = object.name or nil, object = object.node }
      if reply.status >= 300 and reply.status ~= 409 then
        for _, finding in ipairs(findings_of(object, reply)) do
          finding.reads = { reply.read }
          findings[#findings + 1] = finding
          if finding.level == "fail" then refused = true end
        end
      end
    end
  end
  if count == 0 then return lib.fail(lib.finding { key = "files.empty", own = true }) end
  if refused then return lib.fail_all(findings) end
  local result = lib.pass()
  result.findings = findings
  return result
end
