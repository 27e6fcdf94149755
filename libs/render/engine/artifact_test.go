package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pack writes a tar.gz and returns its digest and path.
func pack(t *testing.T, headers ...tar.Header) (digest, name string) {
	t.Helper()
	var packed bytes.Buffer
	stream := gzip.NewWriter(&packed)
	archive := tar.NewWriter(stream)
	for _, h := range headers {
		content := h.Uname // where these tests keep it
		h.Uname = ""
		h.Size = int64(len(content))
		if err := archive.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	return save(t, packed.Bytes())
}

func save(t *testing.T, data []byte) (digest, name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "artifact.tar.gz")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:]), name
}

func regular(name, content string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Uname: content, Mode: 0o600}
}

func TestUnpack(t *testing.T) {
	digest, name := pack(t, regular("a/x.yaml", "one"), regular("./b", "two"),
		tar.Header{Typeflag: tar.TypeDir, Name: "empty/"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "/etc/passwd"})
	got, err := unpack(digest, name, defaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.files["a/x.yaml"].data) != "one" || string(got.files["b"].data) != "two" || len(got.files) != 2 {
		t.Errorf("got %v", got.files)
	}
	for name, want := range map[string]kind{"": kindDir, "a": kindDir, "b": kindFile, "empty": kindNone, "link": kindNone} {
		if got.kind(name) != want {
			t.Errorf("%q is %s, want %s", name, got.kind(name), want)
		}
	}
}

func TestUnpackRefuses(t *testing.T) {
	small := limits{entries: 3, fileBytes: 1 << 20, totalBytes: 5000, ratio: 10, ratioFrom: 1000, cacheBytes: 1 << 20}
	for _, c := range []struct {
		name    string
		headers []tar.Header
		want    string
	}{
		{"parent", []tar.Header{regular("../x", "")}, "entry '../x' leaves the artifact"},
		{"parent within", []tar.Header{regular("a/../../x", "")}, "leaves the artifact"},
		{"absolute", []tar.Header{regular("/etc/x", "")}, "entry '/etc/x' leaves the artifact"},
		{"entries", []tar.Header{regular("1", ""), regular("2", ""), regular("3", ""), regular("4", "")}, "more than 3 entries"},
		{"bytes", []tar.Header{regular("1", strings.Repeat("x", 5001))}, "more than 5000 bytes unpacked"},
		{"ratio", []tar.Header{regular("1", strings.Repeat("x", 4000))}, "more than 10 times its size"},
		{"clash", []tar.Header{regular("a", ""), regular("a/b", "")}, "'a' is both a file and a folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			digest, name := pack(t, c.headers...)
			if _, err := unpack(digest, name, small); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	_, name := pack(t, regular("a", ""))
	if _, err := unpack("sha256:0", name, small); err == nil || !strings.Contains(err.Error(), "digest mismatch") {
		t.Errorf("got %v", err)
	}
	digest, name := save(t, []byte("no gzip"))
	if _, err := unpack(digest, name, small); err == nil || !strings.Contains(err.Error(), "not gzip") {
		t.Errorf("got %v", err)
	}
	if _, err := unpack(digest, "/gone/file", small); err == nil || strings.Contains(err.Error(), "/gone") {
		t.Errorf("got %v", err)
	}
	small.fileBytes = 3
	if _, err := unpack(digest, name, small); err == nil || !strings.Contains(err.Error(), "larger than 3 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestArtifactsKeepTheLastUsed(t *testing.T) {
	max := defaultLimits
	max.cacheBytes = 25
	held := newArtifacts(max)
	load := func(content string) string {
		digest, name := pack(t, regular("x", content))
		if _, err := held.load(digest, name); err != nil {
			t.Fatal(err)
		}
		return digest
	}
	first, second := load("1234567890"), load("abcdefghij")
	if _, err := held.load(first, "/not/needed"); err != nil {
		t.Fatal(err)
	}
	load("ABCDEFGHIJ")
	if _, ok := held.trees[second]; ok || held.trees[first] == nil || held.size != 20 {
		t.Errorf("kept %v of %d bytes", held.order, held.size)
	}
}

// An artifact that is larger than the limit of what is kept stays only until another one
// is loaded.
func TestLargeArtifactsMakeRoom(t *testing.T) {
	max := limitsFor(256<<20, 80)
	if max.cacheBytes != 10 {
		t.Errorf("%d bytes are kept", max.cacheBytes)
	}
	held := newArtifacts(max)
	large, name := pack(t, regular("x", strings.Repeat("x", 100)))
	for range 2 {
		if _, err := held.load(large, name); err != nil {
			t.Fatal(err)
		}
		name = "/not/needed"
	}
	if _, err := held.load("sha256:0", "/gone"); err == nil || held.size != 0 {
		t.Errorf("%d bytes are kept, %v", held.size, err)
	}
}
