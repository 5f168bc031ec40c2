package main

import (
	"context"
	"encoding/json"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// keepNodes marks this server's Node, and lets a Node's deletion take its password and its etcd member along.
func (c *cluster) keepNodes() {
	informer := informers.NewSharedInformerFactory(c.client, 0).Core().V1().Nodes().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(it any) { c.nodeSeen(it.(*core.Node)) },
		UpdateFunc: func(_, it any) { c.nodeSeen(it.(*core.Node)) },
		DeleteFunc: func(it any) {
			if last, ok := it.(cache.DeletedFinalStateUnknown); ok {
				it = last.Obj
			}
			c.nodeGone(it.(*core.Node))
		},
	})
	if err != nil {
		c.deaths <- err
		return
	}
	informer.Run(c.Done())
}

const removeAnnotation = "etcd.k3s.cattle.io/remove"

func (c *cluster) nodeSeen(node *core.Node) {
	if node.Annotations[removeAnnotation] == "true" {
		c.removeMember(node.Name)
	}
	if node.Name != c.node {
		return
	}
	labels := map[string]string{"node-role.kubernetes.io/control-plane": "true"}
	annotations := map[string]string{"k3s.io/hostname": c.node, "k3s.io/internal-ip": c.address}
	if c.store != sqlite {
		name, err := c.memberName()
		if err != nil {
			return
		}
		labels["node-role.kubernetes.io/etcd"] = "true"
		annotations["etcd.k3s.cattle.io/node-name"], annotations["etcd.k3s.cattle.io/node-address"] = name, c.address
	}
	if within(labels, node.Labels) && within(annotations, node.Annotations) {
		return
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels, "annotations": annotations}})
	if err == nil {
		_, err = c.client.CoreV1().Nodes().Patch(c, node.Name, types.StrategicMergePatchType, patch, meta.PatchOptions{})
	}
	if err != nil {
		say("error", "Failed to label node %s: %v", node.Name, err)
	}
}

func within(some, all map[string]string) bool {
	for key, value := range some {
		if all[key] != value {
			return false
		}
	}
	return true
}

func (c *cluster) nodeGone(node *core.Node) {
	log("Node %s was deleted: removing its password and its etcd member", node.Name)
	_ = c.client.CoreV1().Secrets(passwordNamespace).Delete(c, passwordSecret(node.Name), meta.DeleteOptions{})
	c.removeMember(node.Name)
}

// removeMember takes a node's member out of etcd. All servers do it; the first wins.
func (c *cluster) removeMember(node string) {
	if c.store == sqlite {
		return
	}
	err := c.withEtcd(ownEtcd, func(ctx context.Context, client *clientv3.Client) error {
		list, err := client.MemberList(ctx)
		if err != nil {
			return err
		}
		for _, member := range list.Members {
			if strings.HasPrefix(member.Name, node+"-") && len(member.Name) == len(node)+9 {
				_, err = client.MemberRemove(ctx, member.ID)
				return err
			}
		}
		return nil
	})
	if err != nil {
		say("warning", "Failed to remove etcd member of %s: %v", node, err)
	}
}
