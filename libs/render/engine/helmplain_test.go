package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

// longWay is what Helm and helm-controller do, with their libraries.
func longWay(p *postRender, files map[string]string) (map[string]string, error) {
	merged, err := mergeFiles(files)
	if err != nil {
		return nil, err
	}
	rendered, err := p.run(merged)
	if err != nil {
		return nil, err
	}
	return splitFiles(rendered, "")
}

// TestPlainDocumentsAreWrittenTheSame makes random documents, and compares what is
// written for them with the output of Helm's and Kustomize's libraries. WEIR_SEED and
// WEIR_PLAIN_CASES choose other documents and their number.
func TestPlainDocumentsAreWrittenTheSame(t *testing.T) {
	seed := uint64(os.Getpid())
	if given, err := strconv.ParseUint(os.Getenv("WEIR_SEED"), 10, 64); err == nil {
		seed = given
	}
	cases := 1_500
	if given, err := strconv.Atoi(os.Getenv("WEIR_PLAIN_CASES")); err == nil {
		cases = given
	}
	t.Logf("WEIR_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	p := &postRender{
		CommonMetadata: &renderedMetadata{Labels: map[string]string{"team": "a: b"}, Annotations: map[string]string{"note": "yes"}},
		Origin:         &objectName{"web", "apps"},
	}
	plain := 0
	for i := range cases {
		text := randomDocument(random)
		files := map[string]string{"a.yaml": text}
		quick, ok := p.quickly(files)
		if !ok {
			continue
		}
		plain++
		want, err := longWay(p, files)
		if err != nil {
			t.Fatalf("case %d is taken for plain, but %v:\n%s", i, err, text)
		}
		got := ""
		for _, document := range quick {
			got += document.text
		}
		if got != want["a.yaml"] {
			t.Fatalf("case %d gives\n%s\nwant\n%s\nof\n%s", i, got, want["a.yaml"], text)
		}
		checkObjects(t, quick, want)
	}
	if plain < cases/5 {
		t.Errorf("only %d of %d were plain", plain, cases)
	}
}

// checkObjects compares the objects with those in the text.
func checkObjects(t *testing.T, quick []renderedDocument, want map[string]string) {
	t.Helper()
	for _, document := range quick {
		encoded, err := exactJSON(document.object.fields)
		if err != nil {
			t.Fatal(err)
		}
		read, err := manifestObjects([]byte(want["a.yaml"]))
		if err != nil || len(read) != 1 {
			t.Fatal(err, want)
		}
		a, err := parseExact(string(encoded))
		if err != nil {
			t.Fatal(err)
		}
		b, err := parseExact(string(read[0]))
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(floats(a)) != fmt.Sprint(floats(b)) {
			t.Fatalf("the object is\n%v\nwant\n%v", a, b)
		}
	}
}

// floats makes all numbers floating point numbers, as JSON has no others.
func floats(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = floats(item)
		}
	case []any:
		for i, item := range v {
			v[i] = floats(item)
		}
	case int64:
		return float64(v)
	}
	return value
}

var randomScalars = []string{
	"a", "yes", "'yes'", `"yes"`, "No", "on", "true", "TRUE", `"true"`, "", `""`, "''", "12", "'12'", "-3", "+5", "0777", "'0777'", "0o17", "0x1F", "'0x1F'", "1_000", "'1_000'",
	"1.5", "1.0", "1e3", "1.0e+07", "'1e3'", ".5", "5.", "'.5'", "1e21", "-0.0", "123456789012345678", "18446744073709551615", "18446744073709551616", "0.1", "1e-7", "'.inf'",
	"1:30", "'1:30'", "190:20:30", "'2024-01-02'", "=", "'='", "'<<'", "a: b", "'a: b'", "a:b", "a:", "'a:'", "a #b", "'a #b'", "a#b", "' a'", "'a '", "'- x'", "'-'", "-x", "'*x'", "'&x'", "'!x'", "'%x'", "'@x'",
	"'`x'", "'{x}'", "'[x]'", "'a,b'", "a,b", `"a\tb"`, `"a\nb"`, `"a\nb\n"`, `"a\n\n"`, `"\n"`, `"\na"`, `" a\nb"`, `"a \nb"`, `"a\n b"`, `"a\n\tb"`, `"\ta\nb"`, `"\u00e9"`, "é☃", "𝄞", "'it''s'",
	`'say "hi"'`, `"say \"hi\""`, `'a\b'`, `"a\\b"`, "'.'", "'...'", "'---'", "'--- a'", "'?'", "'? x'", "'|'", "'>'", "/healthz", "registry.example/web:1.0.0", "https://example.org/x?y=z#w", "100m", "1Gi", "50%", "v1", "web-1.example", "${VAR}", "$(VAR)", "{{x}}", "'{{ x }}'", "a_b", "A", "y", "'n'", "Y",
	strings.Repeat("word ", 40) + "end", "'" + strings.Repeat("word ", 40) + "'", `"` + strings.Repeat("word ", 40) + `"`, strings.Repeat("x", 200), `"` + strings.Repeat("line ", 30) + `\n` + strings.Repeat("more ", 30) + `"`,
	`"a: ` + strings.Repeat("word ", 40) + `"`, `"é ` + strings.Repeat("word ", 40) + `"`, `"\t` + strings.Repeat("word ", 40) + `"`, "# comment", "a # comment", "{a: b}", "[a, 'b', 1]", "{}", "[]", "[[]]", "[{a: {}}]", "{a: [1, {b: c}]}",
	"|\n%[1]sone\n%[1]s  two\n%[1]sthree", "|+\n%[1]skeep\n\n", "|-\n%[1]sstrip", ">\n%[1]sone\n%[1]stwo\n\n%[1]sthree", "|\n%[1]sa \n%[1]sb", "|2\n%[1]s  lead\n%[1]sbase", "|\n\n%[1]sblank first", ">-\n%[1]s" + "folded words " + "and more", "|\n%[1]s\ttab",
}

