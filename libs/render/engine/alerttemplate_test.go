package main

import (
	"strings"
	"testing"
)

func alertTextOf(text string) (string, error) {
	answer, err := makeAlertTexts(&alertTemplateRequest{
		Templates: []namedTemplate{{"body", text}},
		Data: alertValues{
			Event: alertEvent{
				Kind: "Kustomization", Namespace: "apps", Name: "web", Severity: "error",
				Reason: "BuildFailed", Message: "no such file", Metadata: map[string]string{"env": "prod"},
			},
			Object: alertObject{Labels: map[string]string{"team": "shop"}},
			Commit: alertCommit{SHA: "c0ffee", Subject: "Fix it", Author: "Ada"},
			Group:  alertGroup{State: "failing", Count: 3, Names: []string{"apps/web", "apps/db"}},
		},
	})
	if err != nil {
		return "", err
	}
	return answer.Texts[0], nil
}

func TestAlertTemplatesSeeTheEvent(t *testing.T) {
	for text, want := range map[string]string{
		"{{ .Event.Kind }}/{{ .Event.Name }} {{ .Event.Severity | upper }}":                               "Kustomization/web ERROR",
		"{{ .Object.Labels.team }}|{{ .Object.Labels.nope }}|{{ .Object.Annotations.x }}":                 "shop||",
		"{{ .Commit.SHA | trunc 4 }} {{ .Commit.Subject }} by {{ .Commit.Author }}":                       "c0ff Fix it by Ada",
		"{{ if eq .Group.State \"failing\" }}{{ .Group.Count }}: {{ join \", \" .Group.Names }}{{ end }}": "3: apps/web, apps/db",
		"{{ index .Event.Metadata \"env\" }}{{ .Event.Metadata.nope }}":                                   "prod",
	} {
		got, err := alertTextOf(text)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestAlertTemplatesAreBounded(t *testing.T) {
	for text, want := range map[string]string{
		"{{ .Nope }}":                       "can't evaluate field Nope",
		"{{ env \"HOME\" }}":                "function \"env\" not defined",
		"{{ end }}":                         "unexpected {{end}}",
		"{{ range until 300000 }}{{ end }}": "takes more than 200000 steps",
		"{{ range until 60000 }}{{ range until 60000 }}x{{ end }}{{ end }}":   "takes more than 200000 steps",
		"{{ range until 199000 }}aaaaaaaaaaaaaaaaaaaa{{ end }}":               "longer than 262144 bytes",
		"{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}": "",
		strings.Repeat("x", maxTemplateBytes+1):                               "65536 at most",
	} {
		_, err := alertTextOf(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v; want %q", text, err, want)
		}
	}
	if _, err := makeAlertTexts(&alertTemplateRequest{Templates: make([]namedTemplate, 3)}); err == nil {
		t.Error("three templates were taken")
	}
}
