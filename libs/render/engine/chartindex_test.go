package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Indexes as Helm writes them, with indented lists, with comments, and the like.
var blockIndexes = map[string]string{
	"helm": `apiVersion: v1
entries:
  app:
  - apiVersion: v2
    created: "2024-01-01T00:00:00Z"
    description: |
      Text with

      # no comment
      lines
    name: app
    urls:
    - app-1.0.0.tgz
    - https://example.com/app-1.0.0.tgz
    version: 1.0.0
  - apiVersion: v2
    description: a long text that goes on in
      the next line & has <odd> characters
    maintainers:
    - email: a@example.com
      name: a
    name: app
    urls:
    - app-1.10.0.tgz
    version: 1.10.0
  other:
  - name: other
    urls: [other-0.1.0.tgz]
    version: 0.1.0
generated: "2024-05-01T00:00:00.5Z"
`,
	"indented": `---
# A comment.
apiVersion: v1
serverInfo: {contextPath: /x}
entries:

  # About app.
  "app":
    - {"name": "app", "version": "1.0.0", "urls": ["a.tgz"]}
    -
      name: app
      version: 2.0.0+b
      annotations:
        generated: "x"
    - name: app
      version: 2.0.0+a
    - name: bad
      version: x.y
    - {}
    - null
  empty:
  'none': # nothing
    - {name: none}
publicKeys:
- one
annotations:
  a: b
`,
	"windows":    "apiVersion: v1\r\nentries:\r\n  app:\r\n  - name: app\r\n    version: 1.0.0\r\n",
	"no entries": "apiVersion: v1\nentries:\ngenerated: \"2024-05-01T00:00:00Z\"\n",
}

// Indexes that the reader of blocks leaves to the reader of whole indexes.
var otherIndexes = map[string]string{
	"flow":        `{apiVersion: v1, entries: {app: [{name: app, version: 1.0.0}]}}`,
	"empty map":   "apiVersion: v1\nentries: {}\n",
	"anchors":     "apiVersion: v1\nentries:\n  app: &a\n  - {name: app, version: 1.0.0}\n  other: *a\n",
	"low quotes":  "apiVersion: v1\nentries:\n  app:\n  - name: app\n    version: 1.0.0\n    description: \"a\n  b: c\"\n",
	"lower still": "apiVersion: v1\nentries:\n  app:\n  - name: app\n    version: 1.0.0\n    description: \"a\nb: c\"\n",
	"null list":   "apiVersion: v1\nentries:\n  app: []\n",
	"odd name":    "apiVersion: v1\nentries:\n  ? app\n  : - {name: app, version: 1.0.0}\n",
	"truth":       "apiVersion: v1\nentries:\n  a b:\n  - {name: app, version: 1.0.0}\n",
}

var jsonIndexes = map[string]string{
	"plain": `{"apiVersion":"v1","extra":1,"entries":{"app":[{"name":"app","version":"1.0.0","strange":true,"urls":["a"]},null,{"name":"app","version":"2.0.0"}],"none":null,"empty":[]},"generated":"2024-05-01T00:00:00Z"}`,
	"case":  ` {"APIVersion":"v1","Entries":{"app":[{"Name":"app","version":"1.0.0"}]}}`,
	"twice": `{"apiVersion":"v1","entries":{"app":[{"name":"app","version":"1.0.0"}],"app":[{"name":"app","version":"2.0.0"}]}}`,
}

func writeIndex(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "index.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// written reads an index with one of the readers, and returns what would be stored.
func written(t testing.TB, text string, read func(*os.File, *index) error) (string, error) {
	t.Helper()
	f, err := os.Open(writeIndex(t, text))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := newSpill(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	i := &index{charts: map[string]*indexChart{}, spill: s}
	if err := read(f, i); err != nil {
		return "", err
	}
	for _, c := range i.charts {
		c.sort()
	}
	out := filepath.Join(t.TempDir(), "out")
	if err := writeFile(out, i.writeJSON); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), nil
}

func inBlocks(f *os.File, i *index) error { return readBlockIndex(f, i) }
func inJSON(f *os.File, i *index) error   { return readJSONIndex(f, i) }
func atOnce(f *os.File, i *index) error   { return readWholeIndex(f, i) }

func TestIndexInPiecesIsTheSame(t *testing.T) {
	check := func(name, text string, read func(*os.File, *index) error) {
		want, err := written(t, text, atOnce)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := written(t, text, read)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, []byte(got), "", "  "); err != nil || indented.String() != got {
			t.Errorf("%s: not as encoding/json indents it: %v\n%s", name, err, got)
		}
	}
	for name, text := range blockIndexes {
		check(name, text, inBlocks)
	}
	for name, text := range jsonIndexes {
		check(name, text, inJSON)
	}
}

