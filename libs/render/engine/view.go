package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// mount is where a build finds its artifact. It is not the root of the file system, so
// that a path with too many ".." leaves it and is noticed. Its name is unusual, so that
// it can be removed from messages.
const mount = "/.weir-artifact"

var errLeaves = errors.New("path leaves the artifact")
var errReadOnly = errors.New("an artifact is read-only")

// view is the file system of one build: the shared tree, over it the files of this build
// alone (the generated kustomization.yaml), and a trace of every look-up. Its errors have
// the wording of those of a disk, as in Flux.
type view struct {
	tree    *tree
	overlay map[string][]byte
	trace   *trace
	// onRead is called for every file before the build gets its content, and may refuse
	// it.
	onRead func(name string, data []byte) error
}

var _ filesys.FileSystem = (*view)(nil)

func newView(t *tree) *view {
	return &view{tree: t, overlay: map[string][]byte{}, trace: newTrace()}
}

// inside converts a path of the build to one of the artifact.
func inside(name string) (string, bool) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(mount, name)
	}
	name = filepath.Clean(name)
	if name == mount {
		return "", true
	}
	return strings.CutPrefix(name, mount+"/")
}

// look returns what the build finds at a path, and records what the artifact has there.
func (v *view) look(name string) kind {
	k := v.tree.kind(name)
	v.trace.sawKind(name, k)
	if _, ok := v.overlay[name]; ok {
		return kindFile
	}
	return k
}

// missing returns the error that a disk gives for a path that doesn't exist; if a part of
// the path is a file, the error is "not a directory". So the error depends on the folders
// above, up to the first that exists.
func (v *view) missing(op, name string) error {
	err := error(syscall.ENOENT)
	for up := parent(name); up != ""; up = parent(up) {
		k := v.tree.kind(up)
		v.trace.sawKind(up, k)
		if k == kindFile {
			err = syscall.ENOTDIR
		}
		if k != kindNone {
			break
		}
	}
	return &fs.PathError{Op: op, Path: filepath.Join(mount, name), Err: err}
}

func leaves(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: errLeaves}
}

// Stat returns what os.Stat would return for a path.
func (v *view) Stat(name string) (os.FileInfo, error) {
	rel, ok := inside(name)
	if !ok {
		return nil, leaves("stat", name)
	}
	k := v.look(rel)
	if k == kindNone {
		return nil, v.missing("stat", rel)
	}
	return info{name: filepath.Base(rel), isDir: k == kindDir}, nil
}

func (v *view) Exists(name string) bool {
	rel, ok := inside(name)
	return ok && v.look(rel) != kindNone
}

func (v *view) IsDir(name string) bool {
	rel, ok := inside(name)
	return ok && v.look(rel) == kindDir
}

func (v *view) ReadFile(name string) ([]byte, error) {
	rel, ok := inside(name)
	if !ok {
		return nil, leaves("read", name)
	}
	data, err := v.read(rel)
	if err != nil {
		return nil, err
	}
	if v.onRead != nil {
		if err := v.onRead(rel, data); err != nil {
			return nil, err
		}
	}
	// A copy, because no change by Kustomize may reach the shared tree.
	return append([]byte(nil), data...), nil
}

func (v *view) read(rel string) ([]byte, error) {
	f, ok := v.tree.files[rel]
	if ok {
		v.trace.sawFile(rel, f)
	} else {
		v.trace.sawKind(rel, v.tree.kind(rel))
	}
	if data, ok := v.overlay[rel]; ok {
		return data, nil
	}
	if ok {
		return f.data, nil
	}
	if v.tree.kind(rel) == kindDir {
		return nil, &fs.PathError{Op: "read", Path: filepath.Join(mount, rel), Err: syscall.EISDIR}
	}
	return nil, v.missing("open", rel)
}

