package pods

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// services keeps a hosts file for each namespace with a running pod, in place of the cluster's DNS.
type services struct {
	place  string
	lister listers.ServiceLister
	mutex  sync.Mutex
	asked  []string
}

func watchServices(ctx context.Context, client kubernetes.Interface, place string) (*services, error) {
	factory := informers.NewSharedInformerFactory(client, 0)
	kept := &services{place: place, lister: factory.Core().V1().Services().Lister()}
	changed := func(any) { kept.write() }
	_, err := factory.Core().V1().Services().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: changed, UpdateFunc: func(_, _ any) { kept.write() }, DeleteFunc: changed,
	})
	factory.Start(ctx.Done())
	return kept, err
}

// folder gives the folder with the hosts file of a namespace.
func (s *services) folder(namespace string) string {
	s.mutex.Lock()
	if !slices.Contains(s.asked, namespace) {
		s.asked = append(s.asked, namespace)
	}
	s.mutex.Unlock()
	s.write()
	return filepath.Join(s.place, namespace)
}

func (s *services) write() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	all, err := s.lister.List(labels.Everything())
	if err != nil {
		return
	}
	slices.SortFunc(all, func(a, b *core.Service) int { return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name) })
	for _, namespace := range s.asked {
		replace(filepath.Join(s.place, namespace, "hosts"), hostsFile(namespace, all))
	}
}

func hostsFile(namespace string, all []*core.Service) string {
	text := &strings.Builder{}
	text.WriteString("127.0.0.1 localhost\n")
	for _, it := range all {
		if it.Spec.ClusterIP == "" || it.Spec.ClusterIP == core.ClusterIPNone {
			continue
		}
		long := it.Name + "." + it.Namespace
		fmt.Fprintf(text, "%s %s.svc.cluster.local %s.svc %s", it.Spec.ClusterIP, long, long, long)
		if it.Namespace == namespace {
			text.WriteString(" " + it.Name)
		}
		text.WriteString("\n")
	}
	return text.String()
}

func replace(file, text string) {
	if have, err := os.ReadFile(file); err == nil && string(have) == text {
		return
	}
	_ = os.MkdirAll(filepath.Dir(file), 0o755)
	if os.WriteFile(file+".new", []byte(text), 0o644) == nil {
		_ = os.Rename(file+".new", file)
	}
}
