// Package pods is the container runtime of the hollow kubelet. Most containers only claim to run; those of known images
// really do: as processes with a root, a process tree and a network of their own, the Pod's volumes and its identity.
package pods

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
	fake "k8s.io/cri-api/pkg/apis/testing"
)

// Place says where pods live.
type Place struct {
	Node, ClusterCIDR, NodeIP string
	// Kubeconfig of one who may see all Nodes, for the overlay; empty without one
	NodesKubeconfig string
	// Folder of this runtime's own files
	Folder string
	// Programs is the folder with the real programs of known images
	Programs string
}

// Runtime keeps the book of a fake runtime, and processes behind some of its lines.
type Runtime struct {
	*fake.FakeRuntimeService
	place    Place
	client   kubernetes.Interface
	network  *network
	services *services
	births   chan func()
	mutex    sync.Mutex
	// of sandboxes and containers, by their ids
	specs     map[string]*core.Pod
	configs   map[string]*container
	processes map[string]*process
}

// container is what the kubelet asked for.
type container struct {
	sandbox string
	config  *cri.ContainerConfig
	logs    string
}

// NewRuntime makes the runtime of a node; `ctx` ends its helpers, not its pods (see End).
func NewRuntime(ctx context.Context, client kubernetes.Interface, place Place) (*Runtime, error) {
	book := fake.NewFakeRuntimeService()
	condition := func(kind string, ready bool) *cri.RuntimeCondition {
		return &cri.RuntimeCondition{Type: kind, Status: ready}
	}
	book.FakeStatus = &cri.RuntimeStatus{Conditions: []*cri.RuntimeCondition{condition("RuntimeReady", true), condition("NetworkReady", false)}}
	runtime := &Runtime{
		FakeRuntimeService: book, place: place, client: client, births: make(chan func()),
		specs: map[string]*core.Pod{}, configs: map[string]*container{}, processes: map[string]*process{},
	}
	overlay, err := place.overlay(ctx)
	if err != nil {
		return nil, err
	}
	runtime.network = newNetwork(place, overlay)
	if runtime.services, err = watchServices(ctx, client, filepath.Join(place.Folder, "hosts")); err != nil {
		return nil, err
	}
	go runtime.bear()
	return runtime, nil
}

