-- authorship: how an object came to be as it is, by its managedFields. A signal for teaching, not a proof: anybody may give a manager any name, and
-- `create -f` looks like `create deployment`. Give it a tenth of a lab's points at most.
--
--   object:written_by("apply")      a manifest was applied, client-side or server-side
--   object:written_by("command")    kubectl create, run, expose, set, edit, patch, scale, autoscale, rollout, label, annotate …
local lib = lib

local words = lib.Object.words

local function how_of(entry)
  local manager, operation, part = entry:get("manager"):text(), entry:get("operation"):text(), entry:get("subresource"):text()
  if part == "status" or manager:find("^kube%-") then return nil end
  if operation == "Apply" or manager == "kubectl-client-side-apply" then return "apply" end
  if part == "scale" or manager:find("^kubectl%-") or manager == "kubectl" then return "command" end
  return nil
end

function words:written_by(how)
  if how ~= "apply" and how ~= "command" then lib.mistake(2, "written_by(\"apply\") or written_by(\"command\")") end
  local blocked = lib.unreachable(self)
  if blocked then return lib.fail_all(blocked) end
  if not self.live then lib.mistake(2, "written_by looks at the namespace: put it in a check on \"live\"") end
  local managers = {}
  for _, entry in ipairs(lib.children(self:get("metadata.managedFields"))) do
    local found = how_of(entry)
    if found == how then return lib.pass() end
    if found then managers[#managers + 1] = entry:get("manager"):text() end
  end
  return lib.fail(lib.finding { key = "written." .. how, about = self, own = true, got = { state = "written", type = "text", text = lib.cut(table.concat(managers, ", ")) },
                                params = { kind = self.kind, name = self.name } })
end
