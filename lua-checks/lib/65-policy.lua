-- policy: may this Pod reach that one? Worked out from all NetworkPolicies of the side that is looked at; nothing is sent.
--
--   t:allowed { from = t:one("Deployment", "web"), to = t:one("Deployment", "db"), port = 5432 }
--   t:refused { from = { labels = { app = "other" }, namespace = { team = "red" } }, to = t:one("Deployment", "db"), port = 5432 }
--   t:refused { from = t:one("Deployment", "web"), to = { ip = "203.0.113.7" }, port = 443, protocol = "TCP" }
--
-- Policies add up; both ends count: what leaves must be allowed by those that select the sender, what arrives by those that select the receiver. A Pod that
-- no policy selects for a direction is open in it. An end in another namespace is given by labels; its own policies are not known and count as open.
local lib = lib

-- An end of a connection: { labels (node or plain table), home (in the learner's namespace), namespace (plain table of labels), ip, workload }.
local function end_of(level, word, given)
  if lib.is(given, lib.Object) then
    if not lib.pod_labels[given.kind] then lib.mistake(level + 1, "%s: a %s makes no Pods", word, given.kind) end
    return { home = true, workload = given, labels = given.node and lib.pod_labels_of(given) or nil }
  end
  if type(given) ~= "table" then lib.mistake(level + 1, "%s wants from and to: a workload, { labels = { … }, namespace = { … } } or { ip = \"…\" }", word) end
  lib.options(level + 1, word, given, { labels = true, namespace = true, ip = true })
  return { home = given.namespace == nil and given.ip == nil, labels = given.labels or {}, namespace = given.namespace, ip = given.ip }
end

-- The labels that the learner's own namespace is known to have.
local function home_labels()
  local known, name = pcall(function() return host.params.namespace end)      -- read alone, a script may have no namespace
  return { ["kubernetes.io/metadata.name"] = known and name or "" }
end

local function label(labels, key)
  if type(labels) == "table" then return labels[key] end
  local node = lib.is_map(labels) and labels:get(key)
  return node and lib.text_of(node) or nil
end

-- A label selector of a policy; an absent one is the caller's matter.
local function selects(selector, labels)
  local match = selector:get("matchLabels")
  for _, wanted in ipairs(lib.children(match)) do
    if label(labels, wanted.step.key) ~= wanted:text() then return false end
  end
  for _, rule in ipairs(lib.children(selector:get("matchExpressions"))) do
    local value, operator, listed = label(labels, rule:get("key"):text()), rule:get("operator"):text(), false
    for _, item in ipairs(lib.children(rule:get("values"))) do listed = listed or item:text() == value end
    if operator == "In" and not (value and listed) then return false end
    if operator == "NotIn" and value and listed then return false end
    if operator == "Exists" and not value then return false end
    if operator == "DoesNotExist" and value then return false end
  end
  return true
end

local function written(field) return field.node and field.node:type() ~= "null" end

-- One item of from: or to:.
local function peer_fits(peer, other)
  local block, pods, spaces = peer:get("ipBlock"), peer:get("podSelector"), peer:get("namespaceSelector")
  if written(block) then
    if not other.ip or not lib.cidr_holds(block:get("cidr"):text(), other.ip) then return false end
    for _, except in ipairs(lib.children(block:get("except"))) do
      if lib.cidr_holds(except:text(), other.ip) then return false end
    end
    return true
  end
  if other.ip then return false end
  if written(spaces) then
    local own = other.home and home_labels() or other.namespace or {}
    if not selects(spaces, own) then return false end
  elseif not other.home then
    return false
  end
  return not written(pods) or selects(pods, other.labels)
end

-- The port of a connection against one item of ports:.
local function port_fits(item, wish, receiver)
  local protocol, port, last = item:get("protocol"), item:get("port"), item:get("endPort")
  if (written(protocol) and protocol:text() or "TCP") ~= wish.protocol then return false end
  if not written(port) then return true end
  local number = port:value()
  if math.type(number) ~= "integer" then
    for _, one in ipairs(receiver.workload and lib.container_ports(receiver.workload) or {}) do
      if one.name == number and one.protocol == wish.protocol and one.number == wish.port then return true end
    end
    return false
  end
  local high = written(last) and last:value() or number
  return wish.port >= number and wish.port <= high
end

local function rule_fits(rule, list, other, wish, receiver)
  local peers, ports = lib.children(rule:get(list)), lib.children(rule:get("ports"))
  local by_peer, by_port = #peers == 0, #ports == 0
  for _, peer in ipairs(peers) do by_peer = by_peer or peer_fits(peer, other) end
  for _, item in ipairs(ports) do by_port = by_port or port_fits(item, wish, receiver) end
  return by_peer and by_port
end

-- Does the policy count in this direction for the Pods it selects? Without policyTypes: Ingress always, Egress when there are such rules.
local function covers(policy, direction)
  local types = policy:get("spec.policyTypes")
  if not written(types) then return direction == "Ingress" or written(policy:get("spec.egress")) end
  for _, one in ipairs(lib.children(types)) do
    if one:text() == direction then return true end
  end
  return false
end

-- One direction, seen from the Pods of `own`: allowed or not, and the policies that select them.
local function direction_open(direction, own, other, wish, receiver)
  if not own.home then return true, {} end
  local rules, list = direction == "Ingress" and "ingress" or "egress", direction == "Ingress" and "from" or "to"
  local selecting, open = {}, false
  for _, policy in ipairs(lib.of_kind("NetworkPolicy")) do
    -- the platform's own wall around every lab stands beside what the lesson is about
    if label(policy:get("metadata.labels").node or nil, "makmal/platform") == nil and covers(policy, direction) and selects(policy:get("spec.podSelector"), own.labels) then
      selecting[#selecting + 1] = policy
      for _, rule in ipairs(lib.children(policy:get("spec." .. rules))) do open = open or rule_fits(rule, list, other, wish, receiver) end
    end
  end
  return #selecting == 0 or open, selecting
end

local function names_of(list)
  local names = {}
  for i, policy in ipairs(list) do names[i] = policy.name or "?" end
  return table.concat(names, ", ")
end

local function text_of(given)
  if given.workload then return given.workload.kind .. "/" .. (given.workload.name or "?") end
  if given.ip then return given.ip end
  local parts = {}
  for key, value in pairs(given.labels) do parts[#parts + 1] = key .. "=" .. tostring(value) end
  for key, value in pairs(given.namespace or {}) do parts[#parts + 1] = "namespace " .. key .. "=" .. tostring(value) end
  return #parts > 0 and table.concat(parts, ", ") or "any Pod"
end

local function look(level, word, given)
  given = lib.options(level + 1, word, given, { from = true, to = true, port = true, protocol = true })
  if math.type(given.port) ~= "integer" then lib.mistake(level + 1, "%s wants port = 5432", word) end
  local from, to = end_of(level + 1, word, given.from), end_of(level + 1, word, given.to)
  for _, one in ipairs { from, to } do
    if one.workload then
      local blocked = lib.unreachable(one.workload:get(lib.pod_labels[one.workload.kind]))
      if blocked and not one.workload.node then return nil, blocked end
    end
  end
  local wish = { port = given.port, protocol = given.protocol or "TCP" }
  local leaves, at_sender = direction_open("Egress", from, to, wish, to)
  local arrives, at_receiver = direction_open("Ingress", to, from, wish, to)
  return { open = leaves and arrives, about = to.workload or from.workload or nil, leaves = leaves, arrives = arrives, at_sender = at_sender, at_receiver = at_receiver,
           params = { from = text_of(from), to = text_of(to), port = tostring(wish.port), policies = "" } }
end

function lib.allowed(given)
  local seen, blocked = look(2, "t:allowed", given)
  if blocked then return lib.fail_all(blocked) end
  if seen.open then return lib.pass() end
  local findings = {}
  for _, half in ipairs { { not seen.leaves, seen.at_sender, "policy.leaves-not" }, { not seen.arrives, seen.at_receiver, "policy.arrives-not" } } do
    if half[1] then
      local params = { policies = names_of(half[2]) }
      for name, value in pairs(seen.params) do params[name] = params[name] or value end
      findings[#findings + 1] = lib.finding { key = half[3], about = half[2][1]:get("spec"), got = false, own = true, params = params }
    end
  end
  return lib.fail_all(findings)
end

function lib.refused(given)
  local seen, blocked = look(2, "t:refused", given)
  if blocked then return lib.fail_all(blocked) end
  if not seen.open then return lib.pass() end
  local all = {}
  for _, list in ipairs { seen.at_sender, seen.at_receiver } do
    for _, policy in ipairs(list) do all[#all + 1] = policy end
  end
  seen.params.policies = names_of(all)
  return lib.fail(lib.finding { key = #all == 0 and "policy.none" or "policy.open", about = all[1] and all[1]:get("spec") or seen.about, got = false, own = true, params = seen.params })
end