var oddScalars = []string{"~", "null", ".inf", ".nan", "2024-01-02", "2024-01-02T03:04:05Z", "<<", `"a\r\nb"`, `"\u0007"`, `"\u00a0x"`, `"\u2028"`, "!!str 1", "&x a", "*x"}

// randomKeys has no three keys that go-yaml sorts in a circle, as it does a2, a10 and
// a1b: the order of such keys is undefined, in Helm too.
var randomKeys = []string{
	"a", "b", "a1", "a2", "a10", "a01", "a_b", "a-b", "a.b", "A", "B1", "yes", "'yes'", "'12'", "x/y", "app.kubernetes.io/name", "'a b'", "'a: b'", "a:b", "'a#b'", "''", "é", "ä1", "日本", "'-'", "-x", "'*'", "a100", "x0", "x00", "x1", "x01",
	"'0x1'", "key with spaces", "'{'", "Zz", "_x", ".x", "..", "'...'", "'---'", strings.Repeat("k", 90),
}

var oddKeys = []string{"1", "10", "2", "true", "null", "~", "\"a\\nb\"", "<<", "'<<'", "1.5", "0x1", strings.Repeat("k", 130)}

func randomDocument(r *rand.Rand) string {
	var out strings.Builder
	out.WriteString("apiVersion: example.org/v1\nkind: Thing\nmetadata:\n  name: x\n")
	for _, field := range []string{"labels", "annotations"} {
		switch r.IntN(6) {
		case 0:
			fmt.Fprintf(&out, "  %s:\n    %s: %s\n    z: 'w'\n", field, usually(r, randomKeys, oddKeys), inline(r))
		case 1:
			fmt.Fprintf(&out, "  %s: {}\n", field)
		case 2:
			fmt.Fprintf(&out, "  %s:\n", field)
		}
	}
	out.WriteString("spec:\n")
	randomMap(r, &out, 2, 0)
	return out.String()
}

// inline returns a scalar on one line.
func inline(r *rand.Rand) string {
	for {
		if s := usually(r, randomScalars, oddScalars); !strings.Contains(s, "\n") {
			return s
		}
	}
}

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// usually takes an item of the first list, and now and then one of the second, whose
// items aren't plain.
func usually(r *rand.Rand, list, odd []string) string {
	if r.IntN(60) == 0 {
		return pick(r, odd)
	}
	return pick(r, list)
}

func randomMap(r *rand.Rand, out *strings.Builder, indent, depth int) {
	used := map[string]bool{}
	for range 1 + r.IntN(5) {
		key := usually(r, randomKeys, oddKeys)
		if used[key] && r.IntN(100) > 0 {
			continue
		}
		used[key] = true
		fmt.Fprintf(out, "%s%s:", strings.Repeat(" ", indent), key)
		randomValue(r, out, indent, depth)
		if r.IntN(20) == 0 {
			fmt.Fprintf(out, "%s# a comment\n", strings.Repeat(" ", indent))
		}
	}
}

