-- labels: selectors as Kubernetes reads them. An absent selector is not an empty one: {} selects everything, none selects nothing.
local lib = lib

-- Does a plain map of labels (a Service's selector) hold for these labels? Both nodes; labels may be nil.
function lib.map_selects(selector, labels)
  if not selector or selector:type() ~= "map" or selector:len() == 0 then return false end
  for _, key in ipairs(selector:keys()) do
    local value = labels and labels:type() == "map" and labels:get(key)
    if not value or value:text() ~= selector:get(key):text() then return false end
  end
  return true
end

local function requirement(node, labels)
  local key, operator, values = node:get("key"), node:get("operator"), node:get("values")
  local value = key and labels and labels:type() == "map" and labels:get(key:text())
  local listed = false
  if value and values then
    for i = 1, values:len() do
      if values:at(i):text() == value:text() then listed = true end
    end
  end
  local word = operator and operator:text()
  if word == "In" then return listed end
  if word == "NotIn" then return not listed end
  if word == "Exists" then return value and true or false end
  if word == "DoesNotExist" then return not value end
  return false
end

-- Does a selector with matchLabels and matchExpressions hold?
function lib.selector_selects(selector, labels)
  if not selector then return false end
  local plain, expressions = selector:get("matchLabels"), selector:get("matchExpressions")
  if plain and plain:len() > 0 and not lib.map_selects(plain, labels) then return false end
  for i = 1, expressions and expressions:len() or 0 do
    if not requirement(expressions:at(i), labels) then return false end
  end
  return true
end
