-- nginx in Deployment "web" listens on 80, whatever its containerPort says.
local listens = 80

check "ports" { step = "mend", points = 3, on = "files", run = function(t)
  local web = t:one("Deployment", "web")
  local a, b, c = t:one("Service", "a"), t:one("Service", "b"), t:one("Service", "c")
  t:share(all { a:selects(web), a:port(p.port):reaches(web, listens) })
  t:share(all { b:selects(web), b:port(80):reaches(web, listens) })
  t:share(all { c:selects(web), c:ports_named(), c:port(80):reaches(web, listens), c:port(8000):reaches(web, listens) })
end }

check "accepted" { step = "mend", points = 1, on = "files", strict = true, run = function(t)
  t:share(t:strict())
end }

-- a and b are to be mended in place; c is new.
check "answers" { step = "mend", points = 6, on = "live", run = function(t)
  t:must(start("Service", "a"):kept())
  t:must(start("Service", "b"):kept())
  t:share(t:http { service = "a", port = p.port }:status(200))
  t:share(t:http { service = "b", port = 80 }:status(200))
  t:share(t:http { service = "c", port = 80 }:status(200))
  t:share(t:http { service = "c", port = 8000 }:status(200))
end }
