package main

import (
	"strings"
	"testing"
)

// A file that isn't YAML is named first in the message, wherever the build found it.
func TestMalformedFilesComeFirst(t *testing.T) {
	const tab = "found a tab, YAML is indented with spaces: accumulating "
	base := files{
		"app/kustomization.yaml":       "resources: [../apps]\n",
		"apps/kustomization.yaml":      "resources: [base]\n",
		"apps/base/kustomization.yaml": "resources: [ok.yaml, bad.yaml]\n",
		"apps/base/ok.yaml":            service,
	}
	for name, c := range map[string]struct {
		files  files
		prefix string
	}{
		"a tab":                 {files{"apps/base/bad.yaml": deployment + "\ttab: here\n"}, "apps/base/bad.yaml:18: " + tab},
		"in a second document":  {files{"apps/base/bad.yaml": service + "--- # next\n" + service + "\tx: y\n"}, "apps/base/bad.yaml:18: " + tab},
		"with Windows' lines":   {files{"apps/base/bad.yaml": "a: b\r\n---\r\nc: d\r\n\te: f\r\n"}, "apps/base/bad.yaml:4: " + tab},
		"something else":        {files{"apps/base/bad.yaml": "a: [1\nb: 2\n"}, "apps/base/bad.yaml:1: did not find expected ',' or ']': accumulating "},
		"no tab":                {files{"apps/base/bad.yaml": "a: b\n  c: @d\n"}, "apps/base/bad.yaml:2: mapping values are not allowed in this context: "},
		"in a kustomization":    {files{"apps/base/kustomization.yaml": "resources:\n\t- x\n"}, "apps/base/kustomization.yaml:2: " + tab},
		"in a component":        {files{"app/kustomization.yaml": "components: [../part]\n", "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [x.yaml]\n", "part/x.yaml": "a:\n\tb: c\n"}, "part/x.yaml:2: " + tab},
		"the same name beneath": {files{"bad.yaml": "a:\n\tb: c\n", "apps/base/bad.yaml": "\n\na:\n\tb: c\n"}, "apps/base/bad.yaml:4: " + tab},
	} {
		t.Run(name, func(t *testing.T) {
			failed := buildOf(t, base.with(c.files), &buildRequest{Path: "app"}).Failed
			if failed == nil || failed.Reason != reasonBuild || !strings.HasPrefix(failed.Message, "kustomize build failed: "+c.prefix) {
				t.Errorf("got  %+v\nwant %s", failed, c.prefix)
			}
		})
	}
}

// Other errors are left as Kustomize words them.
func TestOtherErrorsKeepTheirOrder(t *testing.T) {
	missing := files{"app/kustomization.yaml": "resources: [../base]\n", "base/kustomization.yaml": "resources: [gone.yaml]\n"}
	mustFail(t, missing, &buildRequest{Path: "app"}, reasonBuild, "kustomize build failed: accumulating resources: ")
}
