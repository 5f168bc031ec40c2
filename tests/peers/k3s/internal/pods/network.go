package pods

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
)

const bridge = "cni0"

// network gives pods addresses of the node's pod network, and to those that really run a namespace on a bridge, as
// K3s's bundled CNI plugins do.
type network struct {
	place   Place
	overlay *overlay // nil without flannel
	mutex   sync.Mutex
	prefix  netip.Prefix
	leases  map[string]netip.Addr // by the pod's uid
	spaces  map[string]string
}

func newNetwork(place Place, overlay *overlay) *network {
	return &network{place: place, overlay: overlay, leases: map[string]netip.Addr{}, spaces: map[string]string{}}
}

// use takes the pod network of this node and makes the bridge.
func (n *network) use(cidr string) error {
	prefix, err := netip.ParsePrefix(strings.Split(cidr, ",")[0])
	if err != nil {
		return err
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.prefix == prefix {
		return nil
	}
	router := netip.PrefixFrom(prefix.Addr().Next(), prefix.Bits()).String()
	leave := fmt.Sprintf("-s %s ! -d %s -m comment --comment stand-in -j MASQUERADE", prefix, n.place.ClusterCIDR)
	script := fmt.Sprintf(`
		ip link show %[1]s >/dev/null 2>&1 || ip link add %[1]s type bridge
		ip address replace %[2]s dev %[1]s
		ip link set %[1]s up
		echo 1 > /proc/sys/net/ipv4/ip_forward
		iptables -w -t nat -C POSTROUTING %[3]s 2>/dev/null || iptables -w -t nat -A POSTROUTING %[3]s
		for way in -s -d; do
			iptables -w -C FORWARD $way %[4]s -j ACCEPT 2>/dev/null || iptables -w -A FORWARD $way %[4]s -j ACCEPT
		done`, bridge, router, leave, n.place.ClusterCIDR)
	if err := shell(script); err != nil {
		return err
	}
	if n.overlay != nil {
		if err := n.overlay.use(prefix, n.place.NodeIP); err != nil {
			return err
		}
	}
	n.prefix = prefix
	return nil
}

// lease gives a pod the first free address.
func (n *network) lease(pod string) (string, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if !n.prefix.IsValid() {
		return "", errNoNetwork
	}
	if have, ok := n.leases[pod]; ok {
		return have.String(), nil
	}
	taken := map[netip.Addr]bool{}
	for _, address := range n.leases {
		taken[address] = true
	}
	for free := n.prefix.Addr().Next().Next(); n.prefix.Contains(free.Next()); free = free.Next() {
		if !taken[free] {
			n.leases[pod] = free
			return free.String(), nil
		}
	}
	return "", fmt.Errorf("no free address in %s", n.prefix)
}

// namespace makes a pod's network when its first program starts. Returns its file, or nothing on the host's network.
func (n *network) namespace(pod string, onHost bool) (string, error) {
	if onHost {
		return "", nil
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if have, ok := n.spaces[pod]; ok {
		return have, nil
	}
	address, leased := n.leases[pod]
	if !leased {
		return "", fmt.Errorf("pod %s has no address", pod)
	}
	name, cable := "cni-"+pod, fmt.Sprintf("veth%08x", address.As4())
	script := fmt.Sprintf(`
		ip netns delete %[1]s 2>/dev/null || true
		ip link delete %[2]s 2>/dev/null || true
		ip netns add %[1]s
		ip link add %[2]s type veth peer name eth0 netns %[1]s
		ip link set %[2]s master %[3]s up
		ip -n %[1]s link set lo up
		ip -n %[1]s address add %[4]s/%[5]d dev eth0
		ip -n %[1]s link set eth0 mtu %[7]s up
		ip -n %[1]s route add default via %[6]s`,
		name, cable, bridge, address, n.prefix.Bits(), n.prefix.Addr().Next(), n.mtu())
	if err := shell(script); err != nil {
		return "", err
	}
	n.spaces[pod] = "/run/netns/" + name
	return n.spaces[pod], nil
}

func (n *network) mtu() string {
	if n.overlay == nil {
		return "1500"
	}
	return n.overlay.mtu()
}

// release takes a pod's address and network back.
func (n *network) release(pod string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	delete(n.leases, pod)
	if _, ok := n.spaces[pod]; ok {
		_ = shell("ip netns delete cni-" + pod)
		delete(n.spaces, pod)
	}
}

// end takes all pods' networks away.
func (n *network) end() {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for pod := range n.spaces {
		_ = shell("ip netns delete cni-" + pod)
	}
}

func shell(script string) error {
	command := exec.Command("sh", "-ec", script)
	command.Env = append(os.Environ(), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	if text, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(text)))
	}
	return nil
}
