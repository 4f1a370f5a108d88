-- claim: a PersistentVolumeClaim, the volume that is to fit it, and whether it has one.
--
--   claim:bound()           live: it has a volume, and the volume is its own
--   claim:fits(volume)      files: a PersistentVolume of the hand-in could be its volume: size, modes, class
local lib = lib

local claim = lib.words_for("PersistentVolumeClaim")

function claim:bound()
  local blocked = lib.unreachable(self)
  if blocked then return lib.fail_all(blocked) end
  if not self.live then lib.mistake(2, "bound looks at the namespace: put it in a check on \"live\"") end
  local phase = self:get("status.phase")
  if phase:text() == "Bound" then return lib.pass() end
  local used = false
  for _, pod in ipairs(lib.in_namespace("Pod")) do
    for _, volume in ipairs(lib.children(pod:get("spec.volumes"))) do used = used or volume:get("persistentVolumeClaim.claimName"):text() == self.name end
  end
  -- With a class that waits for the first consumer, a claim that no Pod uses has nothing to wait for.
  local key = phase:text() == "Lost" and "claim.lost" or used and "claim.pending" or "claim.unused"
  return lib.fail(lib.finding { key = key, about = phase, own = true, want = { op = "equals", type = "text", value = "Bound" },
                                params = { claim = self.name, class = self:get("spec.storageClassName"):text(), size = self:get("spec.resources.requests.storage"):text() } })
end

local function texts_of(field)
  local list = {}
  for i, item in ipairs(lib.children(field)) do list[i] = item:text() end
  return list
end

-- Everything that keeps this volume from being the claim's, all at once.
function claim:fits(volume)
  if not lib.is(volume, lib.Object) then lib.mistake(2, "fits(t:one(\"PersistentVolume\", \"disk\"))") end
  local blocked = lib.unreachable(self:get("spec")) or lib.unreachable(volume:get("spec"))
  if blocked then return lib.fail_all(blocked) end
  local findings, params = {}, { claim = self.name, volume = volume.name }
  local function said(key, about, want, more)
    local all = {}
    for name, value in pairs(params) do all[name] = value end
    for name, value in pairs(more or {}) do all[name] = value end
    findings[#findings + 1] = lib.finding { key = key, about = about, own = true, want = want, params = all }
  end
  local asked, has = self:get("spec.resources.requests.storage"), volume:get("spec.capacity.storage")
  for _, field in ipairs { asked, has } do
    if lib.is_empty(field) then findings[#findings + 1] = lib.finding { key = "path.missing", about = field, want = { op = "exists" } } end
  end
  if #findings == 0 then
    local size, room = host.quantity(asked:text()), host.quantity(has:text())
    if not size then
      findings[1] = lib.finding { key = "quantity.bad", about = asked }
    elseif not room then
      findings[1] = lib.finding { key = "quantity.bad", about = has }
    elseif host.compare(room, size) < 0 then
      said("claim.too-large", asked, { op = "at_most", type = "quantity", value = has:text() }, { size = asked:text(), room = has:text() })
    end
  end
  local modes = texts_of(volume:get("spec.accessModes"))
  for _, mode in ipairs(lib.children(self:get("spec.accessModes"))) do
    if not lib.contains(modes, mode:text()) then
      said("claim.mode", mode, { op = "one_of", type = "text", value = table.concat(modes, ", ") }, { mode = mode:text(), modes = table.concat(modes, ", ") })
    end
  end
  if lib.is_empty(self:get("spec.accessModes")) then findings[#findings + 1] = lib.finding { key = "path.missing", about = self:get("spec.accessModes"), want = { op = "exists" } } end
  -- "" asks for a volume without a class; nothing written asks for the cluster's default class.
  local class, of_volume = self:get("spec.storageClassName"), volume:get("spec.storageClassName"):text()
  if not class:is_set() then
    said("claim.default-class", class, { op = "equals", type = "text", value = of_volume }, { class = of_volume })
  elseif class:text() ~= of_volume then
    said("claim.class", class, { op = "equals", type = "text", value = of_volume }, { class = class:text(), other = of_volume })
  end
  return lib.pass_unless(findings)
end
