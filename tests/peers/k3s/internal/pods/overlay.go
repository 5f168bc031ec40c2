package pods

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"

	core "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

const vxlan = "flannel.1"

// overlay carries packets between the pods of different nodes as flannel's vxlan backend does: a device on UDP port
// 8472, and for each other node a route, a neighbour and a forwarding entry. Unlike flannel's, the hardware address
// follows from the pod network, so that nodes need not tell it.
type overlay struct {
	own   string
	mutex sync.Mutex
	ready bool
	nodes map[string]far
}

// far is another node's pod network and address.
type far struct {
	prefix  netip.Prefix
	address string
}

func watchNodes(ctx context.Context, client kubernetes.Interface, own string) (*overlay, error) {
	overlay := &overlay{own: own, nodes: map[string]far{}}
	informer := informers.NewSharedInformerFactory(client, 0).Core().V1().Nodes().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(it any) { overlay.seen(it.(*core.Node)) },
		UpdateFunc: func(_, it any) { overlay.seen(it.(*core.Node)) },
		DeleteFunc: func(it any) {
			if node, ok := it.(*core.Node); ok {
				overlay.gone(node.Name)
			}
		},
	})
	go informer.Run(ctx.Done())
	return overlay, err
}

// use makes the device once this node has its pod network. Its MTU is that of the device below, less 50 bytes.
// Source: RFC 7348, figure 1: outer Ethernet, IPv4, UDP and VXLAN headers
func (o *overlay) use(prefix netip.Prefix, nodeIP string) error {
	script := fmt.Sprintf(`
		below=$(ip -o address show to %[1]s | awk '{ print $2; exit }')
		ip link delete %[2]s 2>/dev/null || true
		ip link add %[2]s address %[3]s type vxlan id 1 local %[1]s ${below:+dev $below} dstport 8472 nolearning
		ip address add %[4]s/32 dev %[2]s
		ip link set %[2]s up`, nodeIP, vxlan, hardware(prefix), prefix.Addr())
	if err := shell(script); err != nil {
		return err
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.ready = true
	for _, node := range o.nodes {
		node.connect()
	}
	return nil
}

func (o *overlay) seen(node *core.Node) {
	prefix, err := netip.ParsePrefix(node.Spec.PodCIDR)
	if err != nil || node.Name == o.own {
		return
	}
	for _, address := range node.Status.Addresses {
		if address.Type == core.NodeInternalIP {
			o.keep(node.Name, far{prefix, address.Address})
			return
		}
	}
}

func (o *overlay) keep(name string, node far) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.nodes[name] == node {
		return
	}
	o.nodes[name] = node
	if o.ready {
		node.connect()
	}
}

func (o *overlay) gone(name string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if node, known := o.nodes[name]; known && o.ready {
		_ = shell(fmt.Sprintf("ip route delete %s dev %s", node.prefix, vxlan))
	}
	delete(o.nodes, name)
}

func (f far) connect() {
	err := shell(fmt.Sprintf(`
		ip neighbour replace %[1]s lladdr %[2]s dev %[3]s nud permanent
		bridge fdb replace %[2]s dev %[3]s dst %[4]s
		ip route replace %[5]s via %[1]s dev %[3]s onlink`, f.prefix.Addr(), hardware(f.prefix), vxlan, f.address, f.prefix))
	if err != nil {
		fmt.Fprintln(os.Stderr, "overlay:", err)
	}
}

// hardware is the address of a pod network's device: 0a:58 and the network's four bytes.
func hardware(prefix netip.Prefix) string {
	bytes := prefix.Addr().As4()
	text := []string{"0a", "58"}
	for _, it := range bytes {
		text = append(text, fmt.Sprintf("%02x", it))
	}
	return strings.Join(text, ":")
}

// mtu is what packets of pods may have, so that they fit into the overlay.
func (o *overlay) mtu() string {
	if text, err := os.ReadFile("/sys/class/net/" + vxlan + "/mtu"); err == nil {
		return strings.TrimSpace(string(text))
	}
	return "1450"
}
