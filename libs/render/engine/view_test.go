package main

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// The view must behave as a disk does, so each look-up is done on both.
func TestViewReadsAsADisk(t *testing.T) {
	f := files{"a/x.yaml": "x", "a/b/y.yaml": "y", "a/b/.hidden": "h", "a/z": "z", "top": "t"}
	root := f.write(t)
	disk, v := filesys.MakeFsOnDisk(), newView(f.tree(t))
	for _, name := range []string{"", "a", "a/x.yaml", "a/b", "gone", "gone/deep", "a/x.yaml/deep", "a/../top", "a/b/.hidden"} {
		there, here := filepath.Join(root, name), filepath.Join(mount, name)
		if v.Exists(here) != disk.Exists(there) || v.IsDir(here) != disk.IsDir(there) {
			t.Errorf("%s: exists %t, folder %t", name, v.Exists(here), v.IsDir(here))
		}
		_, diskErr := disk.ReadFile(there)
		if _, err := v.ReadFile(here); !sameError(err, diskErr, root) {
			t.Errorf("read %s: %v, a disk says %v", name, err, diskErr)
		}
		_, wantFile, diskErr := disk.CleanedAbs(there)
		if _, file, err := v.CleanedAbs(here); !sameError(err, diskErr, root) || file != wantFile {
			t.Errorf("resolve %s: %q, %v, a disk says %q, %v", name, file, err, wantFile, diskErr)
		}
		want, _ := disk.ReadDir(there)
		if got, _ := v.ReadDir(here); !slices.Equal(got, want) {
			t.Errorf("list %s: %v, a disk says %v", name, got, want)
		}
		if got, want := walked(v, here), walked(disk, there); !slices.Equal(got, want) {
			t.Errorf("walk %s: %v, a disk says %v", name, got, want)
		}
	}
	for _, pattern := range []string{"a/*.yaml", "*/b/*", "[", "a/b/.*"} {
		want, wantErr := disk.Glob(filepath.Join(root, pattern))
		got, err := v.Glob(filepath.Join(mount, pattern))
		if len(got) != len(want) || (err == nil) != (wantErr == nil) {
			t.Errorf("glob %s: %v %v, a disk says %v %v", pattern, got, err, want, wantErr)
		}
	}
}

func sameError(got, want error, root string) bool {
	if got == nil || want == nil {
		return got == nil && want == nil
	}
	return errors.Is(got, os.ErrNotExist) == errors.Is(want, os.ErrNotExist) &&
		relative(got.Error()) == files{}.relativeTo(want.Error(), root)
}

// walked returns what a walk visits that skips the folder b and stops within a folder at
// the file z.
func walked(fs filesys.FileSystem, root string) []string {
	var seen []string
	err := fs.Walk(root, func(name string, info os.FileInfo, err error) error {
		rel, _ := filepath.Rel(root, name)
		seen = append(seen, rel)
		if err != nil {
			return err
		}
		if info.IsDir() && info.Name() == "b" || info.Name() == "z" {
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		seen = append(seen, "failed")
	}
	return seen
}

func TestViewOpensFiles(t *testing.T) {
	v := newView(files{"x": "content"}.tree(t))
	f, err := v.Open(mount + "/x")
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err != nil || string(data) != "content" {
		t.Errorf("got %q, %v", data, err)
	}
	if _, err := f.Write(data); !errors.Is(err, errReadOnly) {
		t.Errorf("got %v", err)
	}
	if v.trace.Files["x"] == "" {
		t.Error("the trace lacks it")
	}
}

// The error for a missing path depends on the folders above it.
func TestMissingPathTracesWhatIsAbove(t *testing.T) {
	v := newView(files{"a/x": "x"}.tree(t))
	for _, name := range []string{"a/b/c/d", "e/f", "a/x/g"} {
		if _, err := v.Stat(mount + "/" + name); err == nil {
			t.Errorf("%s is there", name)
		}
	}
	want := map[string]kind{
		"a/b/c/d": kindNone, "a/b/c": kindNone, "a/b": kindNone, "a": kindDir,
		"e/f": kindNone, "e": kindNone, "a/x/g": kindNone, "a/x": kindFile,
	}
	if !maps.Equal(v.trace.Kinds, want) {
		t.Errorf("got %v", v.trace.Kinds)
	}
}

func TestMessagesAreRepeatable(t *testing.T) {
	got := repeatable("merging from generator &{0xc0001234a0 <nil>} and &{0xc0001234a0 0x38d135793880}: json: unable to unmarshal 0xc0001234a0")
	if want := "merging from generator &{<nil>} and &{}: json: cannot unmarshal 0xc0001234a0"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestViewIsReadOnly(t *testing.T) {
	v := newView(files{"x": "content"}.tree(t))
	_, createErr := v.Create(mount + "/y")
	for _, err := range []error{createErr, v.Mkdir(mount + "/d"), v.MkdirAll(mount + "/d/e"), v.RemoveAll(mount), v.WriteFile(mount+"/x", nil)} {
		if !errors.Is(err, errReadOnly) {
			t.Errorf("got %v", err)
		}
	}
}
