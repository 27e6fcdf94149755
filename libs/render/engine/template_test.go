package main

import (
	"strings"
	"testing"
)

func changesForTest() []changedFile {
	web := changedValueHome{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	cfg := changedValueHome{APIVersion: "v1", Kind: "ConfigMap", Name: "cfg", Namespace: "prod"}
	return []changedFile{
		{"b.yaml", []changedValue{{"ns:app:tag", "1", "2", cfg}, {"ns:app", "a:1", "a:2", web}}},
		{"a.yaml", []changedValue{{"ns:app", "a:1", "a:2", web}}},
	}
}

func textOf(text string, images *[]changedImage) (string, error) {
	answer, err := makeTexts(&templateRequest{
		Templates:  []namedTemplate{{"commit message", text}},
		Automation: automationName{"ns", "auto"},
		Values:     map[string]string{"cluster": "one"},
		Files:      changesForTest(),
		Images:     images,
	})
	if err != nil {
		return "", err
	}
	return answer.Texts[0], nil
}

func TestTemplatesSeeTheChangesInOneOrder(t *testing.T) {
	for text, want := range map[string]string{
		"{{ .AutomationObject }} {{ .AutomationObject.Name }}":                                "ns/auto auto",
		"{{ range $f, $o := .Changed.FileChanges }}{{ $f }} {{ end }}":                        "a.yaml b.yaml ",
		"{{ range $o, $c := .Changed.Objects }}{{ $o.Kind }} {{ len $c }} {{ end }}":          "Deployment 2 ConfigMap 1 ",
		"{{ range .Changed.Changes }}{{ .OldValue }}>{{ .NewValue }} {{ .Setter }}|{{ end }}": "a:1>a:2 ns:app|1>2 ns:app:tag|",
		"{{ .Values.cluster }} {{ .Values.nope }} {{ index .Values \"cluster\" }}":            "one <no value> one",
		"{{ \"ab\" | upper | trunc 1 }}{{ define \"x\" }}y{{ end }}{{ template \"x\" }}":      "Ay",
		"":          "",
		" edges \n": " edges \n",
	} {
		got, err := textOf(text, nil)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
	images := []changedImage{{"a", "1", "2", "app", "sha256:0"}}
	got, err := textOf("{{ range .Images }}{{ .Image }} {{ .Old }} {{ .New }} {{ .Policy }} {{ .Digest }}{{ end }} {{ .AutomationObject.Name }}", &images)
	if err != nil || got != "a 1 2 app sha256:0 auto" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTemplatesFailInTheWordsOfFlux(t *testing.T) {
	for text, want := range map[string]string{
		"{{ range .Images }}{{ . }}{{ end }}": "TemplateFailed: failed to run template from spec: template: commit message:1:9: executing \"commit message\" at <.Images>: can't evaluate field Images in type source.TemplateData",
		"{{ .Updated }}":                      "RemovedTemplateField: template uses removed '.Updated' field. Please use '.Changed' instead. See: https://fluxcd.io/flux/components/image/imageupdateautomations/#message-template",
		"{{ .Changed.ImageResult }}":          "RemovedTemplateField: template uses removed '.Changed.ImageResult' field. Please use '.Changed.FileChanges' or '.Changed.Objects' instead. See: https://fluxcd.io/flux/components/image/imageupdateautomations/#message-template",
		"{{ nope }}":                          "TemplateFailed: unable to create commit message template from spec: template: commit message:1: function \"nope\" not defined",
		"{{ env \"HOME\" }}":                  "TemplateFailed: unable to create commit message template from spec: template: commit message:1: function \"env\" not defined",
	} {
		_, err := textOf(text, nil)
		wire := toWire(err)
		if got := wire.Reason + ": " + wire.Message; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestTemplatesAreBounded(t *testing.T) {
	for text, want := range map[string]string{
		"{{ range until 1000 }}{{ range until 1000 }}{{ end }}{{ end }}":      "more than 200000 steps",
		"{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}": "exceeded maximum template depth",
		"{{ range until 1000 }}{{ repeat 1000 \"x\" }}{{ end }}":              "longer than 262144 bytes",
		strings.Repeat("x", 70_000):                                           "65536 at most",
	} {
		if _, err := textOf(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
}
