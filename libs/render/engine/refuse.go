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

// inspector reads every kustomization file that a build reads. It collects what Kustomize
// would print as warnings, and what can never work here, so that a failed build can
// report that cause and not its consequence.
type inspector struct {
	warnings []string
	refusals []refusal
	seen     map[string]bool
	// files has all files that were read, in their order.
	files []readFile
	// ownSchema is set when a file with `openapi` was read. Such a file is refused unless
	// mayOwnSchema is set.
	ownSchema    bool
	mayOwnSchema bool
}

// refusal is something that can't work. If Kustomize's error contains one of the words in
// evidence, this is its cause.
type refusal struct {
	message  string
	evidence []string
}

func newInspector() *inspector {
	return &inspector{seen: map[string]bool{}}
}

// read inspects one file. A kustomization file that doesn't parse is left to Kustomize,
// which has the message for it.
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

// explain replaces Kustomize's error by its cause if the kustomization files show it:
// Kustomize's message is about command line flags and programs in PATH.
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

// references returns all paths of a kustomization file that Kustomize would fetch if they
// were URLs.
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

// remotePrefixes are the prefixes by which Kustomize takes a path for a URL (its
// git.NewRepoSpecFromURL and loader.IsRemoteFile).
var remotePrefixes = []string{
	"git::", "gh:", "ssh://", "https://", "http://", "file://", "git@", "github.com:", "github.com/",
}

func isRemote(ref string) bool {
	lower := strings.ToLower(ref)
	return slices.ContainsFunc(remotePrefixes, func(prefix string) bool {
		return strings.HasPrefix(lower, prefix)
	})
}
