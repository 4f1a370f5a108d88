-- The file first; then the same in the namespace, when the file is right.
check "file" { step = "keep", points = 4, on = "files", run = function(t)
  t:share(t:one("ConfigMap", p.app):get("data.token"):equals(p.token))
end }

check "live" { step = "keep", points = 6, on = "live", needs = { "file" }, run = function(t)
  t:share(t:one("ConfigMap", p.app):get("data.token"):equals(p.token))
end }