func randomValue(r *rand.Rand, out *strings.Builder, indent, depth int) {
	switch n := r.IntN(10); {
	case n < 2 && depth < 4:
		out.WriteString("\n")
		randomMap(r, out, indent+2, depth+1)
	case n < 4 && depth < 4:
		out.WriteString("\n")
		at := indent + 2*r.IntN(2)
		for range 1 + r.IntN(3) {
			fmt.Fprintf(out, "%s-", strings.Repeat(" ", at))
			if r.IntN(2) == 0 {
				out.WriteString(" first: 1\n")
				randomMap(r, out, at+2, depth+1)
			} else {
				randomValue(r, out, at+2, depth+5)
			}
		}
	default:
		scalar := usually(r, randomScalars, oddScalars)
		if strings.Contains(scalar, "%[1]s") {
			scalar = fmt.Sprintf(scalar, strings.Repeat(" ", indent+4))
		}
		fmt.Fprintf(out, " %s\n", scalar)
	}
}

// TestSimpleDocumentsAreReadTheSame compares the reader of simple documents with a
// complete YAML reader: on random documents, and on those of charts after random edits.
func TestSimpleDocumentsAreReadTheSame(t *testing.T) {
	seed := uint64(os.Getpid())
	if given, err := strconv.ParseUint(os.Getenv("WEIR_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("WEIR_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	var texts []string
	for _, r := range recordedReleases(t) {
		for _, document := range documents("manifest", r.Got.Manifest) {
			texts = append(texts, document)
		}
		for name, content := range r.Files {
			if strings.HasPrefix(name, "templates/") {
				texts = append(texts, content)
			}
		}
	}
	simple := 0
	for i := range 60_000 {
		text := pick(random, texts)
		if i%3 == 0 {
			text = randomDocument(random)
		}
		for range random.IntN(4) {
			text = edited(random, text)
		}
		fields, ok := readSimple(text)
		if !ok {
			continue
		}
		simple++
		var root yaml.Node
		if err := yaml.Unmarshal([]byte(text), &root); err != nil || len(root.Content) != 1 {
			t.Fatalf("case %d is taken for simple, but %v:\n%s", i, err, text)
		}
		want, ok := plainValue(root.Content[0])
		if !ok || !reflect.DeepEqual(want, any(fields)) {
			t.Fatalf("case %d is read as\n%#v\nwant\n%#v\nof\n%s", i, fields, want, text)
		}
	}
	t.Logf("%d were simple", simple)
	if simple < 5_000 {
		t.Errorf("only %d were simple", simple)
	}
}

// edited changes a text where it may matter: it changes a character, or it removes,
// repeats or indents a line.
func edited(r *rand.Rand, text string) string {
	lines := strings.Split(text, "\n")
	at := r.IntN(len(lines))
	line := lines[at]
	switch r.IntN(8) {
	case 0:
		lines = append(lines[:at:at], lines[at+1:]...)
	case 1:
		lines = append(lines[:at+1:at+1], lines[at:]...)
	case 2:
		lines[at] = " " + line
	case 3:
		lines[at] = strings.TrimPrefix(line, " ")
	case 4:
		lines[at] = line + pick(r, []string{" ", ":", " # c", "x", " |", " |-", "'", "\"", ",", " -", "\n", "\n  \n", " {}", ": 1"})
	case 5:
		lines[at] = strings.Replace(line, ": ", pick(r, []string{":", ":  ", ": - ", ": '", ": |\n", " : ", ": 0", ": 1", "."}), 1)
	case 6:
		lines[at] = strings.Replace(line, "- ", pick(r, []string{"-", "-  ", "- - ", "  - ", "- a: "}), 1)
	case 7:
		if len(line) > 0 {
			i := r.IntN(len(line))
			lines[at] = line[:i] + pick(r, []string{"", "-", ":", " ", "#", "|", "1", "e", "_", ".", "\n"}) + line[i+r.IntN(2):]
		}
	}
	return strings.Join(lines, "\n")
}

// TestPlainChartsTakeTheShortWay makes sure that what charts render to is plain.
func TestPlainChartsTakeTheShortWay(t *testing.T) {
	p := &postRender{Origin: &objectName{"web", "apps"}}
	plain, all := 0, 0
	for _, r := range recordedReleases(t) {
		if r.Got.Error != "" || len(r.Spec.PostRenderers) > 0 {
			continue
		}
		files := map[string]string{}
		for name, content := range releaseutil.SplitManifests(r.Got.Manifest) {
			files[name] = content
		}
		all++
		if _, ok := p.quickly(files); ok {
			plain++
		}
	}
	if plain < all*8/10 {
		t.Errorf("of %d charts only %d are plain", all, plain)
	}
}
