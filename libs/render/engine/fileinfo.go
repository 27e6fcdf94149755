package main

import (
	"io/fs"
	"os"
	"strings"
	"time"
)

// openFile is a file of an artifact, opened for reading.
type openFile struct {
	*strings.Reader
	info info
}

func (f *openFile) Close() error               { return nil }
func (f *openFile) Stat() (os.FileInfo, error) { return f.info, nil }
func (f *openFile) Write([]byte) (int, error)  { return 0, refuseWrite(f.info.name) }

// info describes a file or a folder of an artifact. Artifacts keep no times.
type info struct {
	name  string
	size  int64
	isDir bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.isDir }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.isDir {
		return fs.ModeDir | 0o750
	}
	return 0o600
}
