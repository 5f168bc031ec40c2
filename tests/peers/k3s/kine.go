package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/k3s-io/kine/pkg/drivers"
	"github.com/k3s-io/kine/pkg/drivers/generic"
	_ "github.com/k3s-io/kine/pkg/drivers/sqlite"
	kineserver "github.com/k3s-io/kine/pkg/server"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// kine serves the etcd API on a socket (first argument) from an SQLite file (second), as K3s does with one server.
// It is kine's own code without its `endpoint` package, which would bring all other databases.
func kine(args []string) {
	if err := serveKine(args[1], args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "kine:", err)
		os.Exit(1)
	}
}

func serveKine(socket, file string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var group sync.WaitGroup
	// Parameters and limits are kine's defaults. Source: kine:pkg/drivers/sqlite, pkg/app
	_, backend, err := drivers.New(ctx, &group, &drivers.Config{
		Endpoint: "sqlite://" + file + "?_journal_mode=WAL&_busy_timeout=30000&_synchronous=NORMAL&_txlock=immediate" +
			"&_stmt_cache_size=20&cache=shared",
		ConnectionPoolConfig: generic.ConnectionPoolConfig{MaxIdle: 2},
		CompactInterval:      5 * time.Minute, CompactTimeout: 5 * time.Second,
		CompactMinRetain: 1000, CompactBatchSize: 1000, PollBatchSize: 500,
	})
	if err != nil {
		return err
	}
	if err := backend.Start(ctx); err != nil {
		return err
	}
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer(
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second}),
		grpc.MaxRecvMsgSize(3<<20), grpc.MaxSendMsgSize(1<<31-1))
	kineserver.New(backend, "unix", 5*time.Second, "3.6.11").Register(server)
	go func() {
		<-ctx.Done()
		server.Stop()
	}()
	err = server.Serve(listener)
	group.Wait() // the database is closed in good order
	return err
}
