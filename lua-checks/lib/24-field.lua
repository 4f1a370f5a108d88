-- field: one place in one object, whether something stands there or not. A missing path is a field like any other: it can be asked for
-- its children, compared and shared, and loses; no manifest can make a right script fail.
--
--   field:value()                              text, number, true or false, for an if or a message; nil where nothing is
--   field:text()                               the value as text; "" where nothing is
--   field:is_set()                             is something written there? plain true or false
--   field:path()                               how the place is called
--   object:get("spec.replicas", "effective")   the field with what the API server fills in where nothing is written
local lib = lib

lib.Field = lib.class("a field")
local words = lib.Field.words

-- attributes: object, up (the field above, or false), step (from there), node (what stands there, or false), number (its place where it is an
-- item of a list, from 0, or false), default (what counts instead, or false), literal (a value that is no node, or false).
local function make(object, up, step, node, number)
  return lib.make(lib.Field, { object = object, up = up, step = step, node = node, number = number or false, default = false, literal = false })
end

-- The steps from the object down to a field.
function lib.steps_to(field)
  local back, steps = {}, {}
  while field.up do
    back[#back + 1] = field.step
    field = field.up
  end
  for i = #back, 1, -1 do steps[#steps + 1] = back[i] end
  return steps
end

-- A field for a value that was not read from an object's tree, such as the body of a page.
function lib.literal(object, name, value)
  local field = make(object, object, { key = name }, false)
  field.literal = { value = value }
  return field
end

-- One step down: { key = "spec" }, { index = 0 } or { where = … }. For keys that come out of a manifest and may hold any letter.
function lib.down(field, step)
  local node, number = lib.step_down(field.node, step)
  return make(field.object, field, step, node, number)
end

-- Defaults are filled in where an object and all items of its lists on the way are there; maps on the way may be missing.
function lib.may_default(field)
  while field.up and not field.node do
    if not field.step.key then return false end
    field = field.up
  end
  return field.node and true or false
end

-- The field at a path, as written. With "effective": with the default that the API server fills in.
function words:get(path, how)
  if how ~= nil and how ~= "effective" then lib.mistake(2, "get(path, \"effective\"), not '%s'", tostring(how)) end
  local field = self
  for _, step in ipairs(lib.path(2, path)) do field = lib.down(field, step) end
  if how and not field.node and lib.may_default(field) then
    local value = lib.default_of(field)
    if value ~= nil then field.default = { value = value } end
  end
  return field
end

-- The value as Lua sees it: text, number, true, false; nil where nothing is, and for maps and lists.
function words:value()
  if self.literal then return self.literal.value end
  local node = self.node
  if not node then return self.default and self.default.value or nil end
  local type = node:type()
  if type == "number" then return node:int() or tonumber(node:text()) end
  if type == "bool" then return node:bool() end
  if type == "text" then return node:text() end
  return nil
end

-- The value as text; "" where nothing is.
function words:text()
  local value = self:value()
  return value == nil and "" or tostring(value)
end

function words:path()
  return lib.path_text(lib.steps_to(self))
end

-- How an item of a list is called: by its name where it has one, else by its place.
local function item_step(item, number)
  local name = item:type() == "map" and item:get("name")
  if name and name:type() == "text" then return { where = { { "name", name:text() } } } end
  return { index = number }
end

-- The fields below: items of a list, values of a map. A plain list of fields; `each` of 90-check.lua is the word for scripts.
function lib.children(field)
  local list, node = {}, field.node
  if not node then return list end
  if node:type() == "list" then
    for i = 1, node:len() do
      local item = node:at(i)
      list[i] = make(field.object, field, item_step(item, i - 1), item, i - 1)
    end
  elseif node:type() == "map" then
    for i, key in ipairs(node:keys()) do list[i] = make(field.object, field, { key = key }, node:get(key) or false) end
  end
  return list
end

-- Nothing there, or null.
function lib.is_empty(field)
  if field.literal then return field.literal.value == nil end
  if field.default then return false end
  return not field.node or field.node:type() == "null"
end

-- Is something written there? A plain true or false, for an `if`; the result to share is exists().
function words:is_set()
  return not lib.is_empty(self)
end

-- The nearest field above that is there; the object itself when it is there at all; false when not even that.
function lib.nearest(field)
  while field and not field.node do field = field.up end
  return field or false
end

-- The first field that is missing on the way down to this one; false when this one is there.
function lib.first_missing(field)
  local missing = false
  while field and not field.node and not field.literal do
    missing = field
    field = field.up
  end
  return missing
end

-- Where a remark about a field points in the file: at its value or its key, or at its nearest parent when it is not there. Live objects and
-- set-up have no places.
function lib.place(field, which)
  local near = lib.nearest(field)
  if not near then return nil, "parent" end
  if near ~= field then return near.node:key_place() or near.node:place(), "parent" end
  if which == "key" then return field.node:key_place() or field.node:place(), "key" end
  return field.node:place(), "value"
end

-- The JSON Pointer of a field; items that are not there are named as in the path.
function lib.pointer(field)
  local parts = {}
  while field.up do
    local name = field.step.key or field.number and tostring(field.number) or field.step.index and tostring(field.step.index) or "-"
    table.insert(parts, 1, "/" .. name:gsub("~", "~0"):gsub("/", "~1"))
    field = field.up
  end
  return table.concat(parts)
end

-- What was found, for a finding: { state, type, value, text }.
function lib.found(field)
  if field.literal then
    local value = field.literal.value
    return { state = value == nil and "absent" or "written", type = type(value) == "string" and "text" or type(value), value = value, text = lib.cut(value) }
  end
  local node = field.node
  if not node then
    if field.default then return { state = "defaulted", value = field.default.value, text = tostring(field.default.value) } end
    return { state = "absent" }
  end
  local type = node:type()
  if type == "null" then return { state = "null", type = "null" } end
  if lib.is_hidden(field) then return { state = "written", type = "hidden" } end
  if type == "map" or type == "list" then return { state = "written", type = type, text = lib.flow(node) } end
  local text = node:raw() or node:text()
  if type == "text" and tonumber(node:text()) then text = '"' .. node:text() .. '"' end     -- so that "3" and 3 look different
  return { state = "written", type = type, value = type == "number" and node:int() or type ~= "number" and field:value() or node:text(), text = lib.cut(text) }
end

-- At most 200 characters of a value, for showing.
function lib.cut(value)
  if value == nil then return nil end
  local text = tostring(value)
  if #text <= 200 then return text end
  local stop = 197
  while stop > 1 and text:byte(stop + 1) >= 0x80 and text:byte(stop + 1) < 0xC0 do stop = stop - 1 end
  return text:sub(1, stop) .. "..."
end

-- A map or list in one line, for showing.
function lib.flow(node)
  local function write(one, depth)
    local type = one:type()
    if depth > 3 then return "..." end
    local list = {}
    if type == "map" then
      for i, key in ipairs(one:keys()) do
        if i > 8 then list[i] = "..." break end
        list[i] = key .. ": " .. write(one:get(key), depth + 1)
      end
      return "{" .. table.concat(list, ", ") .. "}"
    elseif type == "list" then
      for i = 1, math.min(one:len(), 8) do list[i] = write(one:at(i), depth + 1) end
      if one:len() > 8 then list[9] = "..." end
      return "[" .. table.concat(list, ", ") .. "]"
    end
    return one:text()
  end
  return lib.cut(write(node, 1))
end

-- Live values of a Secret are not shown unless the lab says `secrets: values`.
function lib.is_hidden(field)
  if field.object.kind ~= "Secret" or not field.object.live then return false end
  local first = lib.steps_to(field)[1]
  return first ~= nil and (first.key == "data" or first.key == "stringData") and not (host.lab and host.lab.secrets == "values")
end
