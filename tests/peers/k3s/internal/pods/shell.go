package pods

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// Shell is the name by which this program makes a container's surroundings and then becomes its program.
const Shell = "pod-shell"

// Descriptors of the shell: its orders come by the one; the other takes why they cannot be obeyed, and is closed by exec.
const ordersFrom, failureTo = 3, 4

// Enter obeys its orders; its mount and process namespaces are new already.
func Enter([]string) {
	runtime.LockOSThread()
	unix.CloseOnExec(ordersFrom)
	unix.CloseOnExec(failureTo)
	var orders orders
	text, err := io.ReadAll(os.NewFile(ordersFrom, "orders"))
	if err == nil {
		err = json.Unmarshal(text, &orders)
	}
	if err == nil {
		err = orders.obey()
	}
	_, _ = fmt.Fprintf(os.NewFile(failureTo, "failure"), "stand-in: %v", err)
	os.Exit(127)
}

func (o *orders) obey() error {
	if err := o.enterNetwork(); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if err := o.makeRoot(); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	if err := errors.Join(unix.Chroot(o.Root), os.Chdir("/"), unix.Sethostname([]byte(o.Name))); err != nil {
		return err
	}
	if o.Dir != "" {
		if err := errors.Join(os.MkdirAll(o.Dir, 0o755), os.Chdir(o.Dir)); err != nil {
			return err
		}
	}
	file, err := o.lookup()
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", file, syscall.Exec(file, o.Argv, o.Env))
}

func (o *orders) enterNetwork() error {
	if o.Space == "" {
		return nil
	}
	space, err := os.Open(o.Space)
	if err != nil {
		return err
	}
	defer space.Close()
	return unix.Setns(int(space.Fd()), unix.CLONE_NEWNET)
}

// makeRoot builds a root out of the host's programs, read-only, and folders of the container's own.
func (o *orders) makeRoot() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", o.Root, "tmpfs", 0, "mode=0755"); err != nil {
		return err
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr"} {
		if err := o.fromHost("/" + name); err != nil {
			return err
		}
	}
	for _, name := range []string{"tmp", "run", "var/tmp", "home/argocd", "root", "app/config", "proc", "dev", "sys"} {
		if err := os.MkdirAll(o.in(name), 0o755); err != nil {
			return err
		}
	}
	if err := errors.Join(os.Chmod(o.in("tmp"), 0o1777), os.Symlink("../run", o.in("var/run")), o.makeEtc(), o.linkPrograms()); err != nil {
		return err
	}
	if err := errors.Join(
		unix.Mount("proc", o.in("proc"), "proc", 0, ""),
		mountBind("/dev", o.in("dev"), false), mountBind("/sys", o.in("sys"), true)); err != nil {
		return err
	}
	// Outer before inner: a volume may lie inside another
	slices.SortStableFunc(o.Mounts, func(a, b bind) int { return len(a.To) - len(b.To) })
	for _, mount := range o.Mounts {
		if err := o.mount(mount); err != nil {
			return fmt.Errorf("%s: %w", mount.To, err)
		}
	}
	return nil
}

func (o *orders) in(path string) string { return filepath.Join(o.Root, path) }

// fromHost gives a folder of the host, or the link that it is.
func (o *orders) fromHost(path string) error {
	info, err := os.Lstat(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSymlink != 0 {
		to, err := os.Readlink(path)
		return errors.Join(err, os.Symlink(to, o.in(path)))
	}
	if err := os.Mkdir(o.in(path), 0o755); err != nil {
		return err
	}
	return mountBind(path, o.in(path), true)
}

// makeEtc links to the host's files, but for those that a pod has of its own. The hosts file is one of a folder that is
// mounted whole, so that it can be replaced while the pod runs.
func (o *orders) makeEtc() error {
	for _, pair := range [][2]string{{"/etc", "host-etc"}, {o.Hosts, "services"}, {o.Programs, "peers"}} {
		if err := os.MkdirAll(o.in(pair[1]), 0o755); err != nil {
			return err
		}
		if _, err := os.Stat(pair[0]); err == nil {
			if err := mountBind(pair[0], o.in(pair[1]), true); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(o.in("etc/ssh"), 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir("/etc")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !slices.Contains([]string{"hosts", "ssh", "hostname"}, entry.Name()) {
			if err := os.Symlink("/host-etc/"+entry.Name(), o.in("etc/"+entry.Name())); err != nil {
				return err
			}
		}
	}
	return errors.Join(os.Symlink("/services/hosts", o.in("etc/hosts")),
		os.Symlink("/app/config/ssh/ssh_known_hosts", o.in("etc/ssh/ssh_known_hosts"))) // as Argo CD's image has it
}

// linkPrograms puts the real programs where the images have them.
func (o *orders) linkPrograms() error {
	bin := o.in("usr/local/bin")
	if err := unix.Mount("tmpfs", bin, "tmpfs", 0, "mode=0755"); err != nil {
		return err
	}
	for file, names := range links {
		if _, err := os.Stat(filepath.Join(o.Programs, file)); err != nil {
			continue
		}
		for _, name := range names {
			if err := os.Symlink("/peers/"+file, filepath.Join(bin, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// mount brings a volume of the pod to its place. Folders only appear; a file's place is made as an empty file.
func (o *orders) mount(volume bind) error {
	info, err := os.Stat(volume.From)
	if err != nil {
		return err
	}
	if volume.To == "/etc/hosts" {
		return nil // the kubelet's own, which knows no Services
	}
	to := o.in(volume.To)
	if rest, inside := cutFolder(volume.To, "/var/run"); inside {
		to = o.in("/run" + rest)
	}
	if info.IsDir() {
		err = os.MkdirAll(to, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
		var file *os.File
		if file, err = os.OpenFile(to, os.O_CREATE|os.O_RDONLY, 0o644); err == nil {
			err = file.Close()
		}
	}
	if err != nil {
		return err
	}
	return mountBind(volume.From, to, volume.ReadOnly)
}

func cutFolder(path, folder string) (string, bool) {
	if len(path) > len(folder) && path[:len(folder)+1] == folder+"/" {
		return path[len(folder):], true
	}
	return "", false
}

func mountBind(from, to string, readOnly bool) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if readOnly {
		return unix.Mount("", to, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	return nil
}