func TestIndexOfAnotherLayout(t *testing.T) {
	for name, text := range otherIndexes {
		if _, err := written(t, text, inBlocks); err != errOtherLayout {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := written(t, text, atOnce); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIndexErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":              "failed to load index: empty index.yaml file",
		"entries: {}\n": "failed to load index: no API version specified",
		"apiVersion: v1\nentries:\n  app:\n  - {name: a, version: 1.0.0, unknownThing: 1}\n": `failed to load index: error unmarshaling JSON: while decoding JSON: json: unknown field "unknownThing"`,
		"apiVersion: v1\nentries:\n  app:\n  - {name: a}\n  app:\n  - {name: a}\n":           "failed to load index: error converting YAML to JSON: yaml: unmarshal errors:\n  line 6: key \"app\" already set in map",
		"apiVersion: v1\nentries:\n  app:\n  - name: a\n    name: b\n":                       "failed to load index: error converting YAML to JSON: yaml: unmarshal errors:\n  line 5: key \"name\" already set in map",
		"nonsense: [":                      "failed to load index: error converting YAML to JSON: yaml: line 1: did not find expected node content",
		`{"apiVersion":"v1","entries":[]}`: "failed to load index: json: cannot unmarshal array into Go struct field wholeIndex.entries of type map[string][]*main.indexVersion",
	} {
		_, err := indexCharts(&indexRequest{File: writeIndex(t, text), Lookup: filepath.Join(t.TempDir(), "l")})
		if err == nil || err.Error() != want || toWire(err).Reason != "IndexationFailed" {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func lookUp(t testing.TB, text string) string {
	t.Helper()
	lookup := filepath.Join(t.TempDir(), "lookup")
	if _, err := indexCharts(&indexRequest{File: writeIndex(t, text), JSON: lookup + ".json", Lookup: lookup}); err != nil {
		t.Fatal(err)
	}
	// The index that was written is read back to the same.
	again := filepath.Join(t.TempDir(), "again")
	if _, err := indexCharts(&indexRequest{File: lookup + ".json", Lookup: again}); err != nil {
		t.Fatal(err)
	}
	one, _ := os.ReadFile(lookup)
	two, _ := os.ReadFile(again)
	if !bytes.Equal(one, two) {
		t.Errorf("got\n%s\nand\n%s", one, two)
	}
	return lookup
}

func TestChartVersion(t *testing.T) {
	lookup := lookUp(t, `apiVersion: v1
entries:
  app:
  - {name: app, version: 1.0.0, created: "2024-01-01T00:00:01Z", urls: [one.tgz, two.tgz]}
  - {name: app, version: 1.0.0+a, created: "2024-01-01T00:00:03Z"}
  - {name: app, version: 1.0.0+b, created: "2024-01-01T00:00:02Z"}
  - {name: app, version: 2.1.0}
  - {name: app, version: 3.0.0-rc.1}
  apple:
  - {name: apple, version: 9.0.0}
  empty:
`)
	for _, test := range [][3]string{
		{"app", "", "2.1.0"}, {"app", "*", "2.1.0"}, {"app", "1.x", "1.0.0+a"}, {"app", "1.0.0", "1.0.0"},
		{"app", "3.0.0-rc.1", "3.0.0-rc.1"}, {"app", ">=1.0.0-0", "3.0.0-rc.1"}, {"apple", "*", "9.0.0"},
		{"nope", "", "no chart name found"}, {"empty", "", "no chart version found"}, {"app\tx", "", "no chart name found"},
		{"app", "9.9.9", "no 'app' chart with version matching '9.9.9' found (the highest versions are 3.0.0-rc.1, 2.1.0, 1.0.0+a, 1.0.0+b, 1.0.0)"},
		{"app", "x y z", `improper constraint: "x y z"`},
	} {
		got, err := chartVersion(&chartVersionRequest{Lookup: lookup, Name: test[0], Range: test[1]})
		text := fmt.Sprint(err)
		if err == nil {
			text = got.Version
		}
		if text != test[2] {
			t.Errorf("%v: got %s", test, text)
		}
	}
	got, err := chartVersion(&chartVersionRequest{Range: "1.2", Metadata: "7"})
	if err != nil || got.Version != "1.2" || got.Target != "1.2.0+7" {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = chartVersion(&chartVersionRequest{Lookup: lookup, Name: "app", Range: "1.0.0"})
	if err != nil || !slices.Equal(got.URLs, []string{"one.tgz"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// An index of 30 MB must be read without holding it in memory.
func TestLargeIndexTakesLittleMemory(t *testing.T) {
	var text strings.Builder
	text.WriteString("apiVersion: v1\nentries:\n")
	for chart := range 20 {
		fmt.Fprintf(&text, "  chart-%d:\n", chart)
		for version := range 300 {
			fmt.Fprintf(&text, "  - apiVersion: v2\n    description: %s\n    name: chart-%d\n    urls:\n    - chart-%d-%d.tgz\n    version: 1.%d.0\n", strings.Repeat("text ", 100), chart, chart, version, version)
		}
	}
	file := writeIndex(t, text.String())
	lookup := filepath.Join(t.TempDir(), "lookup")
	got, err := indexCharts(&indexRequest{File: file, JSON: lookup + ".json", Lookup: lookup})
	if err != nil || got.Charts != 20 || got.Versions != 6000 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if found, err := chartVersion(&chartVersionRequest{Lookup: lookup, Name: "chart-19"}); err != nil || found.Version != "1.299.0" {
		t.Errorf("got %+v, %v", found, err)
	}
}
