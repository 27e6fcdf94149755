package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/singleflight"
)

// limits bound what one artifact may cost, so that an archive made to exhaust the engine
// fails alone.
type limits struct {
	entries    int
	fileBytes  int64 // of the packed file
	totalBytes int64 // unpacked
	ratio      int64 // unpacked to packed, for artifacts above ratioFrom
	ratioFrom  int64
	cacheBytes int64 // unpacked, of all artifacts kept
}

// limitsFor returns the limits of an engine that accepts artifacts of up to bytes,
// unpacked. The artifacts used last stay in memory, as each commit makes a new one. They
// may take a small part of the engine's memory only (0 means no limit), because the next
// build may be another tenant's.
func limitsFor(bytes int64, memory memoryLimit) limits {
	l := limits{
		entries:    100_000,
		fileBytes:  bytes / 2,
		totalBytes: bytes,
		ratio:      200,
		ratioFrom:  32 << 20,
		cacheBytes: bytes / 4,
	}
	if memory > 0 {
		l.cacheBytes = min(l.cacheBytes, int64(memory)/8)
	}
	return l
}

var defaultLimits = limitsFor(256<<20, 0)

// unpack reads the artifact in a local tar.gz file, after checking that the file's
// SHA-256 is digest ("sha256:<hex>"). Only regular files count: links are dropped, as
// Flux drops them when it packs.
func unpack(digest, name string, max limits) (*tree, error) {
	packed, err := readPacked(name, max)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(packed)
	if got := "sha256:" + hex.EncodeToString(sum[:]); got != digest {
		return nil, fmt.Errorf("artifact digest mismatch: expected %s, got %s", digest, got)
	}
	stream, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("artifact %s is not gzip: %w", digest, err)
	}
	files, err := readTar(tar.NewReader(stream), int64(len(packed)), max)
	if err != nil {
		return nil, fmt.Errorf("artifact %s: %w", digest, err)
	}
	t, err := newTree(files)
	if err != nil {
		return nil, fmt.Errorf("artifact %s: %w", digest, err)
	}
	return t, nil
}

func readPacked(name string, max limits) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		// The error has a path of this host, which is of no use to a user.
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return nil, fmt.Errorf("artifact file can't be opened: %w", err)
	}
	defer f.Close()
	packed, err := io.ReadAll(io.LimitReader(f, max.fileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("artifact file can't be read: %w", err)
	}
	if int64(len(packed)) > max.fileBytes {
		return nil, fmt.Errorf("artifact file is larger than %d bytes", max.fileBytes)
	}
	return packed, nil
}

func readTar(archive *tar.Reader, packed int64, max limits) (map[string][]byte, error) {
	files := map[string][]byte{}
	var total int64
	for entries := 0; ; entries++ {
		header, err := archive.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("not a tar archive: %w", err)
		}
		if entries >= max.entries {
			return nil, fmt.Errorf("more than %d entries", max.entries)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		name, err := entryPath(header.Name)
		if err != nil {
			return nil, err
		}
		room := max.totalBytes - total
		data, err := io.ReadAll(io.LimitReader(archive, room+1))
		if err != nil {
			return nil, fmt.Errorf("entry '%s' can't be read: %w", name, err)
		}
		if total += int64(len(data)); total > max.totalBytes {
			return nil, fmt.Errorf("more than %d bytes unpacked", max.totalBytes)
		}
		if total > max.ratioFrom && total > packed*max.ratio {
			return nil, fmt.Errorf("unpacks to more than %d times its size", max.ratio)
		}
		files[name] = data
	}
}

// entryPath returns an entry's path below the root. A path that leaves the root is an
// error.
func entryPath(name string) (string, error) {
	clean := path.Clean(name)
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") || clean == "." {
		return "", fmt.Errorf("entry '%s' leaves the artifact", name)
	}
	return clean, nil
}

// artifacts keeps unpacked artifacts in memory. When they exceed the limit, the least
// recently used ones are dropped.
type artifacts struct {
	max     limits
	loading singleflight.Group

	mu    sync.Mutex
	trees map[string]*tree
	order []string // least recently used first
	size  int64
}

func newArtifacts(max limits) *artifacts {
	return &artifacts{max: max, trees: map[string]*tree{}}
}

// load returns an artifact by its digest, from memory or from the file. Builds that ask
// for the same artifact at the same time wait for one load.
func (a *artifacts) load(digest, name string) (*tree, error) {
	if t := a.recall(digest); t != nil {
		return t, nil
	}
	loaded, err, _ := a.loading.Do(digest, func() (any, error) {
		a.forget(a.max.cacheBytes)
		t, err := unpack(digest, name, a.max)
		if err != nil {
			return nil, fail(reasonArtifact, err)
		}
		a.keep(digest, t)
		return t, nil
	})
	if err != nil {
		return nil, err
	}
	return loaded.(*tree), nil
}

func (a *artifacts) recall(digest string) *tree {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.order, digest); i >= 0 {
		a.order = append(slices.Delete(a.order, i, i+1), digest)
	}
	return a.trees[digest]
}

func (a *artifacts) keep(digest string, t *tree) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.trees[digest] != nil {
		return
	}
	a.trees[digest] = t
	a.order = append(a.order, digest)
	a.size += t.size
	for a.size > a.max.cacheBytes && len(a.order) > 1 {
		a.forgetOldest()
	}
}

// forget drops the least recently used artifacts until no more than bytes are in memory.
func (a *artifacts) forget(bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.size > bytes {
		a.forgetOldest()
	}
}

func (a *artifacts) forgetOldest() {
	a.size -= a.trees[a.order[0]].size
	delete(a.trees, a.order[0])
	a.order = slices.Delete(a.order, 0, 1)
}
