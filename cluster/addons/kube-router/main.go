// Command kube-router enforces NetworkPolicies with kube-router's own firewall controller, and with nothing of its routing and proxying. Two things are ours:
//
//   - It is asked for one pass at a time over a frozen picture. Left alone it reads the Pods twice in a pass, and one that comes in between is open until the next.
//   - It learns addresses from the CNI chain (lib/pod-network), before a container starts, not from the API, which tells them a second later and after a restart
//     tells those of the life before. A Pod is let through the guard (conf/guard.nft, set covered) only when a pass with it has ended.
//
// The picture holds what this node needs: Pods with an address, their namespaces, and the policies of those. What changes elsewhere costs nothing.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/metrics"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"github.com/cloudnativelabs/kube-router/v2/pkg/svcip"
	"github.com/cloudnativelabs/kube-router/v2/pkg/utils"
	"github.com/prometheus/client_golang/prometheus"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// Every so often the rules are written anew though nothing has changed: somebody else may have.
const again = 5 * time.Minute

// frozen is what the controller reads: it changes between two passes only.
type frozen struct {
	cache.SharedIndexInformer
	store cache.Indexer
}

func freeze(real cache.SharedIndexInformer) frozen {
	return frozen{real, cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})}
}
func (f frozen) GetIndexer() cache.Indexer { return f.store }

// passEnds tells the end of a pass: the controller measures each one as the last thing it does.
type passEnds struct {
	prometheus.Histogram
	ended chan struct{}
}

func (p passEnds) Observe(seconds float64) {
	p.Histogram.Observe(seconds)
	p.ended <- struct{}{}
}

type firewall struct {
	folder, nodeAddress        string // folder: a file for each sandbox, `ADDRESS NAMESPACE POD`, by lib/pod-network
	pods, namespaces, policies frozen
	begun                      chan *healthcheck.ControllerHeartbeat
	ended                      chan struct{}
	changed                    chan struct{}
	controller                 *netpol.NetworkPolicyController
	rules                      utils.IPTablesHandler
	mutex                      sync.Mutex
	covered                    map[string]bool
	waiting                    []waiter
}
type waiter struct {
	address string
	conn    net.Conn
}

func must(err error) {
	if err != nil {
		klog.Fatal(err)
	}
}

func (f *firewall) change() {
	select {
	case f.changed <- struct{}{}:
	default: // one is noted already
	}
}

// addresses reads who has which: "namespace/pod" to address, of all sandboxes alive. The newest sandbox of a Pod wins.
func (f *firewall) addresses() map[string]string {
	type found struct {
		address string
		at      time.Time
	}
	newest := map[string]found{}
	files, _ := filepath.Glob(filepath.Join(f.folder, "*"))
	for _, name := range files {
		text, err := os.ReadFile(name)
		words := strings.Fields(string(text))
		info, err2 := os.Stat(name)
		if err != nil || err2 != nil || len(words) != 3 || net.ParseIP(words[0]) == nil {
			continue // it has just gone
		}
		key := words[1] + "/" + words[2]
		if !info.ModTime().Before(newest[key].at) {
			newest[key] = found{words[0], info.ModTime()}
		}
	}
	result := map[string]string{}
	for key, at := range newest {
		result[key] = at.address
	}
	return result
}

// picture freezes what the informers know now. Gives the addresses of its Pods, and a hash over all that a rule can depend on.
func (f *firewall) picture() (map[string]bool, string) {
	at := f.addresses()
	held := map[string]bool{}
	active := map[string]bool{}
	var pods, namespaces, policies []any
	var facts []string
	fact := func(kind string, values ...any) {
		text, err := json.Marshal(values)
		must(err)
		facts = append(facts, kind+string(text))
	}
	for _, object := range f.pods.SharedIndexInformer.GetIndexer().List() {
		pod := object.(*core.Pod)
		address := at[pod.Namespace+"/"+pod.Name]
		if address == "" || pod.Spec.HostNetwork {
			continue
		}
		// Told as if the kubelet had said so already; one that has ended keeps its phase, and is left out by the controller itself.
		pod = pod.DeepCopy()
		pod.Status.PodIP, pod.Status.PodIPs, pod.Status.HostIP = address, []core.PodIP{{IP: address}}, f.nodeAddress
		pods = append(pods, pod)
		active[pod.Namespace] = true
		var ports []core.ContainerPort
		for _, container := range append(slices.Clone(pod.Spec.InitContainers), pod.Spec.Containers...) {
			ports = append(ports, container.Ports...)
		}
		ended := pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed
		if !ended {
			held[address] = true
		}
		fact("pod", pod.Namespace, pod.Name, address, pod.Labels, ports, ended)
	}
	for _, object := range f.namespaces.SharedIndexInformer.GetIndexer().List() {
		if space := object.(*core.Namespace); active[space.Name] {
			namespaces = append(namespaces, space)
			fact("namespace", space.Name, space.Labels)
		}
	}
	for _, object := range f.policies.SharedIndexInformer.GetIndexer().List() {
		if policy := object.(*networking.NetworkPolicy); active[policy.Namespace] {
			policies = append(policies, policy)
			fact("policy", policy.Namespace, policy.Name, policy.Spec)
		}
	}
	must(f.pods.store.Replace(pods, ""))
	must(f.namespaces.store.Replace(namespaces, ""))
	must(f.policies.store.Replace(policies, ""))
	sort.Strings(facts)
	return held, fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(facts, "\n"))))
}

var jump = regexp.MustCompile(` -s ([0-9.]+)/32 .*-j KUBE-POD-FW-`)

