package pods

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// logFile takes a container's output as the kubelet expects it, so that `kubectl logs` works.
// Source: Kubernetes, "CRI logging format": time stream tag text
type logFile struct {
	mutex   sync.Mutex
	file    *os.File
	streams []*stream
}

type stream struct {
	log  *logFile
	name string
	rest []byte
}

func openLog(path string) (*logFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	return &logFile{file: file}, err
}

func (l *logFile) stream(name string) io.Writer {
	stream := &stream{log: l, name: name}
	l.streams = append(l.streams, stream)
	return stream
}

func (s *stream) Write(text []byte) (int, error) {
	s.log.mutex.Lock()
	defer s.log.mutex.Unlock()
	s.rest = append(s.rest, text...)
	for {
		line, rest, found := bytes.Cut(s.rest, []byte("\n"))
		if !found {
			return len(text), nil
		}
		s.line(line)
		s.rest = rest
	}
}

func (s *stream) line(text []byte) {
	_, _ = fmt.Fprintf(s.log.file, "%s %s F %s\n", time.Now().UTC().Format(time.RFC3339Nano), s.name, text)
}

func (l *logFile) close() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, stream := range l.streams {
		if len(stream.rest) > 0 {
			stream.line(stream.rest)
		}
	}
	_ = l.file.Close()
}
