-- Both Services, one after the other. The Deployments are to stay as they were: they are right.
local names = { "front", "back" }

check "selectors" { step = "mend", points = 3, on = "files", run = function(t)
  for _, name in ipairs(names) do
    t:must(start("Deployment", name):unchanged())
    t:share(t:one("Service", name):selects_only(t:one("Deployment", name)))
  end
end }

check "endpoints" { step = "mend", points = 4, on = "live", run = function(t)
  for _, name in ipairs(names) do
    t:must(start("Deployment", name):unchanged())
    t:share(t:wait("Service", name, function(service)
      return service:endpoints():exactly(t:pods(t:one("Deployment", name)))
    end))
  end
end }

-- Asked only when the endpoints are right: with three Pods behind one Service six right answers may be luck.
check "answers" { step = "mend", points = 3, on = "live", needs = { "endpoints" }, run = function(t)
  for _, name in ipairs(names) do
    t:must(start("Deployment", name):unchanged())
    t:share(t:http { service = name, port = 80, times = 6 }:answered_by(t:pods(t:one("Deployment", name))))
  end
end }
