package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Vulnerabilities that other tools have had, by the number under which they are known.
// Each is tried in the way that its advisory describes.

// CVE-2022-24877 (kustomize-controller): a kustomization with paths that leave the
// artifact read files of the controller's pod.
func TestCVE202224877KustomizationsReadNothingOutside(t *testing.T) {
	const canary = "canary-of-the-pod"
	dir := t.TempDir()
	outside := filepath.Join(dir, "secret.yaml")
	if err := os.WriteFile(outside, []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: stolen}\ndata: {k: "+canary+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CANARY", canary)
	up := strings.Repeat("../", 20) + strings.TrimPrefix(outside, "/")
	for _, path := range []string{outside, up, "./" + up, "x/" + "../" + up, "file://" + outside, "/proc/self/environ", strings.Repeat("../", 20) + "proc/self/environ", filepath.Dir(outside)} {
		for _, text := range []string{
			"resources: [%q]",
			"components: [%q]",
			"bases: [%q]",
			"resources: [x.yaml]\npatches: [{path: %q}]",
			"resources: [x.yaml]\npatchesStrategicMerge: [%q]",
			"resources: [x.yaml]\npatchesJson6902: [{target: {version: v1, kind: Service, name: web}, path: %q}]",
			"configMapGenerator: [{name: c, files: [%q]}]",
			"configMapGenerator: [{name: c, files: ['k=%s']}]",
			"configMapGenerator: [{name: c, envs: [%q]}]",
			"configMapGenerator: [{name: c, env: %q}]",
			"secretGenerator: [{name: c, files: [%q], type: Opaque}]",
			"secretGenerator: [{name: c, envs: [%q]}]",
			"resources: [x.yaml]\nopenapi: {path: %q}",
			"resources: [x.yaml]\ncrds: [%q]",
			"resources: [x.yaml]\nconfigurations: [%q]",
			"resources: [x.yaml]\ntransformers: [%q]",
			"resources: [x.yaml]\nvalidators: [%q]",
			"generators: [%q]",
			"resources: [x.yaml]\nreplacements: [{path: %q}]",
			"helmCharts: [{name: c, valuesFile: %q}]",
			"helmGlobals: {chartHome: %q}\nhelmCharts: [{name: c}]",
		} {
			kustomization := fmt.Sprintf(text, path) + "\n"
			f := files{"a/kustomization.yaml": kustomization, "a/x.yaml": service}
			answer := buildOf(t, f, &buildRequest{Path: "a"})
			shown, _ := json.Marshal(answer)
			if strings.Contains(string(shown), canary) || strings.Contains(string(shown), "stolen") {
				t.Errorf("%s: %s", kustomization, shown)
			}
		}
		// Tenants write spec.path and spec.components as well.
		for _, r := range []*buildRequest{{Path: path}, {Path: "a", Kustomization: customization{Components: []string{path}}}} {
			answer := buildOf(t, files{"a/x.yaml": service}, r)
			shown, _ := json.Marshal(answer)
			if strings.Contains(string(shown), canary) || strings.Contains(string(shown), "stolen") {
				t.Errorf("%+v: %s", r, shown)
			}
		}
	}
}

// CVE-2022-24878 (kustomize-controller): a kustomization that refers to itself, or to
// something that never ends, kept the controller busy until it crashed.
func TestCVE202224878KustomizationsEnd(t *testing.T) {
	for name, f := range map[string]files{
		"itself":            {"a/kustomization.yaml": "resources: [.]\n"},
		"its parent":        {"kustomization.yaml": "resources: [a]\n", "a/kustomization.yaml": "resources: [..]\n"},
		"a circle":          {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../c]\n", "c/kustomization.yaml": "resources: [../a]\n"},
		"its own component": {"a/kustomization.yaml": "components: [../b]\n", "b/kustomization.yaml": "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\ncomponents: [../b]\n"},
		"its own file":      {"a/kustomization.yaml": "resources: [kustomization.yaml]\n"},
		"a device":          {"a/kustomization.yaml": "resources: [/dev/zero]\n"},
		"a pipe":            {"a/kustomization.yaml": "configMapGenerator: [{name: c, files: [/dev/stdin]}]\n"},
		"many of one":       {"a/kustomization.yaml": "resources: [" + strings.Repeat("../b,", 5_000) + "../b]\n", "b/kustomization.yaml": "resources: [x.yaml]\n", "b/x.yaml": service},
	} {
		started := time.Now()
		answer := buildOf(t, f, &buildRequest{Path: "a"})
		if answer.Failed == nil || answer.Failed.Reason != reasonBuild {
			t.Errorf("%s: %+v", name, answer.Failed)
		}
		if took := time.Since(started); took > 20*time.Second {
			t.Errorf("%s takes %s", name, took)
		}
	}
}

