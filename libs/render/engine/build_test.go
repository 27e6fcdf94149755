package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// buildOf runs a complete build over files.
func buildOf(t *testing.T, f files, r *buildRequest) *buildAnswer {
	t.Helper()
	e := &engine{artifacts: newArtifacts(defaultLimits)}
	e.artifacts.keep("d", f.tree(t))
	r.Digest = "d"
	answer, err := e.build(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func mustBuild(t *testing.T, f files, r *buildRequest) *buildAnswer {
	t.Helper()
	answer := buildOf(t, f, r)
	if answer.Failed != nil {
		t.Fatal(answer.Failed.Message)
	}
	return answer
}

func mustFail(t *testing.T, f files, r *buildRequest, reason string, words ...string) {
	t.Helper()
	answer := buildOf(t, f, r)
	if answer.Failed == nil || answer.Failed.Reason != reason {
		t.Fatalf("want %s, got %+v", reason, answer.Failed)
	}
	for _, w := range words {
		if !strings.Contains(answer.Failed.Message, w) {
			t.Errorf("%q doesn't say %q", answer.Failed.Message, w)
		}
	}
	if strings.Contains(answer.Failed.Message, mount) {
		t.Errorf("%q names the mount", answer.Failed.Message)
	}
}

func TestBuildPreparesObjectsForApply(t *testing.T) {
	answer := mustBuild(t, example, &buildRequest{
		Path:        "over",
		OwnerLabels: map[string]string{"owner": "me", "team": "lost"},
		Kustomization: customization{CommonMetadata: &commonMetadata{
			Labels: map[string]string{"team": "web"}, Annotations: map[string]string{"note": "n"},
		}},
	})
	data, err := json.Marshal(answer.Objects[0])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"note":"n"},"creationTimestamp":null,` +
		`"labels":{"owner":"me","team":"web"},"name":"prod-web"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},` +
		`"strategy":{},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"image":"registry.example/site:1.1.0",` +
		`"name":"web","ports":[{"containerPort":8080,"protocol":"TCP"}],"resources":{}}]}}}}`
	if string(data) != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
	if !strings.HasPrefix(answer.Digest, "sha256:") {
		t.Errorf("digest is %q", answer.Digest)
	}
}

func TestSubstitution(t *testing.T) {
	disabled := strings.Replace(config, "  name: config\n", "  name: off\n  annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}\n", 1)
	f := files{"a/config.yaml": config, "a/off.yaml": disabled}
	for _, c := range []struct {
		name string
		s    *substitution
		want map[string]any
	}{
		{"no postBuild", nil, map[string]any{"region": "${region}", "zone": "${zone:=a}"}},
		{"no variables", &substitution{}, map[string]any{"region": "${region}", "zone": "${zone:=a}"}},
		{"always", &substitution{Always: true}, map[string]any{"region": nil, "zone": "a"}},
		{"variables", &substitution{Vars: map[string]string{"region": "eu\n-west"}}, map[string]any{"region": "eu-west", "zone": "a"}},
		{"strict with all", &substitution{Vars: map[string]string{"region": "eu"}, Strict: true}, map[string]any{"region": "eu", "zone": "a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, o := range mustBuild(t, f, &buildRequest{Path: "a", Substitute: c.s}).Objects {
				data := o["data"].(map[string]any)
				want := c.want
				if o["metadata"].(map[string]any)["name"] == "off" {
					want = map[string]any{"region": "${region}", "zone": "${zone:=a}"}
				}
				if want["region"] == nil {
					want = map[string]any{"region": "", "zone": "a"}
				}
				if !maps.Equal(data, want) {
					t.Errorf("got %v, want %v", data, want)
				}
			}
		})
	}
	mustFail(t, f, &buildRequest{Path: "a", Substitute: &substitution{Vars: map[string]string{"x": "y"}, Strict: true}},
		"BuildFailed", `post build failed for 'ConfigMap.v1.[noGrp]/config': envsubst error: variable substitution failed: variable not set (strict mode): "region"`)
	mustFail(t, f, &buildRequest{Path: "a", Substitute: &substitution{Vars: map[string]string{"no-name": "y"}}},
		"BuildFailed", "envsubst error: 'no-name' var name is invalid")
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name  string
		files files
		words []string
	}{
		{"remote file", files{"a/kustomization.yaml": "resources: [https://example.com/x.yaml]\n"},
			[]string{"kustomize build failed: remote resource 'https://example.com/x.yaml' in a/kustomization.yaml is not allowed"}},
		{"remote base below", files{"a/kustomization.yaml": "resources: [b]\n", "a/b/kustomization.yaml": "resources: ['github.com/x/y//z?ref=v1']\n"},
			[]string{"'github.com/x/y//z?ref=v1' in a/b/kustomization.yaml"}},
		{"remote component", files{"a/kustomization.yaml": "components: ['git@github.com:x/y.git']\n"}, []string{"'git@github.com:x/y.git'"}},
		{"remote patch", files{"a/kustomization.yaml": "resources: [x.yaml]\npatches: [{path: 'https://example.com/p.yaml'}]\n", "a/x.yaml": service},
			[]string{"'https://example.com/p.yaml'"}},
		{"file URL", files{"a/kustomization.yaml": "resources: ['file:///etc']\n"}, []string{"'file:///etc'"}},
		{"absolute path", files{"a/kustomization.yaml": "resources: [/etc/passwd]\n"}, []string{"read /etc/passwd: path leaves the artifact"}},
		{"path out", files{"a/kustomization.yaml": "resources: [../../etc/passwd]\n"}, []string{"'../../etc/passwd'", "path leaves the artifact"}},
		{"generator out", files{"a/kustomization.yaml": "configMapGenerator: [{name: x, files: [../../etc/passwd]}]\n"},
			[]string{"[../../etc/passwd]", "path leaves the artifact"}},
		{"helm charts", files{"a/kustomization.yaml": "helmCharts: [{name: x, repo: 'https://example.com', version: 1.0.0}]\n"},
			[]string{"helm charts in a/kustomization.yaml are not allowed: use a HelmRelease"}},
		{"helm generator", files{"a/kustomization.yaml": "generators: [g.yaml]\n", "a/g.yaml": "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: x\nrepo: https://example.com\n"},
			[]string{"helm charts are not allowed"}},
		{"exec plugin", files{"a/kustomization.yaml": "resources: [x.yaml]\ntransformers: [t.yaml]\n", "a/x.yaml": service,
			"a/t.yaml": "apiVersion: x/v1\nkind: Run\nmetadata:\n  name: x\n  annotations: {config.kubernetes.io/function: 'exec: {path: /bin/true}'}\n"},
			[]string{"external plugins disabled; unable to load external plugin 'Run'"}},
		{"container plugin", files{"a/kustomization.yaml": "resources: [x.yaml]\ntransformers: [t.yaml]\n", "a/x.yaml": service,
			"a/t.yaml": "apiVersion: x/v1\nkind: Run\nmetadata:\n  name: x\n  annotations: {config.kubernetes.io/function: 'container: {image: x}'}\n"},
			[]string{"external plugins disabled; unable to load external plugin 'Run'"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			mustFail(t, c.files, &buildRequest{Path: "a"}, "BuildFailed", c.words...)
		})
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	const tab = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: x\n"
	mustFail(t, files{"a/b/x.yaml": tab}, &buildRequest{Path: "a"}, "BuildFailed",
		"failed to decode Kubernetes YAML from a/b/x.yaml", "line 4: found character that cannot start any token")
	mustFail(t, files{"a/kustomization.yaml": "resources: [b/x.yaml]\n", "a/b/x.yaml": tab}, &buildRequest{Path: "a"}, "BuildFailed", "b/x.yaml", "line 4")
	mustFail(t, files{"a/kustomization.yaml": "resources:\n\t- x\n"}, &buildRequest{Path: "a"}, "BuildFailed", "a/kustomization.yaml", "line 2")
	mustFail(t, files{"a/one.yaml": service, "a/two.yaml": service}, &buildRequest{Path: "a"}, "BuildFailed",
		"two.yaml", "already registered id: Service.v1.[noGrp]/web.[noNs]")
	mustFail(t, example, &buildRequest{Path: "./gone/deep"}, "ArtifactFailed",
		"kustomization path not found: stat gone/deep: no such file or directory")
}

func TestPathStopsAtTheRoot(t *testing.T) {
	if n := len(mustBuild(t, example, &buildRequest{Path: "../../over"}).Objects); n != 3 {
		t.Errorf("%d objects", n)
	}
}

func TestWarnings(t *testing.T) {
	answer := mustBuild(t, example.with(files{"old/kustomization.yaml": "bases: [../base]\ncommonLabels: {a: b}\n"}), &buildRequest{Path: "old"})
	if len(answer.Warnings) != 2 || !strings.HasPrefix(answer.Warnings[0], "old/kustomization.yaml: 'bases' is deprecated") {
		t.Errorf("got %q", answer.Warnings)
	}
}

func TestIntegersThatJavaScriptCanNotHold(t *testing.T) {
	const big = "apiVersion: x.y/v1\nkind: Big\nmetadata: {name: one, namespace: a}\nspec: {list: [{n: 9007199254740993, ok: 9007199254740991, f: 1.5e300}]}\n"
	answer := mustBuild(t, files{"a/x.yaml": big}, &buildRequest{Path: "a"})
	want := []string{"Big/a/one: 9007199254740993 in .spec.list[0].n is beyond 2^53 and may lose digits: write it as a string if the field allows it"}
	if !slices.Equal(answer.Warnings, want) {
		t.Errorf("got %q", answer.Warnings)
	}
}

func TestEncryptedSecretsAreRefused(t *testing.T) {
	const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: one, namespace: a}\nstringData: {a: 'ENC[AES256_GCM,data:eA==]'}\nsops: {mac: x}\n"
	mustFail(t, files{"a/x.yaml": secret}, &buildRequest{Path: "a"}, "ReconciliationFailed",
		"Secret/a/one is SOPS encrypted, configuring decryption is required for this secret to be reconciled")
	disabled := strings.Replace(secret, "namespace: a", "annotations: {kustomize.toolkit.fluxcd.io/decrypt: disabled}", 1)
	mustBuild(t, files{"a/x.yaml": disabled}, &buildRequest{Path: "a"})
}

func TestBuildsDoNotTouchTheArtifact(t *testing.T) {
	tree := example.tree(t)
	before := map[string]string{}
	for name, f := range tree.files {
		before[name] = string(f.data)
	}
	request := &buildRequest{Path: "over", Kustomization: customization{TargetNamespace: "one"}, Substitute: &substitution{Always: true}}
	for range 2 {
		if _, err := render(newView(tree), newInspector(), request, nil); err != nil {
			t.Fatal(err)
		}
	}
	for name, f := range tree.files {
		if before[name] != string(f.data) {
			t.Errorf("%s has changed", name)
		}
	}
	plain := mustBuild(t, example, &buildRequest{Path: "over"})
	if _, set := plain.Objects[0]["metadata"].(map[string]any)["namespace"]; set {
		t.Error("one build's namespace shows in another")
	}
}

func TestOpenAPIOfOneBuildIsNotSeenByTheNext(t *testing.T) {
	const schema = `{"definitions":{"x.v1.Deployment":{"type":"object","properties":{"spec":{"type":"object"}},
		"x-kubernetes-group-version-kind":[{"group":"apps","version":"v1","kind":"Deployment"}]}}}`
	polluted := example.with(files{
		"p/kustomization.yaml": "resources: [../base]\nopenapi: {path: schema.json}\npatches: [{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: {containers: [{name: web, tty: true}]}}}}'}]\n",
		"p/schema.json":        schema,
	})
	merge := &buildRequest{Path: "base", Kustomization: customization{Patches: []patch{{
		Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, tty: true}]}}}\n",
	}}}}
	builtin := openapi.GetSchemaVersion()
	before := mustBuild(t, polluted, merge)
	if answer := mustBuild(t, polluted, &buildRequest{Path: "p"}); answer.Digest == before.Digest {
		t.Fatal("the schema makes no difference, so this test shows nothing")
	}
	if openapi.GetSchemaVersion() != builtin {
		t.Error("the schema was not restored")
	}
	if after := mustBuild(t, polluted, merge); after.Digest != before.Digest {
		t.Error("one build's schema shows in another")
	}
}

// Builds run at the same time, even those that change Kustomize's global state. With
// -race this shows that the others only read that state.
func TestBuildsAtTheSameTime(t *testing.T) {
	f := example.with(files{
		"own/kustomization.yaml": "resources: [../base]\nopenapi: {path: schema.json}\n",
		"own/schema.json":        `{"definitions":{}}`,
		"top/kustomization.yaml": "resources: [../own]\nnamePrefix: t-\n",
		"all/patch.yaml":         "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort}\n",
		"all/kustomization.yaml": "resources: [../over]\nnamePrefix: a-\nnamespace: n\ncomponents: [../part]\npatches: [{path: patch.yaml, target: {kind: Service}}]\n",
	})
	e := &engine{artifacts: newArtifacts(defaultLimits)}
	e.artifacts.keep("d", f.tree(t))
	digest := func(path string) string {
		answer, err := e.build(&buildRequest{Digest: "d", Path: path}, nil)
		if err != nil || answer.Failed != nil {
			t.Errorf("%s: %v %+v", path, err, answer.Failed)
			return ""
		}
		return answer.Digest
	}
	paths := []string{"base", "over", "own", "top", "all", "over", "base", "all"}
	want := map[string]string{}
	for _, path := range paths {
		want[path] = digest(path)
	}
	var running sync.WaitGroup
	for range 2 {
		for _, path := range paths {
			running.Go(func() {
				if got := digest(path); got != want[path] {
					t.Errorf("%s differs", path)
				}
			})
		}
	}
	running.Wait()
}

func TestTrace(t *testing.T) {
	answer := mustBuild(t, example.with(files{"apps/one.yaml": service, "apps/sub/two.yaml": config, "apps/notes.txt": "x"}), &buildRequest{
		Path:          "apps",
		Kustomization: customization{Components: []string{"../part", "../gone"}, IgnoreMissingComponents: true},
	})
	names := func(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
	if got, want := names(answer.Trace.Files), []string{"apps/one.yaml", "apps/sub/two.yaml", "part/kustomization.yaml"}; !slices.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
	if got, want := names(answer.Trace.Dirs), []string{"apps", "apps/sub"}; !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	for name, want := range map[string]kind{
		"apps/kustomization.yaml":     kindNone, // ours: what counts is that the artifact has none
		"apps/sub/kustomization.yaml": kindNone,
		"part":                        kindDir,
		"gone":                        kindNone,
		"part/kustomization.yml":      kindNone,
	} {
		if got := answer.Trace.Kinds[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestTraceOfAFailure(t *testing.T) {
	answer := buildOf(t, example, &buildRequest{Path: "gone"})
	if answer.Failed == nil || answer.Trace.Kinds["gone"] != kindNone {
		t.Errorf("got %+v", answer.Trace)
	}
}
