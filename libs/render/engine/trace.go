package main

// trace has everything that a build has read or asked for, with what it found. The build
// of a later artifact has the same result if all of this still holds there.
type trace struct {
	// Files maps a path that was read to the digest of its content.
	Files map[string]string `json:"files"`
	// Dirs maps a folder that was listed to the digest of its listing.
	Dirs map[string]string `json:"dirs"`
	// Kinds maps a path to what was there, for paths whose existence or type was asked
	// for. Paths in Files or Dirs are left out, as those say more.
	Kinds map[string]kind `json:"kinds"`
}

func newTrace() *trace {
	return &trace{Files: map[string]string{}, Dirs: map[string]string{}, Kinds: map[string]kind{}}
}

// sawKind records the result of asking for existence or type.
func (t *trace) sawKind(name string, k kind) {
	if _, read := t.Files[name]; read {
		return
	}
	if _, listed := t.Dirs[name]; listed {
		return
	}
	t.Kinds[name] = k
}

// sawFile records a file's content.
func (t *trace) sawFile(name string, f *file) {
	t.Files[name] = f.sum()
	delete(t.Kinds, name)
}

// sawDir records a folder's listing.
func (t *trace) sawDir(name string, d *dir) {
	t.Dirs[name] = d.sum()
	delete(t.Kinds, name)
}
