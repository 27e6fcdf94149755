package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
)

const chartYAML = "apiVersion: v2\nname: app\nversion: 1.0.0\n"

var app = files{"Chart.yaml": chartYAML, "values.yaml": "a: 1\nmap: {x: 1, z: 2}\n", "templates/cm.yaml": "kind: ConfigMap\n", "values-prod.yaml": "a: null\nmap: {z: 3}\nbig: 10000000\n"}

func (f files) below(folder string) files {
	all := files{}
	for name, content := range f {
		all[folder+"/"+name] = content
	}
	return all
}

// packed writes a tar.gz of files, which may be a chart or an artifact.
func (f files) packed(t testing.TB) string {
	t.Helper()
	var data bytes.Buffer
	zipped := gzip.NewWriter(&data)
	out := tar.NewWriter(zipped)
	names := []string{}
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(f[name])), ModTime: epoch}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(out, f[name])
	}
	out.Close()
	zipped.Close()
	name := filepath.Join(t.TempDir(), "packed.tgz")
	if err := os.WriteFile(name, data.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func (f files) source(t testing.TB, path string) sourceRequest {
	t.Helper()
	name := f.packed(t)
	data, _ := os.ReadFile(name)
	return sourceRequest{Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(data)), File: name, Path: path}
}

func unpacked(t testing.TB, name string) files {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all := files{}
	for in := tar.NewReader(unzipped); ; {
		header, err := in.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(in)
		all[header.Name] = string(data)
	}
}

func newEngine() *engine {
	return &engine{
		artifacts: newArtifacts(defaultLimits),
		charts:    newCharts(defaultLimits.cacheBytes),
		renders:   newRenders(defaultLimits.cacheBytes),
		hooked:    newHookedReleases(defaultLimits.cacheBytes),
	}
}

