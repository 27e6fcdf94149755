package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
)

// crdSchemas validates objects against the versions of a CRD, with the API server's own
// library. CEL rules (x-kubernetes-validations) aren't evaluated: the API server accepts
// a stored object that breaks a new rule as long as the part that the rule is about
// doesn't change.
type crdSchemas map[string]*crdSchema

type crdSchema struct {
	structural *structural.Structural
	validator  *validate.SchemaValidator
	// keepsUnknown is set if fields that the schema doesn't have are kept.
	keepsUnknown bool
}

// schemasOf reads the schemas of all versions.
func schemasOf(crd *apiextensionsv1.CustomResourceDefinition) (crdSchemas, []crdProblem) {
	schemas, problems := crdSchemas{}, []crdProblem{}
	for _, version := range crd.Spec.Versions {
		if version.Schema == nil || version.Schema.OpenAPIV3Schema == nil {
			continue
		}
		schema, err := newCRDSchema(version.Schema.OpenAPIV3Schema)
		if err != nil {
			problems = append(problems, crdProblem{What: crdBadSchema, Blocks: true, Version: version.Name, Message: fmt.Sprintf("the schema of version %s: %s", version.Name, err)})
			continue
		}
		schema.keepsUnknown = crd.Spec.PreserveUnknownFields
		schemas[version.Name] = schema
	}
	return schemas, problems
}

func newCRDSchema(props *apiextensionsv1.JSONSchemaProps) (*crdSchema, error) {
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, internal, nil); err != nil {
		return nil, err
	}
	s, err := structural.NewStructural(internal)
	if err != nil {
		return nil, err
	}
	if problems := structural.ValidateStructural(field.NewPath("openAPIV3Schema"), s); len(problems) > 0 {
		return nil, problems[0]
	}
	validator := validate.NewSchemaValidator(s.ToKubeOpenAPI(), nil, "", strfmt.Default)
	return &crdSchema{structural: s, validator: validator}, nil
}

// check validates one object against the version in which it was read. If that version is
// gone it takes the storage version, unless a webhook converts between versions: then
// nothing is known.
func (s crdSchemas) check(raw json.RawMessage, crd *apiextensionsv1.CustomResourceDefinition) ([]crdProblem, error) {
	var object map[string]any
	if err := utiljson.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("an object can't be read: %w", err)
	}
	name, version := objectNames(object)
	schema := s[version]
	if isGone(crd, version) {
		if crd.Spec.Conversion != nil && crd.Spec.Conversion.Strategy == apiextensionsv1.WebhookConverter {
			return nil, nil
		}
		version = storageVersion(crd)
		schema = s[version]
	}
	if schema == nil {
		return nil, nil
	}
	return schema.check(object, name, version), nil
}

func isGone(crd *apiextensionsv1.CustomResourceDefinition, name string) bool {
	for _, version := range crd.Spec.Versions {
		if version.Name == name {
			return false
		}
	}
	return true
}

func storageVersion(crd *apiextensionsv1.CustomResourceDefinition) string {
	for _, version := range crd.Spec.Versions {
		if version.Storage {
			return version.Name
		}
	}
	return ""
}

// check does what the API server does when it reads a stored object and writes it back.
func (s *crdSchema) check(object map[string]any, name, version string) []crdProblem {
	var problems []crdProblem
	if !s.keepsUnknown {
		lost := pruning.PruneWithOptions(object, s.structural, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
		if len(lost) > 0 {
			problems = append(problems, crdProblem{crdFieldsLost, false, version, name,
				fmt.Sprintf("%s would lose fields that version %s no longer has: %s", name, version, firstOf(lost))})
		}
	}
	dropNulls(object, s.structural)
	setDefaults(object, s.structural)
	var errors []string
	for _, err := range s.validator.Validate(object).Errors {
		errors = append(errors, err.Error())
	}
	for _, err := range listtype.ValidateListSetsAndMaps(nil, s.structural, object) {
		// The value is left out, because it is the tenant's.
		errors = append(errors, fmt.Sprintf("%s: %s", err.Field, err.Type))
	}
	if len(errors) > 0 {
		problems = append(problems, crdProblem{crdObjectInvalid, true, version, name,
			fmt.Sprintf("%s would be invalid by version %s: %s", name, version, firstOf(errors))})
	}
	return problems
}

// firstOf lists the first few, and the number of the others.
func firstOf(list []string) string {
	if more := len(list) - maxErrorsOfObject; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:maxErrorsOfObject], ", "), more)
	}
	return strings.Join(list, ", ")
}

// dropNulls removes nulls from fields that may not be null and have no default, as the
// API server does before it validates.
func dropNulls(value any, s *structural.Structural) {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			below := fieldSchema(s, key)
			if item == nil && below != nil && !below.Nullable && below.Default.Object == nil {
				delete(v, key)
				continue
			}
			dropNulls(item, below)
		}
	case []any:
		if s == nil {
			return
		}
		for _, item := range v {
			dropNulls(item, s.Items)
		}
	}
}

// setDefaults sets the defaults of a schema, those of outer fields first.
func setDefaults(value any, s *structural.Structural) {
	if s == nil {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for key, property := range s.Properties {
			found, ok := v[key]
			if property.Default.Object != nil && (!ok || found == nil && !property.Nullable) {
				v[key] = runtime.DeepCopyJSONValue(property.Default.Object)
			}
		}
		for key, item := range v {
			setDefaults(item, fieldSchema(s, key))
		}
	case []any:
		for _, item := range v {
			setDefaults(item, s.Items)
		}
	}
}

// fieldSchema returns the schema of a map's field, or nil if there is none.
func fieldSchema(s *structural.Structural, key string) *structural.Structural {
	if s == nil {
		return nil
	}
	if property, ok := s.Properties[key]; ok {
		return &property
	}
	if s.AdditionalProperties != nil {
		return s.AdditionalProperties.Structural
	}
	return nil
}
