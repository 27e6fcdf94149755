package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/sourceignore"
)

var source = files{
	"app/deploy.yaml": "", "app/logo.png": "", "app/docs/guide.md": "", "app/docs/keep.md": "", "app/.sops.yaml": "",
	".github/workflows/ci.yaml": "", ".gitlab-ci.yml": "", ".gitignore": "", "sub/.gitattributes": "", "sub/.git/config": "",
	"README.md": "", "x.tar.gz": "", "a b/c#d.yaml": "", "vendor/lib/x.go": "", "vendor/keep/y.go": "",
}

func TestIgnoreAsSourceController(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		name  string
		rules *string
		files files // .sourceignore files
	}{
		{"defaults", nil, nil},
		{"empty rules leave the defaults", text(""), nil},
		{"only comments leave the defaults", text("# nothing\n"), nil},
		{"rules replace the defaults", text("*.md\n"), nil},
		{"include again", text("/*\n!/app\n"), nil},
		{"include again below", text("/*\n!/app/docs/*.md\n"), nil},
		{"folders", text("docs/\n/vendor/*\n!/vendor/keep\n"), nil},
		{"globs", text("**/docs/*.md\n!**/keep.md\na b/\n"), nil},
		{"version control can be had back", text("!.gitignore\n"), nil},
		{"a file", nil, files{".sourceignore": "*.md\n"}},
		{"files with domains", nil, files{"app/.sourceignore": "/docs\n", "vendor/.sourceignore": "*.go\n", "vendor/keep/.sourceignore": "!y.go\n"}},
		{"rules over files", text("!docs/\n"), files{"app/.sourceignore": "docs\n"}},
		{"order of folders", nil, files{"app/docs/.sourceignore": "!guide.md\n", "app/.sourceignore": "*.md\n", "app-x/.sourceignore": "*\n"}},
		{"below .git", nil, files{"sub/.git/.sourceignore": "*\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := source.with(c.files)
			request := &ignoreRequest{Rules: c.rules}
			for name, content := range all {
				request.Paths = append(request.Paths, name)
				if filepath.Base(name) == ".sourceignore" {
					request.IgnoreFiles = append(request.IgnoreFiles, ignoreFile{name, content})
				}
			}
			slices.Sort(request.Paths)
			answer, err := ignore(request)
			if err != nil {
				t.Fatal(err)
			}
			if want := packedByFlux(t, all, c.rules); !slices.Equal(answer.Kept, want) {
				t.Errorf("kept %q\nwant %q", answer.Kept, want)
			}
		})
	}
}

// packedByFlux does on a disk what source-controller does with a checkout.
func packedByFlux(t *testing.T, f files, rules *string) []string {
	t.Helper()
	root := f.write(t)
	domain := strings.Split(root, "/")
	patterns, err := sourceignore.LoadIgnorePatterns(root, domain)
	if err != nil {
		t.Fatal(err)
	}
	if rules != nil {
		patterns = append(patterns, sourceignore.ReadPatterns(strings.NewReader(*rules), domain)...)
	}
	matcher := sourceignore.NewDefaultMatcher(patterns, domain)
	if len(patterns) > 0 {
		matcher = sourceignore.NewMatcher(append(sourceignore.VCSPatterns(domain), patterns...))
	}
	var kept []string
	err = filepath.Walk(root, func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || matcher.Match(strings.Split(name, "/"), false) {
			return err
		}
		rel, err := filepath.Rel(root, name)
		kept = append(kept, rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(kept)
	return kept
}

func TestIgnoreWithoutDefaults(t *testing.T) {
	paths := []string{".git/config", ".gitignore", "app.yaml", "img.png", "x.md"}
	for _, c := range []struct {
		name  string
		rules string
		want  []string
	}{
		{"nothing is left out by itself", "", paths},
		{"but what rules name", "*.md\n", paths[:4]},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer, err := ignore(&ignoreRequest{Rules: &c.rules, Paths: paths, NoDefaults: true})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(answer.Kept, c.want) {
				t.Errorf("kept %q\nwant %q", answer.Kept, c.want)
			}
		})
	}
}