// pass has the rules written for the picture, and looks at what stands afterwards: a pass may have failed.
func (f *firewall) pass(held map[string]bool, ask bool) bool {
	if ask {
		f.controller.RequestFullSync()
	}
	<-f.begun
	<-f.ended
	rules, err := f.rules.List("filter", "KUBE-ROUTER-OUTPUT")
	must(err)
	stand := map[string]bool{}
	for _, rule := range rules {
		if found := jump.FindStringSubmatch(rule); found != nil && held[found[1]] {
			stand[found[1]] = true
		}
	}
	f.cover(stand)
	return len(stand) == len(held)
}

// cover lets these addresses, and no others, through the guard; who waited for one is told.
func (f *firewall) cover(stand map[string]bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.covered == nil || !maps.Equal(f.covered, stand) {
		script := "flush set inet makmal covered\n"
		for address := range stand {
			script += "add element inet makmal covered { " + address + " }\n"
		}
		command := exec.Command("nft", "-f", "-")
		command.Stdin = strings.NewReader(script)
		if output, err := command.CombinedOutput(); err != nil {
			klog.Fatalf("nft: %v: %s", err, output)
		}
	}
	f.covered = stand
	f.waiting = slices.DeleteFunc(f.waiting, f.answer)
}

func (f *firewall) answer(w waiter) bool {
	if !f.covered[w.address] {
		return false
	}
	fmt.Fprintln(w.conn, "covered")
	w.conn.Close()
	return true
}

// listen takes the calls of lib/pod-network: an address, whose file is written. It is answered when that address is covered.
func (f *firewall) listen(socket string) {
	os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	must(err)
	must(os.Chmod(socket, 0600))
	for {
		conn, err := listener.Accept()
		must(err)
		go func() {
			conn.SetDeadline(time.Now().Add(time.Minute))
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil {
				conn.Close()
				return
			}
			w := waiter{strings.TrimSpace(line), conn}
			f.mutex.Lock()
			defer f.mutex.Unlock()
			if !f.answer(w) {
				f.waiting = append(f.waiting, w)
				f.change()
			}
		}()
	}
}

func (f *firewall) run() {
	var before string
	first, timer := true, time.NewTicker(again)
	for {
		held, now := f.picture()
		if first {
			var group sync.WaitGroup
			group.Add(1)
			go f.controller.Run(f.begun, make(chan struct{}), &group) // begins with a pass of its own accord
		}
		if first || now != before {
			before = ""
			if f.pass(held, !first) {
				before = now
			} else { // it has said why
				time.AfterFunc(time.Second, f.change)
			}
			first = false
		}
		select {
		case <-f.changed:
		case <-timer.C:
			before = ""
		}
	}
}

func main() {
	config := options.NewKubeRouterConfig()
	kubeconfig := flag.String("kubeconfig", "", "")
	socket := flag.String("socket", "", "where lib/pod-network asks")
	f := &firewall{begun: make(chan *healthcheck.ControllerHeartbeat), ended: make(chan struct{}), changed: make(chan struct{}, 1)}
	flag.StringVar(&f.folder, "addresses", "", "folder with a file for each sandbox")
	flag.StringVar(&config.HostnameOverride, "node", "", "")
	services := flag.String("services", "", "range of ClusterIPs")
	klog.InitFlags(nil)
	flag.Parse()
	must(os.MkdirAll(f.folder, 0700))

	rest, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	must(err)
	client, err := kubernetes.NewForConfig(rest)
	must(err)
	for f.nodeAddress == "" { // it comes when the kubelet has said who it is
		if node, err := client.CoreV1().Nodes().Get(context.Background(), config.HostnameOverride, v1.GetOptions{}); err == nil {
			for _, address := range node.Status.Addresses {
				if address.Type == core.NodeInternalIP {
					f.nodeAddress = address.Address
				}
			}
		}
		if f.nodeAddress == "" {
			time.Sleep(100 * time.Millisecond)
		}
	}

	all := informers.NewSharedInformerFactory(client, 0)
	here := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *v1.ListOptions) { o.FieldSelector = "spec.nodeName=" + config.HostnameOverride }))
	f.pods, f.namespaces, f.policies = freeze(here.Core().V1().Pods().Informer()), freeze(all.Core().V1().Namespaces().Informer()), freeze(all.Networking().V1().NetworkPolicies().Informer())
	for _, informer := range []frozen{f.pods, f.namespaces, f.policies} {
		_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { f.change() }, UpdateFunc: func(any, any) { f.change() }, DeleteFunc: func(any) { f.change() }})
		must(err)
	}
	always := make(chan struct{})
	all.Start(always)
	here.Start(always)
	all.WaitForCacheSync(always)
	here.WaitForCacheSync(always)

	config.ClusterIPCIDRs = []string{*services}
	config.EnableIPv4, config.RunFirewall, config.MetricsEnabled = true, true, true
	config.IPTablesSyncPeriod = 1000 * time.Hour // only when asked
	metrics.ControllerIptablesSyncTime = passEnds{metrics.ControllerIptablesSyncTime, f.ended}
	ranges, err := svcip.NewValidator(svcip.Config{ClusterIPCIDRs: config.ClusterIPCIDRs, EnableIPv4: true})
	must(err)
	handlers, sets, err := netpol.NewIPTablesHandlers(config)
	must(err)
	f.rules = handlers[core.IPv4Protocol]
	var lock sync.Mutex
	f.controller, err = netpol.NewNetworkPolicyController(client, config, f.pods, f.policies, f.namespaces, &lock, nil, handlers, sets, ranges)
	must(err)
	go f.listen(*socket)
	f.run()
}
