package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	flux "github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var example = files{
	"base/deployment.yaml":    deployment,
	"base/service.yaml":       service,
	"base/kustomization.yaml": "resources: [deployment.yaml, service.yaml]\nimages: [{name: registry.example/web, newTag: 1.1.0, newName: registry.example/site}]\n",
	"over/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\nconfigMapGenerator: [{name: env, files: [../shared/env.txt], literals: [a=b]}]\n",
	"shared/env.txt":          "x=y\n",
	"part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels: [{pairs: {part: of}, includeSelectors: true}]\n",
}

// cases are builds whose result must be the same as that of Flux's own library on a disk.
var cases = []struct {
	name  string
	files files
	path  string
	spec  string // a Flux Kustomization's spec, JSON
}{
	{"overlay", example, "./over", `{}`},
	{"everything", example, "over", `{"targetNamespace":"apps","namePrefix":"p-","nameSuffix":"-s",
		"patches":[{"patch":"- op: replace\n  path: /spec/replicas\n  value: 5\n","target":{"kind":"Deployment","name":".*web"}},
			{"patch":"apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  type: NodePort\n"}],
		"images":[{"name":"registry.example/web","newTag":"2.0.0"}],"components":["../part"],
		"buildMetadata":["originAnnotations"]}`},
	{"images merge: tag over digest", example.with(files{
		"base/kustomization.yaml": "resources: [deployment.yaml]\nimages: [{name: registry.example/web, newName: other/web, digest: 'sha256:1111'}]\n",
	}), "base", `{"images":[{"name":"registry.example/web","newTag":"2"}]}`},
	{"images merge: name only", example, "base", `{"images":[{"name":"registry.example/web","newName":"mirror/web"}]}`},
	{"generated", files{
		"a/one.yaml": deployment, "a/sub/two.yml": service, "a/notes.txt": "no", "a/values.json": "{}",
		"a/k/kustomization.yaml": "resources: [../../other]\n", "a/k/ignored.yaml": config,
		"other/x.yaml": config, "other/Kustomization": "resources: [x.yaml]\n",
	}, "a", `{"targetNamespace":"apps"}`},
	{"generated at the root", files{"one.yaml": deployment, "z/two.yaml": service}, "", `{}`},
	{"nothing there", files{"a/README.md": "no"}, "./a", `{}`},
	{"empty kustomization", files{"a/kustomization.yaml": ""}, "./a", `{}`},
	{"empty kustomization with components", example.with(files{"a/kustomization.yml": ""}), "./a", `{"components":["../over"]}`},
	{"missing component ignored", example, "over", `{"components":["../gone","../part"],"ignoreMissingComponents":true}`},
	{"lists and anchors", files{"a/list.yaml": "apiVersion: v1\nkind: List\nitems:\n- &x\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: one}\n  data: {a: '1'}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: two}\n"}, "a", `{}`},
	{"odd names", files{"a/with space+plus(1).yaml": service, "a/ünï.yaml": config}, "a", `{}`},
	{"many documents", files{"a/all.yaml": "---\n" + service + "---\n# nothing\n---\n" + config + "---\n"}, "a", `{}`},
	{"local config left out", files{"a/x.yaml": strings.Replace(config, "  name: config\n", "  name: config\n  annotations: {config.kubernetes.io/local-config: 'true'}\n", 1)}, "a", `{}`},

	{"missing resource", files{"a/kustomization.yaml": "resources: [gone.yaml]\n"}, "a", `{}`},
	{"missing base", files{"a/kustomization.yaml": "resources: [../gone/deep]\n"}, "a", `{}`},
	{"missing component", example, "over", `{"components":["../gone"]}`},
	{"remote component", example, "over", `{"components":["https://example.com/x"]}`},
	{"file as a folder", files{"a/kustomization.yaml": "resources: [x.yaml/deep]\n", "a/x.yaml": service}, "a", `{}`},
	{"duplicate", files{"a/one.yaml": service, "a/two.yaml": service}, "a", `{}`},
	{"tab", files{"a/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: x\n"}, "a", `{}`},
	{"not Kubernetes", files{"a/x.yaml": "foo: bar\n"}, "a", `{}`},
	{"two kustomization files", files{"a/kustomization.yaml": "", "a/kustomization.yml": ""}, "a", `{}`},
	{"cycle", files{"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"}, "a", `{}`},
	{"patch that fits nothing", example, "over", `{"patches":[{"patch":"- op: replace\n  path: /spec/gone/x\n  value: 1\n","target":{"kind":"Service"}}]}`},
	{"plugin", files{"a/kustomization.yaml": "transformers: [t.yaml]\n", "a/t.yaml": "apiVersion: x/v1\nkind: Foo\nmetadata: {name: x}\n"}, "a", `{}`},
	{"path is a file", files{"a/x.yaml": service}, "a/x.yaml", `{}`},
	{"no name", files{"a/kustomization.yaml": "resources: [x.yaml]\n", "a/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: x}\n"}, "a", `{}`},
}

func TestSameAsFlux(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want, wantErr := fluxBuild(t, c.files, c.path, c.spec)
			var request buildRequest
			if err := json.Unmarshal([]byte(c.spec), &request.Kustomization); err != nil {
				t.Fatal(err)
			}
			request.Path = c.path
			got, gotErr := render(newView(c.files.tree(t)), newInspector(), &request, nil)
			if wantErr != "" {
				if gotErr == nil || relative(gotErr.Error()) != wantErr {
					t.Fatalf("error is\n%v\nFlux's is\n%v", gotErr, wantErr)
				}
				return
			}
			if gotErr != nil {
				t.Fatal(gotErr)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("got\n%s\nFlux gives\n%s", got, want)
			}
		})
	}
}

// fluxBuild does what kustomize-controller does: it generates into the artifact's folder
// on disk, and then builds. Paths in an error are made relative to that folder.
func fluxBuild(t *testing.T, f files, path, spec string) (manifests []byte, message string) {
	t.Helper()
	root := f.write(t)
	object := map[string]any{}
	if err := json.Unmarshal([]byte(`{"spec":`+spec+`}`), &object); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(root, path)
	failed := func(err error) string { return f.relativeTo(err.Error(), root) }
	generator := flux.NewGenerator(root, unstructured.Unstructured{Object: object})
	if _, err := generator.WriteFile(folder); err != nil {
		// Flux adds the message of its clean-up after the error.
		before, _, _ := strings.Cut(failed(err), " <nil>")
		before, _, _ = strings.Cut(before, " remove ")
		return nil, before
	}
	resources, err := flux.SecureBuild(root, folder, false)
	if err != nil {
		return nil, "kustomize build failed: " + failed(err)
	}
	manifests, err = resources.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return manifests, ""
}
