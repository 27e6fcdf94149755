package main

import (
	"errors"
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
	refusals []refusal
	seen     map[string]bool
	// files are all that were read, in their order.
	files []readFile
	// ownSchema is set once a file with `openapi` was seen. Such a file is refused
	// unless mayOwnSchema.
	ownSchema    bool
	mayOwnSchema bool
}

// refusal is something that can't work. When Kustomize's error has one of the words of
// evidence in it, this is what it failed on.
type refusal struct {
	message  string
	evidence []string
}

func newInspector() *inspector {
	return &inspector{seen: map[string]bool{}}
}

// read looks at one file. Of a kustomization file it gathers what there is to say;
// for one that doesn't parse, Kustomize has the message.
func (i *inspector) read(name string, data []byte) error {
	if i.ownSchema && !i.mayOwnSchema {
		return errOwnSchema
	}
	i.files = append(i.files, readFile{name, data})
	if i.seen[name] || !slices.Contains(konfig.RecognizedKustomizationFileNames(), path.Base(name)) {
		return nil
	}
	i.seen[name] = true
	var k kustypes.Kustomization
	if err := yaml.Unmarshal(data, &k); err != nil {
		return nil
	}
	i.ownSchema = i.ownSchema || len(k.OpenAPI) > 0
	if i.ownSchema && !i.mayOwnSchema {
		return errOwnSchema
	}
	for _, warning := range *k.CheckDeprecatedFields() {
		warning = strings.TrimPrefix(warning, "# Warning: ")
		i.warnings = append(i.warnings, fmt.Sprintf("%s: %s", name, warning))
	}
	for _, ref := range references(&k) {
		if isRemote(ref) {
			message := fmt.Sprintf("remote resource '%s' in %s is not allowed: add it to the source", ref, name)
			i.refusals = append(i.refusals, refusal{message, []string{ref, noRemote, "no 'git' program on path"}})
		}
	}
	if len(k.HelmCharts) > 0 || len(k.HelmChartInflationGenerator) > 0 {
		message := fmt.Sprintf("helm charts in %s are not allowed: use a HelmRelease", name)
		i.refusals = append(i.refusals, refusal{message, []string{"--enable-helm"}})
	}
	return nil
}

// explain replaces Kustomize's error by what it comes from, where the kustomization
// files tell: Kustomize speaks of command line flags and of programs on PATH.
func (i *inspector) explain(err error) error {
	text := err.Error()
	for _, r := range i.refusals {
		if slices.ContainsFunc(r.evidence, func(words string) bool { return strings.Contains(text, words) }) {
			return errors.New(r.message)
		}
	}
	if strings.Contains(text, "--enable-helm") {
		return fmt.Errorf("helm charts are not allowed: use a HelmRelease: %w", err)
	}
	return i.locate(err)
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
