-- base: the table that the chunks of this library share, and the small helpers that all of them use.
-- Loaded first. 90-check.lua takes the name `lib` away again, so that a lab's script sees only the words meant for it.

local lib = {
  test = false,     -- the check that is being run; made by 90-check.lua
}
export.lib = lib

-- A mistake of whoever wrote a script. level says whose line is blamed, as in error(): 2 is the caller of the word.
function lib.mistake(level, text, ...)
  error(text:format(...), level + 1)
end

-- Our own fault, or the cluster's: ends the check as `error`, and nobody loses a point.
function lib.trouble(who, key, detail)
  error { who = who, key = key, detail = detail }
end

-- A class is a set of words. Asking a thing for a word it has not got is a mistake in the script and says which words there are;
-- so every attribute of a thing is set when it is made, `false` standing for "none".
function lib.class(name, parent)
  local class = { name = name, words = {}, parent = parent or false }

  function class.find(word)
    local fn = rawget(class.words, word)
    if fn == nil and parent then fn = parent.find(word) end
    return fn
  end

  function class.add_words(set)
    if parent then parent.add_words(set) end
    for word in pairs(class.words) do set[word] = true end
    return set
  end

  setmetatable(class.words, { __index = function(words, word)
    local fn = class.find(word)
    if fn == nil then
      local list = {}
      for known in pairs(class.add_words {}) do list[#list + 1] = known end
      lib.mistake(2, "%s has no word '%s'; it has: %s", name, tostring(word), table.concat(list, ", "))
    end
    words[word] = fn      -- asked for once, found fast from then on
    return fn
  end })
  class.meta = { __name = name, __index = class.words }
  return class
end

function lib.make(class, attributes)
  attributes.class = class
  return setmetatable(attributes, class.meta)
end

-- True when `thing` was made from `class` or from a class below it.
function lib.is(thing, class)
  if type(thing) ~= "table" then return false end
  local own = rawget(thing, "class")
  while own do
    if own == class then return true end
    own = own.parent
  end
  return false
end

-- Options of a word: refuses a misspelt one.
function lib.options(level, word, given, known)
  if given == nil then return {} end
  if type(given) ~= "table" then lib.mistake(level + 1, "%s takes its options in { … }", word) end
  for name in pairs(given) do
    if not known[name] then lib.mistake(level + 1, "%s has no option '%s'", word, tostring(name)) end
  end
  return given
end

-- "60s" or milliseconds to milliseconds.
function lib.milliseconds(level, text)
  if math.type(text) == "integer" then return text end
  local ms = type(text) == "string" and host.duration(text)
  if not ms then lib.mistake(level + 1, "'%s' is no time; write \"30s\" or \"2m\"", tostring(text)) end
  return ms
end

function lib.contains(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

-- Nodes out of a manifest may be anything: these three look without minding.
function lib.is_map(node) return node and node:type() == "map" or false end

-- The text of a single value; "" of a map, a list and of nothing.
function lib.text_of(node)
  if not node or node:type() == "map" or node:type() == "list" then return "" end
  return node:text()
end

-- The items of a list; none of anything else.
function lib.items_of(node)
  local list = {}
  if node and node:type() == "list" then
    for i = 1, node:len() do list[i] = node:at(i) end
  end
  return list
end

-- How many letters must be put in, taken out, changed or swapped with their neighbour to make `b` out of `a`; at most `limit` + 1.
function lib.letters_off(a, b, limit)
  if math.abs(#a - #b) > limit then return limit + 1 end
  local before, row = {}, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local earlier
    earlier, before, row = before, row, { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], earlier[j - 2] + 1)
      end
    end
  end
  return math.min(row[#b], limit + 1)
end

-- Is `written` probably a slip for `meant`? Short names are too much alike to say so.
function lib.near(written, meant)
  local limit = #meant >= 6 and 2 or #meant >= 4 and 1 or 0
  return written ~= meant and limit > 0 and lib.letters_off(written, meant, limit) <= limit
end