func (v *view) list(rel string) ([]entry, error) {
	d, ok := v.tree.dirs[rel]
	if !ok {
		if v.look(rel) == kindFile {
			return nil, &fs.PathError{Op: "readdirent", Path: filepath.Join(mount, rel), Err: syscall.ENOTDIR}
		}
		return nil, v.missing("open", rel)
	}
	v.trace.sawDir(rel, d)
	return d.entries, nil
}

// ReadDir lists the artifact's own files. A build adds only its own kustomization.yaml,
// which nothing looks for by listing.
func (v *view) ReadDir(name string) ([]string, error) {
	rel, ok := inside(name)
	if !ok {
		return nil, leaves("open", name)
	}
	entries, err := v.list(rel)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.name
	}
	return names, nil
}

// CleanedAbs splits a path that exists into its folder and, if it is a file, its name.
func (v *view) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	rel, ok := inside(name)
	if !ok {
		return "", "", leaves("abs", name)
	}
	switch v.look(rel) {
	case kindDir:
		return filesys.ConfirmedDir(filepath.Join(mount, rel)), "", nil
	case kindFile:
		return filesys.ConfirmedDir(filepath.Join(mount, parent(rel))), filepath.Base(rel), nil
	}
	return "", "", fmt.Errorf("evalsymlink failure on '%s' : %w", name, v.unresolved(rel))
}

// unresolved returns the error that a disk gives when the links of a missing path are
// resolved: it names the first part that doesn't exist.
func (v *view) unresolved(rel string) error {
	parts := strings.Split(rel, "/")
	for i := range parts {
		part := strings.Join(parts[:i+1], "/")
		switch v.look(part) {
		case kindFile:
			return syscall.ENOTDIR
		case kindNone:
			return &fs.PathError{Op: "lstat", Path: filepath.Join(mount, part), Err: syscall.ENOENT}
		}
	}
	return syscall.ENOENT
}

// Glob matches against all files, so every folder counts as listed.
func (v *view) Glob(pattern string) ([]string, error) {
	var found []string
	err := v.Walk(mount, func(name string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		match, err := filepath.Match(pattern, name)
		if match {
			found = append(found, name)
		}
		return err
	})
	if !filesys.IsHiddenFilePath(pattern) {
		found = filesys.RemoveHiddenFiles(found)
	}
	sort.Strings(found)
	return found, err
}

// Walk visits in the order of filepath.Walk, which is lexical, and supports SkipDir and
// SkipAll.
func (v *view) Walk(root string, visit filepath.WalkFunc) error {
	found, err := v.Stat(root)
	if err != nil {
		err = visit(root, nil, err)
	} else {
		err = v.walk(root, found, visit)
	}
	if err == filepath.SkipDir || err == filepath.SkipAll {
		return nil
	}
	return err
}

func (v *view) walk(name string, found os.FileInfo, visit filepath.WalkFunc) error {
	if err := visit(name, found, nil); err != nil || !found.IsDir() {
		return err
	}
	rel, _ := inside(name)
	entries, err := v.list(rel)
	if err != nil {
		return visit(name, found, err)
	}
	for _, e := range entries {
		err := v.walk(filepath.Join(name, e.name), info{name: e.name, isDir: e.isDir}, visit)
		if err == filepath.SkipDir {
			if !e.isDir {
				return nil
			}
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *view) Open(name string) (filesys.File, error) {
	data, err := v.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &openFile{Reader: strings.NewReader(string(data)), info: info{name: filepath.Base(name), size: int64(len(data))}}, nil
}

func (v *view) Create(name string) (filesys.File, error) { return nil, refuseWrite(name) }
func (v *view) Mkdir(name string) error                  { return refuseWrite(name) }
func (v *view) MkdirAll(name string) error               { return refuseWrite(name) }
func (v *view) RemoveAll(name string) error              { return refuseWrite(name) }
func (v *view) WriteFile(name string, _ []byte) error    { return refuseWrite(name) }

func refuseWrite(name string) error {
	return &fs.PathError{Op: "write", Path: name, Err: errReadOnly}
}
