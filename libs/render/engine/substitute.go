package main

import (
	"context"

	"github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resource"
)

// substitution is a spec.postBuild whose variables were already collected: those of
// ConfigMaps and Secrets, of which later ones overwrite earlier ones, and then the inline
// ones.
type substitution struct {
	Vars   map[string]string `json:"vars"`
	Strict bool              `json:"strict"`
	// Always is a strategy of spec.postBuild: it substitutes even if there are no
	// variables.
	Always bool `json:"always"`
}

// substitute replaces the variables in a resource, and reports whether there was anything
// to replace.
func substitute(res *resource.Resource, s *substitution) (bool, error) {
	replaced, err := kustomize.SubstituteVariables(context.Background(), nil, postBuild(s), res,
		kustomize.SubstituteWithDryRun(true),
		kustomize.SubstituteWithStrict(s.Strict),
		kustomize.SubstituteWithAlways(s.Always))
	return replaced != nil, err
}

// postBuild returns the part of a Kustomization that SubstituteVariables reads.
func postBuild(s *substitution) unstructured.Unstructured {
	vars := make(map[string]any, len(s.Vars))
	for name, value := range s.Vars {
		vars[name] = value
	}
	return unstructured.Unstructured{Object: map[string]any{
		"spec": map[string]any{"postBuild": map[string]any{"substitute": vars}},
	}}
}
