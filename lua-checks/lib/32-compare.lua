-- compare: words that compare a field with a value. Each gives a result. A field that is not there loses all of them but `absent`.
-- Quantities, images and ports are compared as what they mean: 0.5 and 500m are equal, nginx and docker.io/library/nginx:latest too.
--
--   field:equals(3)             quantities, images and ports as what they mean
--   field:differs(3)            also true where nothing is written
--   field:at_least("64Mi")
--   field:at_most("500m")
--   field:between(2, 4)         both included
--   field:one_of { "a", "b" }
--   field:contains("x")         a text in a text, an item in a list, a key in a map
--   field:matches("kedai-*")    * any letters, ? one
--   field:exists()
--   field:absent()
local lib = lib

local words = lib.Field.words

-- An image as the container runtime reads it: { host, name, tag, digest }.
function lib.image(text)
  local image, digest = { }, nil
  text, digest = text:match("^([^@]*)@?(.*)$")
  local host, rest = text:match("^([^/]+)/(.+)$")
  if host and (host:find("[.:]") or host == "localhost") then
    image.host = host
  else
    image.host, rest = "docker.io", text
  end
  local name, tag = rest:match("^(.*):([^:/]+)$")
  image.name, image.tag, image.digest = name or rest, tag or (digest == "" and "latest" or ""), digest
  if image.host == "docker.io" and not image.name:find("/", 1, true) then image.name = "library/" .. image.name end
  return image
end

local function image_text(text)
  local image = lib.image(text)
  return image.host .. "/" .. image.name .. (image.tag ~= "" and ":" .. image.tag or "") .. (image.digest ~= "" and "@" .. image.digest or "")
end

local function is_number(value) return math.type(value) ~= nil end

-- -1, 0 or 1, or nil when one of them is no number; then also which key says so.
local function order(got, want, level)
  local right = host.quantity(tostring(want))
  if not right then lib.mistake(level + 1, "'%s' is no number or quantity", tostring(want)) end
  local left, why = host.quantity(tostring(got))
  if not left then return nil, why == "large" and "quantity.large" or "quantity.bad" end
  return host.compare(left, right)
end

-- Are two values equal, for a field of that type? false and a key when what was found is no quantity at all.
local function same(field, got, want, level)
  local type_of = lib.type_of(field)
  if got == nil then return false end
  if type_of == "quantity" then
    local sign, bad = order(got, want, level + 1)
    return sign == 0, bad
  end
  if type_of == "image" and type(got) == "string" and type(want) == "string" then return image_text(got) == image_text(want) end
  if is_number(got) and is_number(want) then return order(got, want, level + 1) == 0 end
  return got == want and math.type(got) == math.type(want)
end
lib.same_value = same

local function plain(value)
  if is_number(value) and not math.tointeger(value) then return tostring(value) end
  return value
end

local function value_type(field, want)
  return lib.type_of(field) or (type(want) == "string" and "text") or (is_number(want) and "number") or (type(want) == "boolean" and "bool") or nil
end

-- The shared shape of all comparisons. test(value) gives true, false, or false and a key of its own.
local function compare(field, key, want, test)
  if field.literal and field.literal.away then return field.literal.away end
  local blocked = lib.unreachable(field)
  if blocked then return lib.fail_all(blocked) end
  if lib.is_empty(field) then return lib.fail(lib.finding { key = field.node and key or "path.missing", about = field, want = want, own = true }) end
  local ok, other = test(field:value())
  if ok then return lib.pass() end
  return lib.fail(lib.finding { key = other or key, about = field, want = want, own = not other })
end

local function need(word, value)
  if value == nil then lib.mistake(3, "%s wants a value to compare with", word) end
  if lib.is(value, lib.Field) then
    local plain_value = value:value()
    if plain_value == nil then lib.mistake(3, "%s: the field to compare with has no value", word) end
    return plain_value
  end
  if type(value) == "table" or type(value) == "function" then lib.mistake(3, "%s compares with one value, not with a %s", word, type(value)) end
  return value
end

function words:equals(want)
  want = need("equals", want)
  return compare(self, "value.equals", { op = "equals", type = value_type(self, want), value = plain(want) }, function(got) return same(self, got, want, 5) end)
end

-- Also true where nothing is written, as long as the object is there.
function words:differs(from)
  from = need("differs", from)
  if lib.is_empty(self) and not self.literal then return lib.pass_unless(self.object.node and {} or lib.missing_object(self.object)) end
  return compare(self, "value.differs", { op = "differs", type = value_type(self, from), value = plain(from) }, function(got) return not same(self, got, from, 5) end)
end

local function bound(field, key, op, limit, passes)
  local type_of = lib.type_of(field) or (is_number(limit) and "number") or "quantity"
  return compare(field, key, { op = op, type = type_of, value = plain(limit) }, function(got)
    local sign, bad = order(got, limit, 5)
    if bad then return false, bad end
    return passes(sign)
  end)
end

function words:at_least(limit)
  return bound(self, "value.at-least", "at_least", need("at_least", limit), function(sign) return sign >= 0 end)
end

function words:at_most(limit)
  return bound(self, "value.at-most", "at_most", need("at_most", limit), function(sign) return sign <= 0 end)
end

function words:between(low, high)
  low, high = need("between", low), need("between", high)
  return compare(self, "value.between", { op = "between", type = lib.type_of(self) or "number", low = plain(low), high = plain(high), value = tostring(low) .. " - " .. tostring(high) }, function(got)
    local left, bad = order(got, low, 5)
    if bad then return false, bad end
    return left >= 0 and order(got, high, 5) <= 0
  end)
end

local function list_text(list)
  local texts = {}
  for i, value in ipairs(list) do texts[i] = tostring(value) end
  return table.concat(texts, ", ")
end

function words:one_of(list)
  if type(list) ~= "table" or #list == 0 then lib.mistake(2, "one_of takes a list: one_of{ \"a\", \"b\" }") end
  return compare(self, "value.one-of", { op = "one_of", value = list_text(list) }, function(got)
    for _, want in ipairs(list) do
      if same(self, got, want, 5) then return true end
    end
    return false
  end)
end

-- A text that holds the text, a list that holds the item, a map that holds the key.
function words:contains(part)
  part = need("contains", part)
  return compare(self, "value.contains", { op = "contains", value = plain(part) }, function(got)
    local node = self.node
    if node and node:type() == "map" then return node:get(tostring(part)) ~= nil end
    if node and node:type() == "list" then
      for _, item in ipairs(lib.children(self)) do
        if same(item, item:value(), part, 5) then return true end
      end
      return false
    end
    return got ~= nil and tostring(got):find(tostring(part), 1, true) ~= nil
  end)
end

-- * stands for any letters, ? for one.
function words:matches(pattern)
  pattern = need("matches", pattern)
  return compare(self, "value.matches", { op = "matches", value = pattern }, function(got) return got ~= nil and host.glob(pattern, tostring(got)) end)
end

function words:exists()
  return compare(self, "path.missing", { op = "exists" }, function() return true end)
end

-- Nothing may be written there. A missing parent is fine: then nothing is written there either.
function words:absent()
  if not self.object.node then return lib.fail_all(lib.missing_object(self.object)) end
  if not self.node then return lib.pass() end
  return lib.fail(lib.finding { key = "path.unwanted", about = self, node = "key", want = { op = "absent" }, own = true })
end
