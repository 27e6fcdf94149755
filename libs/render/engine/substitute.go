package main

import (
	"context"
	"fmt"

	"github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resmap"
)

// substitution is a spec.postBuild with its variables already gathered: from
// ConfigMaps and Secrets, the later over the earlier, inline ones over all.
type substitution struct {
	Vars   map[string]string `json:"vars"`
	Strict bool              `json:"strict"`
	// Always is spec.postBuild's strategy: substitute even without variables.
	Always bool `json:"always"`
}

// substituteAll checks that each resource is a Kubernetes object and, with a
// substitution, replaces the variables in it, in Flux's order and words.
func substituteAll(resources resmap.ResMap, s *substitution) error {
	for _, res := range resources.Resources() {
		if res.GetName() == "" || res.GetKind() == "" || res.GetApiVersion() == "" {
			return fmt.Errorf("failed to decode Kubernetes apiVersion, kind and name from: %v", res.String())
		}
		if s == nil {
			continue
		}
		replaced, err := kustomize.SubstituteVariables(context.Background(), nil, postBuild(s), res,
			kustomize.SubstituteWithDryRun(true),
			kustomize.SubstituteWithStrict(s.Strict),
			kustomize.SubstituteWithAlways(s.Always))
		if err != nil {
			return fmt.Errorf("post build failed for '%s/%s': %w", res.GetGvk(), res.GetName(), err)
		}
		if replaced == nil {
			continue
		}
		if _, err := resources.Replace(res); err != nil {
			return err
		}
	}
	return nil
}

// postBuild is the part of a Kustomization that SubstituteVariables reads.
func postBuild(s *substitution) unstructured.Unstructured {
	vars := make(map[string]any, len(s.Vars))
	for name, value := range s.Vars {
		vars[name] = value
	}
	return unstructured.Unstructured{Object: map[string]any{
		"spec": map[string]any{"postBuild": map[string]any{"substitute": vars}},
	}}
}
