-- path: the way to a field inside an object, as text and as steps.
--
--   spec.template.spec.containers[name=web].image     an item of a list, chosen by what it says
--   spec.ports[0].port                                an item by its place, counted from 0 as the API does
--   spec.ports[port=80,protocol=TCP]                  chosen by two things
--   metadata.labels["app.kubernetes.io/name"]         a key with dots in it
--
-- A step is { key = "spec" }, { index = 0 } or { where = { { "name", "web" } } }.
local lib = lib

local read_before = {}      -- text -> steps: scripts use the same few paths again and again

-- The inside of [ … ] as a step, or nil and what is wrong with it.
local function bracket(inside)
  if inside:match("^%d+$") then return { index = math.tointeger(tonumber(inside)) } end
  local quoted = inside:match('^"(.*)"$')
  if quoted then return { key = quoted } end
  if inside == "" then return nil, "[] is empty" end
  if not inside:find("=", 1, true) then return { key = inside } end
  local where = {}
  for pair in inside:gmatch("[^,]+") do
    local name, value = pair:match("^%s*([^=%s]+)%s*=%s*(.-)%s*$")
    if not name then return nil, "'" .. pair .. "' is not name=value" end
    where[#where + 1] = { name, value:match('^"(.*)"$') or value }
  end
  return { where = where }
end

-- Text to steps; nil and what is wrong when it cannot be read.
function lib.try_path(text)
  if read_before[text] then return read_before[text] end
  local steps, at = {}, 1
  while at <= #text do
    local sign = text:sub(at, at)
    if sign == "[" then
      local close
      if text:sub(at + 1, at + 1) == '"' then
        close = text:find('"]', at + 2, true)
        close = close and close + 1
      else
        close = text:find("]", at, true)
      end
      if not close then return nil, "[ is not closed" end
      local step, why = bracket(text:sub(at + 1, close - 1))
      if not step then return nil, why end
      steps[#steps + 1] = step
      at = close + 1
    else
      if sign == "." then
        if at == 1 then return nil, "it begins with a dot" end
        at = at + 1
      elseif at > 1 then
        return nil, "a dot is missing behind ]"
      end
      local stop = text:find("[.%[]", at) or #text + 1
      if stop == at then return nil, "a name is missing" end
      steps[#steps + 1] = { key = text:sub(at, stop - 1) }
      at = stop
    end
  end
  read_before[text] = steps
  return steps
end

-- The same for the path in a script: a path that cannot be read is the script's mistake.
function lib.path(level, text)
  if type(text) ~= "string" then lib.mistake(level + 1, "a path is a text such as \"spec.replicas\", not %s", type(text)) end
  local steps, why = lib.try_path(text)
  if not steps then lib.mistake(level + 1, "the path '%s' cannot be read: %s", text, why) end
  return steps
end

-- One step as text, to be put behind `before`.
local function step_text(before, step)
  if step.index then return before .. "[" .. step.index .. "]" end
  if step.where then
    local list = {}
    for _, pair in ipairs(step.where) do list[#list + 1] = pair[1] .. "=" .. pair[2] end
    return before .. "[" .. table.concat(list, ",") .. "]"
  end
  if step.key:find("^[%w_%-]+$") then return before == "" and step.key or before .. "." .. step.key end
  return before .. '["' .. step.key .. '"]'
end

function lib.path_text(steps)
  local text = ""
  for _, step in ipairs(steps) do text = step_text(text, step) end
  return text
end

-- One step down from a node: the node there (or false), and its place in the list where it is an item of one.
function lib.step_down(node, step)
  if not node then return false end
  if step.key then return node:type() == "map" and node:get(step.key) or false end
  if node:type() ~= "list" then return false end
  if step.index then return node:at(step.index + 1) or false, step.index end
  for i = 1, node:len() do
    local item, all = node:at(i), true
    for _, pair in ipairs(step.where) do
      local value = lib.is_map(item) and item:get(pair[1])
      if not value or lib.text_of(value) ~= pair[2] then all = false end
    end
    if all then return item, i - 1 end
  end
  return false
end
