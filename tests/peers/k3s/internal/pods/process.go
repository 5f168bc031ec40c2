package pods

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
)

// process is a container that really runs.
type process struct {
	command *exec.Cmd
	log     *logFile
	ended   chan struct{}
	code    int
}

// bear starts processes on one thread that never ends, so that they end with this process and not before.
func (r *Runtime) bear() {
	runtime.LockOSThread()
	for birth := range r.births {
		birth()
	}
}

// run starts a container's program inside a root and a network of its own.
func (r *Runtime) run(id string, spec *core.Pod, asked *container, argv []string) (*process, error) {
	space, err := r.network.namespace(string(spec.UID), spec.Spec.HostNetwork)
	if err != nil {
		return nil, err
	}
	orders := orders{
		Root: filepath.Join(r.place.Folder, "root"), Programs: r.place.Programs, Space: space, Argv: argv,
		Dir: asked.config.WorkingDir, Hosts: r.services.folder(spec.Namespace), Name: spec.Name,
		Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/home/argocd", "HOSTNAME=" + spec.Name},
	}
	if argv[0] == "redis-server" {
		orders.Env = append(orders.Env, "LD_LIBRARY_PATH=/peers/lib") // another program's libraries are no match for the host's
	}
	if _, err := exec.LookPath("gpg"); err != nil {
		orders.Env = append(orders.Env, "ARGOCD_GPG_ENABLED=false") // the image has one, this host has not
	}
	for _, it := range asked.config.Envs {
		orders.Env = append(orders.Env, it.Key+"="+string(it.Value))
	}
	for _, it := range asked.config.Mounts {
		orders.Mounts = append(orders.Mounts, bind{it.HostPath, it.ContainerPath, it.Readonly})
	}
	log, err := openLog(asked.logs)
	if err != nil {
		return nil, err
	}
	return r.enter(orders, log)
}

func (r *Runtime) enter(orders orders, log *logFile) (*process, error) {
	text, err := json.Marshal(orders)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(orders.Root, 0o755); err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	failure, fails, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	defer failure.Close()
	command := exec.Command("/proc/self/exe")
	command.Args = []string{Shell}
	command.Env = []string{}
	command.ExtraFiles = []*os.File{read, fails}
	command.Stdout, command.Stderr = log.stream("stdout"), log.stream("stderr")
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC, Pdeathsig: syscall.SIGKILL,
	}
	command.WaitDelay = time.Second
	born := make(chan error)
	r.births <- func() { born <- command.Start() }
	err = errors.Join(<-born, fails.Close())
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	process := &process{command: command, log: log, ended: make(chan struct{})}
	go process.reap()
	_, err = write.Write(text)
	return process, errors.Join(err, write.Close(), begun(failure))
}

// begun waits until the program runs, which closes the pipe, or tells why it does not: a container that "runs" before
// its program does would be called ready too early.
func begun(failure io.Reader) error {
	text, err := io.ReadAll(failure)
	if len(text) > 0 {
		err = errors.New(string(text))
	}
	return err
}

func (p *process) reap() {
	err := p.command.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		p.code = exit.ExitCode()
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			p.code = 128 + int(status.Signal())
		}
	}
	p.log.close()
	close(p.ended)
}

func (p *process) wait() int {
	<-p.ended
	return p.code
}

// stop asks in peace first.
func (p *process) stop(patience time.Duration) {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(min(patience, 10*time.Second)):
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// orders is what a process is told before it becomes a container's program.
type orders struct {
	Root, Programs, Space, Dir, Hosts, Name string
	Argv, Env                               []string
	Mounts                                  []bind
}

type bind struct {
	From, To string
	ReadOnly bool
}

func (o *orders) lookup() (string, error) {
	if strings.Contains(o.Argv[0], "/") {
		return o.Argv[0], nil
	}
	for _, folder := range []string{"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"} {
		file := filepath.Join(folder, o.Argv[0])
		if info, err := os.Stat(file); err == nil && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", o.Argv[0])
}
