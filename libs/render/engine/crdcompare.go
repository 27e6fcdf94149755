package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// compareCRDsRequest asks what would break if a CRD were replaced by another one.
type compareCRDsRequest struct {
	// Live is the CRD in the cluster, with its status.
	Live json.RawMessage `json:"live"`
	Next json.RawMessage `json:"next"`
	// Objects are some of the stored objects, each in any served version.
	Objects []json.RawMessage `json:"objects"`
}

type crdProblem struct {
	// What is one of the constants below.
	What string `json:"what"`
	// Blocks is false for a problem that deserves only a warning.
	Blocks  bool   `json:"blocks"`
	Version string `json:"version,omitempty"`
	// Object is namespace/name, or the name.
	Object  string `json:"object,omitempty"`
	Message string `json:"message"`
}

type compareCRDsAnswer struct {
	Problems []crdProblem `json:"problems"`
	// MoreObjects is the number of further objects with problems, which aren't named.
	MoreObjects int `json:"moreObjects"`
}

const (
	crdNotTheSame     = "NotTheSame"
	crdVersionGone    = "StoredVersionGone"
	crdNotServed      = "StoredVersionNotServed"
	crdBadSchema      = "SchemaInvalid"
	crdObjectInvalid  = "ObjectInvalid"
	crdFieldsLost     = "FieldsLost"
	maxCRDObjects     = 10_000
	maxObjectsNamed   = 10
	maxErrorsOfObject = 3
)

// compareCRDs lists what would break: identities that change, versions that may not be
// removed, and which of the given objects the new schemas would refuse.
func compareCRDs(r *compareCRDsRequest) (*compareCRDsAnswer, error) {
	var live, next apiextensionsv1.CustomResourceDefinition
	if err := json.Unmarshal(r.Live, &live); err != nil {
		return nil, fail(reasonInvalid, fmt.Errorf("the stored CRD can't be read: %w", err))
	}
	if err := json.Unmarshal(r.Next, &next); err != nil {
		return nil, fail(reasonInvalid, fmt.Errorf("the new CRD can't be read: %w", err))
	}
	if len(r.Objects) > maxCRDObjects {
		return nil, fail(reasonInvalid, fmt.Errorf("more than %d objects: ask for fewer at a time", maxCRDObjects))
	}
	answer := &compareCRDsAnswer{Problems: changedIdentity(&live, &next)}
	answer.Problems = append(answer.Problems, goneVersions(&live, &next)...)
	checks, problems := schemasOf(&next)
	answer.Problems = append(answer.Problems, problems...)
	named := 0
	for _, raw := range r.Objects {
		problems, err := checks.check(raw, &next)
		if err != nil {
			return nil, fail(reasonInvalid, err)
		}
		switch {
		case len(problems) == 0:
		case named < maxObjectsNamed:
			named++
			answer.Problems = append(answer.Problems, problems...)
		default:
			answer.MoreObjects++
		}
	}
	return answer, nil
}

// changedIdentity compares the fields that must stay the same for a kind.
func changedIdentity(live, next *apiextensionsv1.CustomResourceDefinition) []crdProblem {
	problems := []crdProblem{}
	for _, field := range []struct{ name, before, after string }{
		{"spec.group", live.Spec.Group, next.Spec.Group},
		{"spec.scope", string(live.Spec.Scope), string(next.Spec.Scope)},
		{"spec.names.kind", live.Spec.Names.Kind, next.Spec.Names.Kind},
		{"spec.names.plural", live.Spec.Names.Plural, next.Spec.Names.Plural},
	} {
		if field.before != field.after {
			message := fmt.Sprintf("%s is '%s' and would be '%s': stored objects would be lost", field.name, field.before, field.after)
			problems = append(problems, crdProblem{What: crdNotTheSame, Blocks: true, Message: message})
		}
	}
	return problems
}

// goneVersions finds versions that are removed although objects may be stored in them:
// nobody could read these objects any more.
func goneVersions(live, next *apiextensionsv1.CustomResourceDefinition) []crdProblem {
	var problems []crdProblem
	served := map[string]bool{}
	for _, version := range live.Spec.Versions {
		served[version.Name] = version.Served
	}
	for _, name := range live.Status.StoredVersions {
		at := slices.IndexFunc(next.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool { return v.Name == name })
		switch {
		case at < 0:
			problems = append(problems, crdProblem{What: crdVersionGone, Blocks: true, Version: name, Message: fmt.Sprintf(
				"version %s is gone, but objects may be stored in it (status.storedVersions): migrate them, and take it out of status.storedVersions first", name)})
		case served[name] && !next.Spec.Versions[at].Served:
			problems = append(problems, crdProblem{What: crdNotServed, Blocks: true, Version: name, Message: fmt.Sprintf(
				"version %s would no longer be served, but objects may be stored in it (status.storedVersions): migrate them, and take it out of status.storedVersions first", name)})
		}
	}
	return problems
}

// objectNames returns the object's name in messages, and the version in which it was
// read.
func objectNames(object map[string]any) (name, version string) {
	metadata, _ := object["metadata"].(map[string]any)
	name, _ = metadata["name"].(string)
	if namespace, _ := metadata["namespace"].(string); namespace != "" {
		name = namespace + "/" + name
	}
	apiVersion, _ := object["apiVersion"].(string)
	return name, apiVersion[strings.LastIndex(apiVersion, "/")+1:]
}
