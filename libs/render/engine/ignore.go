package main

import (
	"path"
	"sort"
	"strings"

	"github.com/fluxcd/pkg/sourceignore"
	"github.com/fluxcd/pkg/sourceignore/gitignore"
)

type ignoreRequest struct {
	// Rules is spec.ignore; nil if the field isn't set.
	Rules *string `json:"rules"`
	// IgnoreFiles are the .sourceignore files of the source.
	IgnoreFiles []ignoreFile `json:"ignoreFiles"`
	// Paths are the source's files.
	Paths []string `json:"paths"`
	// NoDefaults is set for a source from which only what the rules name is left out.
	NoDefaults bool `json:"noDefaults"`
}

type ignoreFile struct {
	Path    string `json:"path"`
	Content string `json:"content"`
}

type ignoreAnswer struct {
	Kept []string `json:"kept"`
}

// ignore returns which files source-controller packs. The patterns of .sourceignore files
// come first, in the order in which a walk finds the files, each valid for its folder;
// then those of spec.ignore. The last pattern that matches a file decides. If there is
// any pattern, the defaults (file extensions, CI, extras) don't apply, but those for
// version control always do. Folders aren't skipped as a whole: each file is matched by
// its own path, so an excluded folder can contain an included file.
func ignore(r *ignoreRequest) (*ignoreAnswer, error) {
	var patterns []gitignore.Pattern
	for _, f := range walkOrder(r.IgnoreFiles) {
		patterns = append(patterns, sourceignore.ReadPatterns(strings.NewReader(f.Content), domain(f.Path))...)
	}
	if r.Rules != nil {
		patterns = append(patterns, sourceignore.ReadPatterns(strings.NewReader(*r.Rules), nil)...)
	}
	var matcher gitignore.Matcher
	switch {
	case r.NoDefaults:
		matcher = sourceignore.NewMatcher(patterns)
	case len(patterns) == 0:
		matcher = sourceignore.NewDefaultMatcher(patterns, nil)
	default:
		matcher = sourceignore.NewMatcher(append(sourceignore.VCSPatterns(nil), patterns...))
	}
	answer := &ignoreAnswer{Kept: []string{}}
	for _, p := range r.Paths {
		if !matcher.Match(strings.Split(p, "/"), false) {
			answer.Kept = append(answer.Kept, p)
		}
	}
	return answer, nil
}

// walkOrder sorts ignore files in the order of a walk: a folder's own before those of its
// subfolders, which are sorted by name. Those below a .git folder are left out.
func walkOrder(files []ignoreFile) []ignoreFile {
	var out []ignoreFile
	for _, f := range files {
		inGit := false
		for _, part := range domain(f.Path) {
			inGit = inGit || part == ".git"
		}
		if path.Base(f.Path) == sourceignore.IgnoreFile && !inGit {
			out = append(out, f)
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := domain(out[i].Path), domain(out[j].Path)
		for n := range min(len(a), len(b)) {
			if a[n] != b[n] {
				return a[n] < b[n]
			}
		}
		return len(a) < len(b)
	})
	return out
}

// domain returns the folder of a file as the parts of its path.
func domain(file string) []string {
	if folder := parent(file); folder != "" {
		return strings.Split(folder, "/")
	}
	return nil
}
