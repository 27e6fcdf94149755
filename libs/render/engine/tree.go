package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"sort"
	"strings"
	"sync"
)

// kind is what a path of an artifact is.
type kind string

const (
	kindNone kind = "none"
	kindFile kind = "file"
	kindDir  kind = "dir"
)

// tree is the content of one artifact. It never changes once it is built, so
// that any number of builds can read it. Paths are relative to the artifact's
// root, with forward slashes; the root itself is "".
type tree struct {
	files map[string]*file
	dirs  map[string]*dir
	size  int64
}

type file struct {
	data []byte
	sum  func() string
}

type dir struct {
	entries []entry
	sum     func() string
}

type entry struct {
	name  string
	isDir bool
}

// newTree creates the folders that the files imply: an artifact has nothing but files, so
// its file index (path to digest) describes it completely. A path that is both a file and
// a folder is an error.
func newTree(files map[string][]byte) (*tree, error) {
	t := &tree{files: make(map[string]*file, len(files)), dirs: map[string]*dir{}}
	names := map[string]map[string]bool{"": {}}
	for name, data := range files {
		t.files[name] = newFile(data)
		t.size += int64(len(data))
		isDir := false
		for p := name; p != ""; p = parent(p) {
			up := parent(p)
			if names[up] == nil {
				names[up] = map[string]bool{}
			}
			names[up][path.Base(p)] = isDir || names[up][path.Base(p)]
			isDir = true
		}
	}
	for name, children := range names {
		if _, clash := t.files[name]; clash {
			return nil, fmt.Errorf("'%s' is both a file and a folder", name)
		}
		d := &dir{entries: make([]entry, 0, len(children))}
		for child, isDir := range children {
			d.entries = append(d.entries, entry{child, isDir})
		}
		sort.Slice(d.entries, func(i, j int) bool { return d.entries[i].name < d.entries[j].name })
		d.sum = sync.OnceValue(d.digest)
		t.dirs[name] = d
	}
	return t, nil
}

// kind returns what is at a path.
func (t *tree) kind(name string) kind {
	if _, ok := t.files[name]; ok {
		return kindFile
	}
	if _, ok := t.dirs[name]; ok {
		return kindDir
	}
	return kindNone
}

// newFile creates a file whose digest is "sha256:<hex>" of the content, as in an
// artifact's file index. It is computed only when it is asked for, as that is rare.
func newFile(data []byte) *file {
	return &file{data: data, sum: sync.OnceValue(func() string { return sha256Of(data) })}
}

func sha256Of(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// digest returns "sha256:<hex>" of the sorted names, each followed by "/" if it is a
// folder, and by a zero byte.
func (d *dir) digest() string {
	var b bytes.Buffer
	for _, e := range d.entries {
		b.WriteString(e.name)
		if e.isDir {
			b.WriteByte('/')
		}
		b.WriteByte(0)
	}
	return sha256Of(b.Bytes())
}

// parent returns the folder that contains a path; "" for what is at the root.
func parent(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return ""
}
