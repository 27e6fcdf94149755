package main

import (
	"fmt"
	"io"

	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// objects decodes manifests and prepares them as Flux does before it applies them: owner
// labels first, then normalizing, then the common metadata over all. Normalizing sets the
// defaults that decoding into the built-in types sets. They show in an object's
// managedFields, so both controllers have to apply the same.
func objects(manifests io.Reader, owner map[string]string, common *commonMetadata) ([]map[string]any, error) {
	list, err := utils.ReadObjects(manifests)
	if err != nil {
		return nil, fail(reasonBuild, err)
	}
	for _, object := range list {
		if isEncrypted(object) {
			return nil, fail(reasonReconcile, fmt.Errorf("%s is SOPS encrypted, configuring decryption is required for this secret to be reconciled",
				utils.FmtUnstructured(object)))
		}
	}
	utils.SetCommonMetadata(list, owner, nil)
	if err := normalize.UnstructuredList(list); err != nil {
		return nil, fail(reasonReconcile, err)
	}
	if common != nil {
		utils.SetCommonMetadata(list, common.Labels, common.Annotations)
	}
	out := make([]map[string]any, len(list))
	for i, object := range list {
		utils.RemoveCABundleFromCRD(object)
		out[i] = object.Object
	}
	return out, nil
}

// isEncrypted reports whether an object is a Secret that SOPS has encrypted and that
// isn't marked to be left alone. It must be called before normalizing, which drops the
// `sops` field of a Secret with stringData; Flux checks later and applies the ciphertext.
func isEncrypted(object *unstructured.Unstructured) bool {
	_, encrypted := object.Object["sops"]
	return encrypted && utils.IsSecret(object) && !isLeftAlone(object.GetAnnotations())
}

// maxExact is the largest integer up to which all integers are exact in JavaScript's
// numbers.
const maxExact = 1<<53 - 1

// inexact names the integers that would reach the cluster with another value, because
// they pass through JavaScript. Those of a CRD are left out: they are bounds in a schema,
// which Kubernetes itself keeps as floating point numbers.
func inexact(list []map[string]any) (warnings []string) {
	for _, object := range list {
		u := &unstructured.Unstructured{Object: object}
		if utils.IsCRD(u) {
			continue
		}
		visitIntegers(object, "", func(path string, n int64) {
			if n > maxExact || n < -maxExact {
				warnings = append(warnings, fmt.Sprintf("%s: %d in %s is beyond 2^53 and may lose digits: write it as a string if the field allows it",
					utils.FmtUnstructured(u), n, path))
			}
		})
	}
	return warnings
}

func visitIntegers(value any, path string, visit func(path string, n int64)) {
	switch v := value.(type) {
	case map[string]any:
		for name, child := range v {
			visitIntegers(child, path+"."+name, visit)
		}
	case []any:
		for i, child := range v {
			visitIntegers(child, fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case int64:
		visit(path, v)
	}
}
