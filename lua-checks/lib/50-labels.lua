-- labels: selectors as Kubernetes reads them. An absent selector is not an empty one: {} selects everything, none selects nothing.
local lib = lib

-- Does a plain map of labels (a Service's selector) hold for these labels? Both nodes; labels may be nil.
function lib.map_selects(selector, labels)
  if not lib.is_map(selector) or #selector:keys() == 0 then return false end
  for _, key in ipairs(selector:keys()) do
    local value = lib.is_map(labels) and labels:get(key)
    if not value or lib.text_of(value) ~= lib.text_of(selector:get(key)) then return false end
  end
  return true
end

local function requirement(node, labels)
  if not lib.is_map(node) then return false end
  local word, value, listed = lib.text_of(node:get("operator")), nil, false
  if lib.is_map(labels) then value = labels:get(lib.text_of(node:get("key"))) end
  for _, one in ipairs(value and lib.items_of(node:get("values")) or {}) do
    if lib.text_of(one) == lib.text_of(value) then listed = true end
  end
  if word == "In" then return listed end
  if word == "NotIn" then return not listed end
  if word == "Exists" then return value and true or false end
  if word == "DoesNotExist" then return not value end
  return false
end

-- Does a selector with matchLabels and matchExpressions hold?
function lib.selector_selects(selector, labels)
  if not lib.is_map(selector) then return false end
  local plain = selector:get("matchLabels")
  if lib.is_map(plain) and #plain:keys() > 0 and not lib.map_selects(plain, labels) then return false end
  for _, one in ipairs(lib.items_of(selector:get("matchExpressions"))) do
    if not requirement(one, labels) then return false end
  end
  return true
end
