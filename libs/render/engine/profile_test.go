package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestProfiles(t *testing.T) {
	folder := t.TempDir()
	if err := writeProfiles(folder, 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"heap", "cpu"} {
		found, err := filepath.Glob(filepath.Join(folder, "engine-*."+kind))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v %v", kind, found, err)
		}
		// The format of pprof is gzipped.
		if data, err := os.ReadFile(found[0]); err != nil || !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
			t.Errorf("%s is no profile: %v", kind, err)
		}
	}
	if err := writeProfiles(filepath.Join(folder, "gone"), 0); err == nil {
		t.Error("a folder that is not there is no error")
	}
}