func (p Place) overlay(ctx context.Context) (*overlay, error) {
	if p.NodesKubeconfig == "" {
		return nil, nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", p.NodesKubeconfig)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return watchNodes(ctx, client, p.Node)
}

// UpdateRuntimeConfig tells the pod network of this node, without which it is not ready.
func (r *Runtime) UpdateRuntimeConfig(_ context.Context, config *cri.RuntimeConfig) error {
	if err := r.network.use(config.GetNetworkConfig().GetPodCidr()); err != nil {
		return err
	}
	r.Lock()
	defer r.Unlock()
	r.FakeStatus = &cri.RuntimeStatus{Conditions: []*cri.RuntimeCondition{
		{Type: "RuntimeReady", Status: true}, {Type: "NetworkReady", Status: true},
	}}
	return nil
}

// RunPodSandbox gives a pod its address.
func (r *Runtime) RunPodSandbox(ctx context.Context, config *cri.PodSandboxConfig, handler string) (string, error) {
	onHost := config.GetLinux().GetSecurityContext().GetNamespaceOptions().GetNetwork() == cri.NamespaceMode_NODE
	spec, err := r.client.CoreV1().Pods(config.Metadata.Namespace).Get(ctx, config.Metadata.Name, meta.GetOptions{})
	if err != nil {
		return "", err
	}
	address := r.place.NodeIP
	if !onHost {
		if address, err = r.network.lease(config.Metadata.Uid); err != nil {
			return "", err
		}
	}
	id, err := r.FakeRuntimeService.RunPodSandbox(ctx, config, handler)
	if err != nil {
		return "", err
	}
	r.mutex.Lock()
	r.specs[id] = spec
	r.mutex.Unlock()
	r.Lock()
	defer r.Unlock()
	r.Called = nil // it would grow for ever
	r.Sandboxes[id].Network = &cri.PodSandboxNetworkStatus{Ip: address}
	return id, nil
}

// CreateContainer notes what is asked for.
func (r *Runtime) CreateContainer(ctx context.Context, sandbox string, config *cri.ContainerConfig, of *cri.PodSandboxConfig) (string, error) {
	id, err := r.FakeRuntimeService.CreateContainer(ctx, sandbox, config, of)
	if err != nil {
		return "", err
	}
	logs := filepath.Join(of.LogDirectory, config.LogPath)
	r.Lock()
	r.Called = nil
	r.Containers[id].LogPath, r.Containers[id].Mounts = logs, config.Mounts
	r.Unlock()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.configs[id] = &container{sandbox, config, logs}
	return id, nil
}

// StartContainer starts the real program of a known image. Of the others, those end at once that have an end.
func (r *Runtime) StartContainer(ctx context.Context, id string) error {
	r.mutex.Lock()
	asked := r.configs[id]
	spec := r.specs[asked.sandbox]
	r.mutex.Unlock()
	argv := program(asked.config)
	if argv == nil {
		if err := os.MkdirAll(filepath.Dir(asked.logs), 0o755); err != nil {
			return err
		}
		_ = os.WriteFile(asked.logs, nil, 0o640)
		if err := r.FakeRuntimeService.StartContainer(ctx, id); err != nil {
			return err
		}
		if ends(spec, asked.config.Metadata.Name) {
			r.ended(id, 0)
		}
		return nil
	}
	running, err := r.run(id, spec, asked, argv)
	if err != nil {
		return err
	}
	r.mutex.Lock()
	r.processes[id] = running
	r.mutex.Unlock()
	if err := r.FakeRuntimeService.StartContainer(ctx, id); err != nil {
		return err
	}
	go func() { r.ended(id, running.wait()) }()
	return nil
}

// ends says whether a container that does nothing would come to an end: init containers and those of jobs.
func ends(spec *core.Pod, name string) bool {
	for _, it := range spec.Spec.InitContainers {
		if it.Name == name {
			return it.RestartPolicy == nil || *it.RestartPolicy != core.ContainerRestartPolicyAlways
		}
	}
	return spec.Spec.RestartPolicy != core.RestartPolicyAlways
}

func (r *Runtime) ended(id string, code int) {
	r.Lock()
	defer r.Unlock()
	if it, known := r.Containers[id]; known {
		it.State, it.ExitCode, it.FinishedAt, it.Reason = cri.ContainerState_CONTAINER_EXITED, int32(code), time.Now().UnixNano(), "Completed"
		if code != 0 {
			it.Reason = "Error"
		}
	}
}

// StopContainer ends a program within `timeout` seconds.
func (r *Runtime) StopContainer(ctx context.Context, id string, timeout int64) error {
	r.mutex.Lock()
	running := r.processes[id]
	r.mutex.Unlock()
	if running != nil {
		running.stop(time.Duration(timeout) * time.Second)
		return nil
	}
	return r.FakeRuntimeService.StopContainer(ctx, id, timeout)
}

// RemoveContainer forgets a container.
func (r *Runtime) RemoveContainer(ctx context.Context, id string) error {
	r.mutex.Lock()
	running := r.processes[id]
	delete(r.processes, id)
	delete(r.configs, id)
	r.mutex.Unlock()
	if running != nil {
		running.stop(0)
	}
	return r.FakeRuntimeService.RemoveContainer(ctx, id)
}

// StopPodSandbox takes a pod's network away.
func (r *Runtime) StopPodSandbox(ctx context.Context, id string) error {
	r.mutex.Lock()
	spec := r.specs[id]
	r.mutex.Unlock()
	if spec != nil {
		r.network.release(string(spec.UID))
	}
	return r.FakeRuntimeService.StopPodSandbox(ctx, id)
}

// RemovePodSandbox forgets a pod.
func (r *Runtime) RemovePodSandbox(ctx context.Context, id string) error {
	r.mutex.Lock()
	delete(r.specs, id)
	r.mutex.Unlock()
	return r.FakeRuntimeService.RemovePodSandbox(ctx, id)
}

// End stops all programs and takes their networks away.
func (r *Runtime) End() {
	r.mutex.Lock()
	running := slices.Collect(maps.Values(r.processes))
	r.mutex.Unlock()
	var group sync.WaitGroup
	for _, it := range running {
		group.Go(func() { it.stop(2 * time.Second) })
	}
	group.Wait()
	r.network.end()
}

// Images says of every image that it is here and made for an unprivileged user.
func (r *Runtime) Images() *Images { return &Images{fake.NewFakeImageService()} }

// Images is the image service beside the runtime.
type Images struct{ *fake.FakeImageService }

// ImageStatus adds the user, which the kubelet asks for where a pod must not run as root.
func (i *Images) ImageStatus(ctx context.Context, image *cri.ImageSpec, verbose bool) (*cri.ImageStatusResponse, error) {
	reply, err := i.FakeImageService.ImageStatus(ctx, image, verbose)
	if err == nil && reply.Image != nil {
		reply.Image.Uid = &cri.Int64Value{Value: 999}
	}
	return reply, err
}

var errNoNetwork = fmt.Errorf("the node has no pod network yet")
