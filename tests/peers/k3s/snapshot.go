package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/etcd/client/v3/snapshot"
	"go.uber.org/zap"
)

// snapshotCommand is `k3s etcd-snapshot save|ls|delete` on a server's own etcd.
func snapshotCommand(args []string) error {
	if len(args) == 0 {
		return errors.New("etcd-snapshot needs save, ls or delete")
	}
	var names []string
	if args[0] == "delete" {
		names, args = args[1:], args[:1]
	}
	set, err := load("server", nameFlag(args[1:]))
	if err != nil {
		return err
	}
	place, folder := paths{set.Text("data-dir", defaultData)}, set.Text("etcd-snapshot-dir", "")
	if folder == "" {
		folder = place.server("db", "snapshots")
	}
	switch args[0] {
	case "save":
		return saveSnapshot(place, folder, set.Text("etcd-snapshot-name", "on-demand"))
	case "ls", "list":
		return listSnapshots(folder)
	case "delete":
		return deleteSnapshots(folder, names)
	}
	return fmt.Errorf("etcd-snapshot has no command %q", args[0])
}

// nameFlag gives --name the name that it has in the configuration file.
func nameFlag(args []string) []string {
	all := make([]string, len(args))
	for i, arg := range args {
		if rest, found := strings.CutPrefix(arg, "--name"); found {
			arg = "--etcd-snapshot-name" + rest
		}
		all[i] = arg
	}
	return all
}

func saveSnapshot(place paths, folder, name string) error {
	if !exists(place.server("db", "etcd", "member")) {
		return errors.New("etcd datastore disabled")
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	file := filepath.Join(folder, fmt.Sprintf("%s-%s-%d", name, strings.ToLower(host), time.Now().Unix()))
	if err := saveTo(ctx, place, file); err != nil {
		return err
	}
	log("Snapshot %s saved.", filepath.Base(file))
	return nil
}

func saveTo(ctx context.Context, place paths, file string) error {
	config, err := place.etcdConfig(ownEtcd)
	if err != nil {
		return err
	}
	_, err = snapshot.SaveWithVersion(ctx, zap.NewNop(), config, file)
	return err
}

func listSnapshots(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	fmt.Println("Name\tLocation\tSize\tCreated")
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Printf("%s\tfile://%s\t%d\t%s\n", entry.Name(), filepath.Join(folder, entry.Name()), info.Size(), info.ModTime().UTC().Format(time.RFC3339))
	}
	return nil
}

func deleteSnapshots(folder string, names []string) error {
	if len(names) == 0 {
		return errors.New("no snapshots given for removal")
	}
	for _, name := range names {
		if err := os.Remove(filepath.Join(folder, filepath.Base(name))); err != nil {
			return err
		}
		log("Snapshot %s deleted.", name)
	}
	return nil
}
