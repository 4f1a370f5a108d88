-- data: what a ConfigMap or a Secret holds, and texts that stand for something else.
--
--   config:entry("colour"):equals("green")        the value of a key; of a Secret decoded, from data or stringData
--   field:decoded():contains("sesame")            what base64 text says
--   field:inside("10.0.0.0/8")                    an IPv4 address or block that lies in this block
local lib = lib

local digits = {}
for i = 1, 64 do digits[("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):byte(i)] = i - 1 end

-- RFC 4648 with padding, as the API server reads it; line ends may stand in it. nil when it is none.
local function base64(text)
  text = text:gsub("[\r\n]", "")
  if #text % 4 ~= 0 then return nil end
  local out = {}
  for at = 1, #text, 4 do
    local a, b, c, d = text:byte(at, at + 3)
    local last = at + 3 == #text
    local pad = last and (c == 61 and 2 or d == 61 and 1 or 0) or 0
    local w, x, y, z = digits[a], digits[b], pad == 2 and d == 61 and 0 or digits[c], pad > 0 and 0 or digits[d]
    if not (w and x and y and z) then return nil end
    local bits = w << 18 | x << 12 | y << 6 | z
    out[#out + 1] = string.char(bits >> 16, bits >> 8 & 255, bits & 255):sub(1, 3 - pad)
  end
  return table.concat(out)
end

-- The field again, with another value in its place; where nothing is, the field itself.
local function instead(field, value)
  local attributes = {}
  for name, one in pairs(field) do attributes[name] = one end
  attributes.literal = { value = value }
  return setmetatable(attributes, getmetatable(field))
end

function lib.Field.words:decoded()
  if lib.is_empty(self) then return self end
  if lib.is_hidden(self) then lib.mistake(2, "the values of Secrets in the namespace are not read; lab.yaml may say secrets: values") end
  local value = base64(self:text())
  local field = instead(self, value)
  if value == nil then field.literal.away = lib.fail(lib.finding { key = "value.base64", about = self, own = true, want = { op = "base64" } }) end
  return field
end

-- The value of a key. Of a Secret as the program reads it: stringData goes before data, and data is base64.
local function entry(self, key)
  if type(key) ~= "string" then lib.mistake(2, "entry(\"key\")") end
  local plain = lib.down(self:get("stringData"), { key = key })
  if self.kind == "Secret" and plain.node then return plain end
  local field = lib.down(self:get("data"), { key = key })
  if self.kind ~= "Secret" or not field.node then return field end
  if lib.is_hidden(field) then lib.mistake(2, "the values of Secrets in the namespace are not read; lab.yaml may say secrets: values") end
  return field:decoded()
end
lib.words_for("ConfigMap").entry = entry
lib.words_for("Secret").entry = entry

-- Dotted IPv4 as a number; nil for anything else.
local function address(text)
  local a, b, c, d = text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if not a then return nil end
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  if a > 255 or b > 255 or c > 255 or d > 255 then return nil end
  return a << 24 | b << 16 | c << 8 | d
end

-- A block as its first address and its number of bits; an address alone is a block of one.
local function block_of(text)
  local base, bits = text:match("^([^/]+)/(%d+)$")
  local net = address(base or text)
  bits = base and tonumber(bits) or not base and 32 or nil
  if not net or not bits or bits > 32 then return nil end
  return net, bits
end

-- Does the block hold the other one, or the address? nil when one of them cannot be read.
function lib.cidr_holds(outer, inner)
  local net, bits = block_of(outer)
  local one, own = block_of(inner)
  if not net or not one then return nil end
  local mask = bits == 0 and 0 or (0xFFFFFFFF << (32 - bits)) & 0xFFFFFFFF
  return own >= bits and net & mask == one & mask
end

function lib.Field.words:inside(block)
  if type(block) ~= "string" or not block_of(block) then lib.mistake(2, "inside(\"10.0.0.0/8\")") end
  local blocked = lib.unreachable(self)
  if blocked then return lib.fail_all(blocked) end
  if lib.is_empty(self) then return lib.fail(lib.finding { key = "path.missing", about = self, want = { op = "exists" } }) end
  local holds = lib.cidr_holds(block, self:text())
  if holds then return lib.pass() end
  return lib.fail(lib.finding { key = holds == nil and "value.no-address" or "value.outside", about = self, own = true, want = { op = "inside", type = "text", value = block } })
end
