package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// inspector reads every kustomization file that a build reads. It gathers what
// Kustomize would print as warnings, and what can never work here, so that a
// failed build can say that instead of what it led to.
type inspector struct {
	warnings []string
	refusals []string
	seen     map[string]bool
}

func newInspector() *inspector {
	return &inspector{seen: map[string]bool{}}
}

// read looks at one file; anything but a kustomization file is passed over, and
// one that doesn't parse is left to Kustomize to complain about.
func (i *inspector) read(name string, data []byte) {
	if i.seen[name] || !slices.Contains(konfig.RecognizedKustomizationFileNames(), path.Base(name)) {
		return
	}
	i.seen[name] = true
	var k kustypes.Kustomization
	if err := yaml.Unmarshal(data, &k); err != nil {
		return
	}
	for _, warning := range *k.CheckDeprecatedFields() {
		warning = strings.TrimPrefix(warning, "# Warning: ")
		i.warnings = append(i.warnings, fmt.Sprintf("%s: %s", name, warning))
	}
	for _, ref := range references(&k) {
		if isRemote(ref) {
			i.refuse("remote resource '%s' in %s is not allowed: add it to the source", ref, name)
		}
	}
	if len(k.HelmCharts) > 0 || len(k.HelmChartInflationGenerator) > 0 || k.HelmGlobals != nil {
		i.refuse("helm charts in %s are not allowed: use a HelmRelease", name)
	}
}

func (i *inspector) refuse(format string, args ...any) {
	i.refusals = append(i.refusals, fmt.Sprintf(format, args...))
}

// references are all the paths of a kustomization file that Kustomize would
// fetch if they were URLs.
func references(k *kustypes.Kustomization) []string {
	refs := slices.Concat(k.Resources, k.Bases, k.Components, k.Crds, k.Configurations,
		k.Generators, k.Transformers, k.Validators)
	for _, p := range slices.Concat(k.Patches, k.PatchesJson6902) {
		refs = append(refs, p.Path)
	}
	for _, p := range k.PatchesStrategicMerge {
		refs = append(refs, string(p))
	}
	for _, r := range k.Replacements {
		refs = append(refs, r.Path)
	}
	return append(refs, k.OpenAPI["path"])
}

// remotePrefixes are those by which Kustomize takes a path for a URL
// (its git.NewRepoSpecFromURL and loader.IsRemoteFile).
var remotePrefixes = []string{
	"git::", "gh:", "ssh://", "https://", "http://", "file://", "git@", "github.com:", "github.com/",
}

func isRemote(ref string) bool {
	lower := strings.ToLower(ref)
	return slices.ContainsFunc(remotePrefixes, func(prefix string) bool {
		return strings.HasPrefix(lower, prefix)
	})
}
