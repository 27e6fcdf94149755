package main

import (
	"encoding/json"
	"fmt"
	"sync"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
)

type mergeRequest struct {
	Objects []mergeItem `json:"objects"`
	// ThreeWayForOthers compares kinds that aren't built in with the live object as well.
	ThreeWayForOthers bool `json:"threeWayForOthers"`
}

// mergeItem is an object as it was last released, as it should be, and as it is now.
type mergeItem struct {
	Original json.RawMessage `json:"original"`
	Modified json.RawMessage `json:"modified"`
	Live     json.RawMessage `json:"live"`
}

type mergePatch struct {
	Type  string `json:"type"`
	Patch string `json:"patch"`
}

type mergeAnswer struct {
	Patches []mergePatch `json:"patches"`
}

const (
	strategicMerge = "application/strategic-merge-patch+json"
	jsonMerge      = "application/merge-patch+json"
)

// helmMerge computes the patches of Helm's client-side apply.
func helmMerge(r *mergeRequest) (*mergeAnswer, error) {
	answer := &mergeAnswer{Patches: []mergePatch{}}
	for _, item := range r.Objects {
		patch, err := item.patch(r.ThreeWayForOthers)
		if err != nil {
			return nil, fail(reasonMergeFailed, fmt.Errorf("failed to create patch: %w", err))
		}
		answer.Patches = append(answer.Patches, *patch)
	}
	return answer, nil
}

func (m *mergeItem) patch(threeWay bool) (*mergePatch, error) {
	if len(m.Original) == 0 || string(m.Original) == "null" {
		m.Original = json.RawMessage("{}")
	}
	modified := &unstructured.Unstructured{}
	if err := modified.UnmarshalJSON(m.Modified); err != nil {
		return nil, err
	}
	// An object that doesn't fit its type is merged like one of a kind that isn't built
	// in.
	typed, err := builtIn().ConvertToVersion(modified, modified.GroupVersionKind().GroupVersion())
	if err != nil {
		return m.jsonPatch(threeWay)
	}
	switch typed.(type) {
	case runtime.Unstructured, *apiextensionsv1beta1.CustomResourceDefinition:
		return m.jsonPatch(threeWay)
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return nil, fmt.Errorf("unable to create patch metadata from object: %w", err)
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(m.Original, m.Modified, m.Live, meta, true)
	return &mergePatch{strategicMerge, string(patch)}, err
}

// builtIn has the kinds whose lists have their own strategies for merging.
var builtIn = sync.OnceValue(func() *runtime.Scheme {
	kinds := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensionsv1.AddToScheme, apiextensionsv1beta1.AddToScheme} {
		if err := add(kinds); err != nil {
			panic(err)
		}
	}
	return kinds
})

func (m *mergeItem) jsonPatch(threeWay bool) (*mergePatch, error) {
	if !threeWay {
		patch, err := jsonpatch.CreateMergePatch(m.Original, m.Modified)
		return &mergePatch{jsonMerge, string(patch)}, err
	}
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(m.Original, m.Modified, m.Live,
		mergepatch.RequireKeyUnchanged("apiVersion"),
		mergepatch.RequireKeyUnchanged("kind"),
		mergepatch.RequireMetadataKeyUnchanged("name"))
	if err != nil && mergepatch.IsPreconditionFailed(err) {
		err = fmt.Errorf("%w: at least one field was changed: apiVersion, kind or name", err)
	}
	return &mergePatch{jsonMerge, string(patch)}, err
}
