package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	release "helm.sh/helm/v4/pkg/release/v1"
)

// recordedRelease is a chart and the result that was recorded with helm-controller 1.6.4
// and Helm 4.2.4: with their own post-renderers, storage and digests, and Helm's actions
// with a client that does nothing.
type recordedRelease struct {
	Name string `json:"name"`
	// Files are those of the chart.
	Files   files           `json:"files"`
	Values  json.RawMessage `json:"values"`
	Release string          `json:"release"`
	Upgrade bool            `json:"upgrade"`
	// Spec has the fields of the HelmRelease that matter here.
	Spec struct {
		PostRenderStrategy string            `json:"postRenderStrategy"`
		CommonMetadata     *renderedMetadata `json:"commonMetadata"`
		PostRenderers      []struct {
			Kustomize kustomizeRenderer `json:"kustomize"`
		} `json:"postRenderers"`
		Upgrade struct {
			DisableSchemaValidation bool `json:"disableSchemaValidation"`
		} `json:"upgrade"`
	} `json:"spec"`
	Got struct {
		Error    string          `json:"error"`
		Manifest string          `json:"manifest"`
		Notes    string          `json:"notes"`
		Hooks    []*release.Hook `json:"hooks"`
		// Config is the digest of the values, Digest that of the snapshot.
		Config string `json:"config"`
		Digest string `json:"digest"`
		// Payload is what was stored; only some cases have it.
		Payload string `json:"payload"`
	} `json:"got"`
}

// request returns the request that renders it here.
func (r *recordedRelease) request(t testing.TB) *helmRenderRequest {
	t.Helper()
	values := map[string]any{}
	if len(r.Values) > 0 && string(r.Values) != "null" {
		if err := json.Unmarshal(r.Values, &values); err != nil {
			t.Fatal(err)
		}
	}
	text, err := exactJSON(values)
	if err != nil {
		t.Fatal(err)
	}
	request := &helmRenderRequest{
		Chart:  r.Files.below("x").chartFile(t),
		Values: string(text),
		PostRender: postRender{
			Strategy:       r.Spec.PostRenderStrategy,
			CommonMetadata: r.Spec.CommonMetadata,
			Origin:         &objectName{"hr", "flux"},
		},
	}
	for _, renderer := range r.Spec.PostRenderers {
		request.PostRender.Renderers = append(request.PostRender.Renderers, renderer.Kustomize)
	}
	request.Release = releaseRequest{"web", "ns", 1, !r.Upgrade}
	if r.Release != "" {
		request.Release.Name = r.Release
	}
	first, last, status, description := "2026-11-24T12:00:00.123456789Z", "2026-11-24T12:00:00.123456789Z", "deployed", "Install complete"
	if r.Upgrade {
		first, description, request.Release.Revision = "2026-11-24T11:00:00.123456789Z", "Upgrade complete", 2
	}
	request.Info = &infoRequest{FirstDeployed: &first, LastDeployed: &last, Status: &status, Description: &description}
	request.Options.SkipSchemaValidation = r.Upgrade && r.Spec.Upgrade.DisableSchemaValidation
	request.Options.ApplyMethod = "ssa"
	request.Capabilities.KubeVersion.Version, request.Capabilities.KubeVersion.Major, request.Capabilities.KubeVersion.Minor = "v1.36.0", "1", "36"
	request.Capabilities.APIVersions = []string{"v1", "apps/v1", "apps/v1/Deployment"}
	return request
}

// chartFile packs files as a chart.
func (f files) chartFile(t testing.TB) chartFileRequest {
	t.Helper()
	name := f.packed(t)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return chartFileRequest{Digest: "sha256:" + hex.EncodeToString(sum[:]), File: name}
}

func recordedReleases(t testing.TB) []recordedRelease {
	t.Helper()
	var all []recordedRelease
	names, err := filepath.Glob("testdata/helm/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("there are no recorded releases", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var some []recordedRelease
		if err := json.Unmarshal(data, &some); err != nil {
			t.Fatal(name, err)
		}
		all = append(all, some...)
	}
	return all
}

// differentHere has errors that differ from the recorded ones on purpose: Helm would read
// a file of the controller, and the client of the recording accepts any object.
var differentHere = map[string]string{
	"schema file":   "the schema refers to file:///etc/hostname, which isn't in the chart",
	"no apiVersion": "unable to build kubernetes objects from release manifest: Object 'apiVersion' is missing in an object of kind ConfigMap",
}

func noAnswers(op string, _ any) (json.RawMessage, error) { return nil, nil }

func TestRendersAsHelmController(t *testing.T) {
	e := newEngine()
	for _, r := range recordedReleases(t) {
		t.Run(r.Name, func(t *testing.T) {
			got, err := e.helmRender(r.request(t), noAnswers)
			if want := r.Got.Error; want != "" || err != nil {
				checkError(t, r.Name, want, err)
				return
			}
			if got.Manifest != r.Got.Manifest {
				t.Errorf("manifest is\n%s\nwant\n%s", got.Manifest, r.Got.Manifest)
			}
			if *got.Info.Notes != r.Got.Notes || got.ConfigDigest != r.Got.Config {
				t.Errorf("notes %q, want %q; digest %s, want %s", *got.Info.Notes, r.Got.Notes, got.ConfigDigest, r.Got.Config)
			}
			if got.Stored.Digest != r.Got.Digest {
				t.Errorf("digest of the snapshot is %s, want %s", got.Stored.Digest, r.Got.Digest)
			}
			if r.Got.Payload != "" {
				checkPayload(t, got.Stored.Payload, r.Got.Payload)
			}
		})
	}
}

func checkError(t *testing.T, name, want string, err error) {
	t.Helper()
	if different := differentHere[name]; different != "" {
		want = different
		if err != nil && strings.Contains(err.Error(), want) {
			return
		}
	}
	if err == nil || sortedLines(err.Error()) != sortedLines(want) {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}

// sortedLines sorts a message's lines: Helm lists several problems in random order.
func sortedLines(message string) string {
	lines := strings.Split(message, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// checkPayload compares the contents of two payloads, and checks that one of them is
// encoded again to the same bytes.
func checkPayload(t *testing.T, got, want string) {
	t.Helper()
	again, err := newEngine().helmUpdate(&updateRequest{Payload: want})
	if err != nil || again.Payload != want {
		t.Error("the recorded payload isn't encoded to the same bytes", err)
	}
	if got != want {
		a, _ := decodeRelease(got)
		b, _ := decodeRelease(want)
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		t.Errorf("what is stored is\n%s\nwant\n%s", x, y)
	}
}
