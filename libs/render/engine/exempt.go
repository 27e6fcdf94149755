package main

import (
	"fmt"

	"github.com/fluxcd/pkg/ssa/jsondiff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type exemptRequest struct {
	Rules []exemptRule `json:"rules"`
	// Objects need only what selectors use: apiVersion, kind, and in the metadata name,
	// namespace, labels and annotations.
	Objects []liveObject `json:"objects"`
}

// exemptRule is an item of spec.ignore.
type exemptRule struct {
	Paths  []string           `json:"paths"`
	Target *jsondiff.Selector `json:"target"`
}

// maxRules bounds spec.ignore, because each rule's selectors are tried on each object.
const maxRules = 1_000

type exemptAnswer struct {
	Paths [][]string `json:"paths"`
}

// exempt returns the paths (JSON pointers) of each object that its owner leaves to
// others. A rule without a target holds for all objects. Selectors are Flux's own:
// anchored regular expressions and label selectors.
func exempt(r *exemptRequest) (*exemptAnswer, error) {
	if len(r.Rules) > maxRules || len(r.Objects) > maxObjects {
		return nil, fail(reasonInvalid, fmt.Errorf("%d ignore rules for %d objects are too many: %d for %d at most", len(r.Rules), len(r.Objects), maxRules, maxObjects))
	}
	answer := &exemptAnswer{Paths: make([][]string, len(r.Objects))}
	for i := range answer.Paths {
		answer.Paths[i] = []string{}
	}
	for _, rule := range r.Rules {
		selector, err := jsondiff.NewSelectorRegex(rule.Target)
		if err != nil {
			return nil, fail(reasonReconcile, fmt.Errorf("failed to create ignore rule selector: %w", err))
		}
		for i, object := range r.Objects {
			if selector.MatchUnstructured(&unstructured.Unstructured{Object: object}) {
				answer.Paths[i] = append(answer.Paths[i], rule.Paths...)
			}
		}
	}
	return answer, nil
}
