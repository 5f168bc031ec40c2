package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

const patience = 5 * time.Second

// family is this process with the real programs that it started. They end when it ends, however that is.
type family struct {
	context.Context
	births   chan birth
	deaths   chan error
	mutex    sync.Mutex
	children []*child
}

type birth struct {
	command *exec.Cmd
	done    chan error
}

type child struct {
	name    string
	command *exec.Cmd
	ended   chan struct{}
}

// inFamily runs `work` beside the main thread, which starts children, until a signal, a fault, or a child's end.
func inFamily(work func(*family) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	family := &family{Context: ctx, births: make(chan birth), deaths: make(chan error, 16)}
	go func() {
		if err := work(family); err != nil {
			family.deaths <- err
		}
	}()
	for {
		select {
		case birth := <-family.births:
			birth.done <- birth.command.Start()
		case err := <-family.deaths:
			family.end()
			return err
		case <-ctx.Done():
			family.end()
			return nil
		}
	}
}

// start runs one of the programs of this file as a child.
func (f *family) start(name string, args ...string) error {
	command := exec.Command("/proc/self/exe", args...)
	command.Args[0] = name
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	command.Env = slices.DeleteFunc(os.Environ(), func(it string) bool { return len(it) > 7 && it[:7] == "NOTIFY_" })
	// A group of its own: signals come from here, in order, not from a terminal.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	done := make(chan error)
	select {
	case f.births <- birth{command, done}:
	case <-f.Done():
		return f.Err()
	}
	if err := <-done; err != nil {
		return fmt.Errorf("%s did not start: %w", name, err)
	}
	child := &child{name, command, make(chan struct{})}
	f.mutex.Lock()
	f.children = append(f.children, child)
	f.mutex.Unlock()
	go func() {
		err := command.Wait()
		close(child.ended)
		if f.Err() == nil {
			f.deaths <- fmt.Errorf("%s ended: %v", name, err)
		}
	}()
	return nil
}

// end stops the children, the last started first.
func (f *family) end() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, child := range slices.Backward(f.children) {
		_ = child.command.Process.Signal(syscall.SIGTERM)
		select {
		case <-child.ended:
		case <-time.After(patience):
			_ = child.command.Process.Kill()
			<-child.ended
		}
	}
}

// until asks again and again, and gives up only at the end of the family.
func (f *family) until(what string, ask func() error) error {
	last := ""
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if err.Error() != last {
			last = err.Error()
			log("Waiting for %s: %v", what, err)
		}
		select {
		case <-f.Done():
			return f.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func log(format string, args ...any) { say("info", format, args...) }

func say(level, format string, args ...any) {
	fmt.Fprintf(os.Stderr, "time=%q level=%s msg=%q\n", time.Now().UTC().Format(time.RFC3339), level, fmt.Sprintf(format, args...))
}
