package main

import (
	"io"

	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
)

// objects decodes manifests and prepares them as Flux does before it applies
// them: owner labels first, then normalized, then the common metadata over all.
// Normalizing fills in what decoding into the built-in types does, which shows in
// an object's managedFields, so a cluster sees the same apply from both.
func objects(manifests io.Reader, owner map[string]string, common *commonMetadata) ([]map[string]any, error) {
	list, err := utils.ReadObjects(manifests)
	if err != nil {
		return nil, fail(reasonBuild, err)
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