// CVE-2022-36049 (helm-controller; CVE-2022-36055 of Helm): the path of a value named an
// item of a list with an index so large that the list took all memory.
func TestCVE202236049PathsOfValuesTakeNoMemory(t *testing.T) {
	nested := strings.Repeat("[65536]", 3)
	for _, path := range []string{
		"a[99999999]", "a[9223372036854775807]", "a[2147483647].b", "a[-1]", "a" + strings.Repeat("[0]", 10_000),
		strings.Repeat("a.", 100_000) + "b", "a[65537]", "a" + nested, "[99999999]", "a[1e9]", "a[99999999999999999999]",
	} {
		for _, layer := range []valuesLayer{at("k", path, "x"), {Origin: "k", TargetPath: path, Text: "x", Literal: true}} {
			allocated := allocatedBy(func() {
				if _, err := newEngine().helmValues(&valuesRequest{Layers: []valuesLayer{layer}}); err != nil {
					t.Logf("%.40s: %.100s", path, err)
				}
			})
			if allocated > 256<<20 {
				t.Errorf("%.40s takes %d MiB", path, allocated>>20)
			}
		}
	}
	// A value's text can contain paths as well, unless it is literal.
	text := at("k", "a", "x,b[99999999]=y,c[99999999]=z")
	if got, err := newEngine().helmValues(&valuesRequest{Layers: []valuesLayer{text}}); err != nil || got.Failed == nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// CVE-2022-24348 (Argo CD): the values files of a chart could be a path outside of the
// repository or a URL, and the result showed what was read there.
func TestCVE202224348ValuesFilesAreOfTheSource(t *testing.T) {
	const canary = "canary-of-the-pod"
	outside := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(outside, []byte("stolen: "+canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := newEngine()
	e.artifacts.keep("d", app.below("charts/app").tree(t))
	packed := app.below("app").packed(t)
	up := strings.Repeat("../", 20) + strings.TrimPrefix(outside, "/")
	for _, path := range []string{outside, up, "file://" + outside, "charts/app/../../" + up, "http://127.0.0.1:1/values.yaml", "/proc/self/environ", "./" + up, `..\..\values.yaml`} {
		for _, ignore := range []bool{true, false} {
			out := filepath.Join(t.TempDir(), "out.tgz")
			request := packRequest{"1.0.0+1", []string{"values.yaml", path}, ignore, out}
			_, repacked := repackChart(&repackRequest{request, packed})
			source := &packSourceRequest{packRequest: packRequest{"1.0.0+1", []string{"charts/app/values.yaml", path}, ignore, out}}
			source.Digest, source.Path = "d", "charts/app"
			_, made := e.packSource(source)
			for _, err := range []error{repacked, made} {
				if !ignore && (err == nil || strings.Contains(err.Error(), canary)) {
					t.Errorf("%s: %v", path, err)
				}
			}
			if _, err := os.Stat(out); err != nil {
				continue
			}
			for name, content := range unpacked(t, out) {
				if strings.Contains(content, canary) {
					t.Errorf("%s is in %s", path, name)
				}
			}
		}
	}
}

// allocatedBy returns the bytes that a function allocates, whether or not they are freed.
func allocatedBy(work func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	work()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
