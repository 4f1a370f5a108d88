check "page" { step = "publish", points = 4, on = "both", run = function(t)
  local ingress = t:one("Ingress", p.app)
  t:share(ingress:route(p.host, "/a"):goes_to(p.app, 80))
  if t.side == "live" then
    local page = t:http { host = p.host, path = "/a/b?c=d" }
    t:must(page:status(200))
    t:share(page:answered_by(t:pods(t:one("Deployment", p.app))))
    t:share(t:http { host = p.host, path = "/a", method = "HEAD" }:status(200))
    t:share(t:http { host = p.host, path = "/other" }:status(404))
  end
end }
check "safe" { step = "publish", points = 2, on = "live", needs = { "page" }, run = function(t)
  local host = "safe-" .. p.host
  t:share(t:http { host = host, tls = true, within = "20s" }:status(200))
  t:share(t:http { host = host }:status(308))                -- who asks without is sent there
end }
-- The greeting is written at start, a line for each second after it.
check "says" { step = "publish", points = 1, on = "live", run = function(t)
  local pods = t:pods(t:one("Deployment", "talker"))
  t:share(pods:logs { tail = 50 }:contains("hello " .. p.app))
  t:share(pods:logs { container = "side", any = true, within = "20s" }:matches("side * of " .. p.app))
end }
check "outside" { step = "publish", points = 1, on = "both", run = function(t)
  t:share(t:one("Service", p.app):get("spec.ports[0].nodePort"):equals(p.nodeport))
  t:share(t:one("Ingress", p.app):get("spec.ingressClassName"):equals(p.ingressclass))
end }
