-- history: what a Deployment was before: its ReplicaSets by revision.
--
--   local history = t:rollouts("Deployment", "web")
--   t:share(history:newest():at_least(3))      the revision that counts now, as a field
--   t:share(history:returned_to(1))            revision 1 is in use again
--
-- A rollback renumbers: the ReplicaSet of revision 1 becomes the newest, and its old number moves to its annotation revision-history.
local lib = lib

lib.History = lib.class("a history of rollouts")
local words = lib.History.words

local function annotation(object, name) return object:get(('metadata.annotations["deployment.kubernetes.io/%s"]'):format(name)) end

function lib.history(owner)
  local sets, newest = {}, false
  if owner.node then
    for _, set in ipairs(lib.in_namespace("ReplicaSet")) do
      local revision = tonumber(annotation(set, "revision"):text())
      for _, ref in ipairs(lib.children(set:get("metadata.ownerReferences"))) do
        if revision and ref:get("uid"):text() == lib.uid(owner) and ref:get("controller"):value() == true then
          sets[#sets + 1] = { set = set, revision = revision }
          if not newest or revision > newest.revision then newest = sets[#sets] end
        end
      end
    end
  end
  return lib.make(lib.History, { owner = owner, sets = sets, latest = newest })
end

-- Why there is nothing to look at; nil when there is.
local function nothing(self)
  if not self.owner.node then return lib.missing_object(self.owner) end
  if not self.latest then return { lib.finding { key = "rollout.none", about = self.owner, got = { state = "absent" }, params = { kind = self.owner.kind, name = self.owner.name } } } end
  return nil
end

function words:newest()
  local field = lib.literal(self.owner, "revision", self.latest and self.latest.revision or nil)
  local none = nothing(self)
  if none then field.literal.away = lib.fail_all(none) end
  return field
end

-- The revision in use was number n once, and is it again: kubectl rollout undo, or the old template written anew.
function words:returned_to(n)
  if math.type(n) ~= "integer" or n < 1 then lib.mistake(2, "returned_to(1)") end
  local none = nothing(self)
  if none then return lib.fail_all(none) end
  for old in annotation(self.latest.set, "revision-history"):text():gmatch("%d+") do
    if tonumber(old) == n then return lib.pass() end
  end
  -- Of the first one nothing is left when the Deployment keeps fewer than were made.
  local kept = self.owner:get("spec.revisionHistoryLimit", "effective"):value() or 10
  return lib.fail(lib.finding {
    key = self.latest.revision == n and "rollout.never-left" or "rollout.not-back", about = annotation(self.latest.set, "revision"), own = true,
    want = { op = "equals", type = "text", value = "revision " .. n }, params = { kind = self.owner.kind, name = self.owner.name, revision = n, newest = self.latest.revision, kept = kept },
  })
end