func TestRepackMergesValues(t *testing.T) {
	chart := app.below("app").packed(t)
	out := filepath.Join(t.TempDir(), "out.tgz")
	request := &repackRequest{packRequest{"1.0.0+2", []string{"values.yaml", "nope.yaml", "values-prod.yaml"}, true, out}, chart}
	got, err := repackChart(request)
	if err != nil || !slices.Equal(got.ValuesFiles, []string{"values.yaml", "values-prod.yaml"}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	all := unpacked(t, out)
	if all["app/values.yaml"] != "a: null\nbig: 10000000\nmap:\n  x: 1\n  z: 3\n" || all["app/Chart.yaml"] != "apiVersion: v2\nname: app\nversion: 1.0.0+2\n" {
		t.Errorf("got %q", all)
	}
	first, _ := os.ReadFile(out)
	if _, err := repackChart(request); err != nil {
		t.Fatal(err)
	}
	if second, _ := os.ReadFile(out); !bytes.Equal(first, second) {
		t.Error("the same chart packs to other bytes")
	}
	request.IgnoreMissingValues = false
	if _, err := repackChart(request); err == nil || err.Error() != "failed to merge chart values: no values file found at path 'nope.yaml'" || toWire(err).Reason != "ValuesFilesError" {
		t.Errorf("got %v", err)
	}
}

func TestInspectChart(t *testing.T) {
	big := strings.Repeat("x", 6<<20)
	for name, test := range map[string]struct {
		files files
		want  string
	}{
		"good":     {app.below("app"), ""},
		"no chart": {files{"app/x": ""}, "failed to load chart metadata from written chart: no 'Chart.yaml' found"},
		"no name":  {files{"app/Chart.yaml": "version: 1.0.0"}, "failed to validate metadata of written chart: validation: chart.metadata.name is required"},
		"escape":   {files{"app/../../x": ""}, "failed to load chart metadata from written chart: chart illegally references parent directory"},
		"large":    {files{"app/Chart.yaml": big}, "failed to load chart metadata from written chart: size of 'app/Chart.yaml' exceeds '5242880' bytes limit"},
		"bomb":     {files{"app/a": strings.Repeat(big, 18)}, "failed to load chart metadata from written chart: decompressed chart is larger than the maximum size 104857600"},
	} {
		got, err := inspectChart(&inspectRequest{test.files.packed(t)})
		if (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	text := filepath.Join(t.TempDir(), "text")
	os.WriteFile(text, []byte("no archive, but some text"), 0o600)
	if _, err := inspectChart(&inspectRequest{text}); err == nil || err.Error() != "failed to load chart metadata from written chart: gzip: invalid header" {
		t.Errorf("got %v", err)
	}
}

func TestLargeFileInChart(t *testing.T) {
	chart := app.with(files{"files/big.txt": strings.Repeat("x", 6<<20)}).below("app").packed(t)
	_, err := repackChart(&repackRequest{packRequest{"1.0.0+1", []string{"values.yaml"}, false, filepath.Join(t.TempDir(), "o")}, chart})
	want := `failed to load downloaded chart: decompressed chart file "app/files/big.txt" is larger than the maximum file size 5242880`
	if err == nil || err.Error() != want || toWire(err).Reason != "ChartPackageError" {
		t.Errorf("got %v", err)
	}
}

func TestInspectSource(t *testing.T) {
	repository := app.below("charts/app").with(files{"charts/bad/Chart.yaml": "a: b: c: [\n", "charts/none/x": ""})
	for path, want := range map[string]string{
		"./charts/app": "1.0.0+abc", "charts/app/": "1.0.0+abc", "../charts/app": "1.0.0+abc",
		"./charts/bad": "cannot load 'Chart.yaml': error converting YAML to JSON: yaml: mapping values are not allowed in this context",
		"./charts/no":  "stat charts/no: no such file or directory", "charts/none": "open charts/none/Chart.yaml: no such file or directory",
		"/charts/app": "local chart reference path is expected to be relative",
	} {
		request := repository.source(t, path)
		request.Metadata = "abc"
		got, err := newEngine().inspectSource(&request)
		text := fmt.Sprint(err)
		if err == nil {
			text = got.Version
		} else if toWire(err).Reason != "InvalidChartReference" {
			t.Errorf("%s: %v", path, toWire(err))
		}
		if text != want {
			t.Errorf("%s: got %s", path, text)
		}
	}
}

func TestPackSourceIsAsHelmLoadsIt(t *testing.T) {
	ignored := files{".helmignore": "*.txt\ndocs/\n/top\n# no\n", "a.txt": "", "docs/x": "", "top": "", "below/top": "", "templates/.hidden": "", "bom.md": "\xef\xbb\xbftext"}
	sub := files{"Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n", "values.yaml": "{}\n"}
	source := app.with(ignored).with(sub.below("charts/sub")).with(files{"charts/another/Chart.yaml": "apiVersion: v1\nname: another\nversion: 0.2.0\n"})
	want, err := loader.LoadDir(source.write(t))
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.tgz")
	packed := func() files {
		got, err := newEngine().packSource(&packSourceRequest{packRequest{Version: "1.0.0", Out: out}, source.below("c").source(t, "c"), nil})
		if err != nil || got.Resolved != 0 {
			t.Fatalf("got %+v, %v", got, err)
		}
		return unpacked(t, out)
	}
	all := packed()
	names := map[string]bool{}
	for _, f := range want.Files {
		names["app/"+f.Name] = true
	}
	for _, name := range []string{"app/Chart.yaml", "app/values.yaml", "app/templates/cm.yaml", "app/charts/sub/Chart.yaml", "app/charts/sub/values.yaml", "app/charts/another/Chart.yaml"} {
		names[name] = true
	}
	for name := range all {
		if !names[name] {
			t.Errorf("%s is there", name)
		}
		delete(names, name)
	}
	if len(names) > 0 || all["app/bom.md"] != "text" {
		t.Errorf("%v are missing, %q", names, all["app/bom.md"])
	}
	first, _ := os.ReadFile(out)
	for range 20 {
		packed()
		if again, _ := os.ReadFile(out); !bytes.Equal(first, again) {
			t.Fatal("the same chart packs to other bytes")
		}
	}
}

func TestDependencies(t *testing.T) {
	lib := files{"Chart.yaml": "apiVersion: v2\nname: lib\nversion: 0.3.0\n", "values.yaml": "lib: true\n"}
	with := func(list, lock string) files {
		chart := app.with(files{"Chart.yaml": chartYAML + "dependencies: " + list + "\n"})
		if lock != "" {
			chart["Chart.lock"] = lock
		}
		return chart.below("app").with(lib.below("lib"))
	}
	out := filepath.Join(t.TempDir(), "out.tgz")
	pack := func(f files, fetched ...fetchedDependency) (*packAnswer, error) {
		return newEngine().packSource(&packSourceRequest{packRequest{Version: "1.0.0", Out: out}, f.source(t, "app"), fetched})
	}
	for name, test := range map[string]struct{ list, want string }{
		"local":   {"[{name: lib, version: '>=0.1.0', repository: 'file://../lib'}]", ""},
		"absent":  {"[{name: lib, version: 1.x, repository: 'file://../none'}]", "failed to add local dependency 'lib': no chart found at '/none' (reference 'file://../none')"},
		"range":   {"[{name: lib, version: 1.x, repository: 'file://../lib'}]", "failed to add local dependency 'lib': can't get a valid version for constraint '1.x'"},
		"itself":  {"[{name: app, version: 1.x, repository: 'file://../app'}]", "failed to add local dependency 'app': the chart at '/app' (reference 'file://../app') can't depend on itself"},
		"outside": {"[{name: lib, version: 0.x, repository: 'file://../../../../lib'}]", ""},
		"charts":  {"[{name: lib, version: 0.x, repository: ''}]", "failed to add local dependency 'lib': no chart found at '/app/charts/lib' (reference '')"},
	} {
		got, err := pack(with(test.list, ""))
		if (err == nil) != (test.want == "") || err != nil && (err.Error() != test.want || toWire(err).Reason != "DependencyBuildError") {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}

	// Only the chart's own dependencies are added, so a circle ends after one round.
	circle := with("[{name: lib, version: 0.x, repository: 'file://../lib'}]", "")
	circle["lib/Chart.yaml"] += "dependencies: [{name: app, version: 1.x, repository: 'file://../app'}]\n"
	if got, err := pack(circle); err != nil || got.Resolved != 1 {
		t.Errorf("a circle: got %+v, %v", got, err)
	} else if all := unpacked(t, out); all["app/charts/lib/charts/app/Chart.yaml"] != "" || all["app/charts/lib/Chart.yaml"] == "" {
		t.Errorf("a circle: got %q", all)
	}

	two := "[{name: lib, version: 0.x, repository: 'http://h/x', alias: first}, {name: lib, version: 0.1.0, repository: 'http://h/x', alias: second}]"
	got, err := pack(with(two, ""))
	if err != nil || len(got.Missing) != 2 || got.Missing[0] != (missingDependency{"first", "lib", "0.x", "http://h/x"}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	chart := lib.below("lib").packed(t)
	got, err = pack(with(two, ""), fetchedDependency{"first", chart, "0.3.0"}, fetchedDependency{"second", chart, "0.3.0"})
	if all := unpacked(t, out); err != nil || got.Resolved != 2 || all["app/charts/second/Chart.yaml"] != "apiVersion: v2\nname: second\nversion: 0.3.0\n" {
		t.Errorf("got %+v, %v, %q", got, err, all)
	}

	lock := "dependencies:\n- {name: lib, repository: 'http://h/x', version: 0.1.0}\n"
	got, err = pack(with("[{name: lib, version: 0.x, repository: 'http://h/x'}]", lock))
	if err != nil || len(got.Missing) != 1 || got.Missing[0].Version != "0.1.0" {
		t.Errorf("got %+v, %v", got, err)
	}
	locked := with("[{name: lib, version: 0.x, repository: 'http://h/x'}]", lock)
	sums := map[[32]byte]bool{}
	for range 2 {
		if _, err = pack(locked, fetchedDependency{"lib", chart, "0.3.0"}); err != nil {
			t.Fatal(err)
		}
		data, _ := os.ReadFile(out)
		sums[sha256.Sum256(data)] = true
	}
	if f := unpacked(t, out); len(sums) != 1 || !strings.Contains(f["app/Chart.lock"], "0001-01-01") {
		t.Errorf("%d results, %q", len(sums), f)
	}
}
