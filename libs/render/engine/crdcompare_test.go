package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const crdHead = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec:
  group: example.org
  scope: %s
  names: {kind: Thing, plural: things}
  versions:
`

const crdVersion = `  - name: %s
    served: %t
    storage: %t
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
%s
`

const oldFields = "            properties: {size: {type: integer}, color: {type: string}, tags: {type: array, items: {type: string}}}"

func crd(t *testing.T, scope, versions string, stored ...string) json.RawMessage {
	t.Helper()
	text := fmt.Sprintf(crdHead, scope) + versions
	if len(stored) > 0 {
		text += "status: {storedVersions: [" + strings.Join(stored, ", ") + "]}\n"
	}
	return toJSON(t, text)
}

func toJSON(t *testing.T, text string) json.RawMessage {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func crdVersionOf(name string, served, storage bool, fields string) string {
	return fmt.Sprintf(crdVersion, name, served, storage, fields)
}

func thing(t *testing.T, version, spec string) json.RawMessage {
	t.Helper()
	return toJSON(t, "apiVersion: example.org/"+version+"\nkind: Thing\nmetadata: {name: one, namespace: apps, uid: u}\nspec: "+spec+"\n")
}

func TestCompareCRDs(t *testing.T) {
	old := crdVersionOf("v1", true, true, oldFields)
	with := func(fields string) string { return crdVersionOf("v1", true, true, "            properties: "+fields) }
	for name, test := range map[string]struct {
		next   string
		object string
		want   string
	}{
		"nothing changes":              {old, "{size: 1}", ""},
		"a field comes":                {with("{size: {type: integer}, color: {type: string}, tags: {type: array, items: {type: string}}, more: {type: string}}"), "{size: 1}", ""},
		"a field is required":          {with("{size: {type: integer}, must: {type: string}}") + "            required: [must]\n", "{size: 1}", "ObjectInvalid apps/one would be invalid by version v1: spec.must in body is required"},
		"a required one has a default": {with("{size: {type: integer}, must: {type: string, default: x}}") + "            required: [must]\n", "{size: 1}", ""},
		"another type":                 {with("{size: {type: string}}"), "{size: 1}", `ObjectInvalid apps/one would be invalid by version v1: spec.size in body must be of type string: "integer"`},
		"another type of no object":    {with("{size: {type: string}}"), "{}", ""},
		"a pattern":                    {with("{color: {type: string, pattern: '^[a-z]+$'}}"), "{color: hunter2}", "ObjectInvalid apps/one would be invalid by version v1: spec.color in body should match '^[a-z]+$'"},
		"an enumeration":               {with("{color: {type: string, enum: [red, blue]}}"), "{color: hunter2}", "ObjectInvalid apps/one would be invalid by version v1: spec.color in body should be one of [red blue]"},
		"a maximum":                    {with("{size: {type: integer, maximum: 5}}"), "{size: 9}", "ObjectInvalid apps/one would be invalid by version v1: spec.size in body should be less than or equal to 5"},
		"a field is gone":              {with("{size: {type: integer}}"), "{size: 1, color: hunter2}", "FieldsLost apps/one would lose fields that version v1 no longer has: spec.color"},
		"a set":                        {with("{tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}}"), "{tags: [hunter2, hunter2]}", "ObjectInvalid apps/one would be invalid by version v1: spec.tags[1]: Duplicate value"},
		"a null":                       {with("{color: {type: string}}"), "{color: null}", ""},
		"many":                         {with("{a: {type: string}, b: {type: string}, c: {type: string}, d: {type: string}}"), "{a: 1, b: 1, c: 1, d: 1}", ""},
		"no structural schema":         {with("{size: {type: integer, x-kubernetes-preserve-unknown-fields: false}}"), "{}", "SchemaInvalid "},
		"a version comes":              {crdVersionOf("v1", true, false, oldFields) + crdVersionOf("v2", true, true, oldFields), "{size: 1}", ""},
		"the stored version goes":      {crdVersionOf("v2", true, true, oldFields), "{size: 1}", "StoredVersionGone version v1 is gone, but objects may be stored in it (status.storedVersions): migrate them, and take it out of status.storedVersions first"},
		"by the next one's schema":     {crdVersionOf("v2", true, true, "            properties: {size: {type: string}}"), "{size: 1}", "StoredVersionGone version v1 is gone, but objects may be stored in it (status.storedVersions): migrate them, and take it out of status.storedVersions first; ObjectInvalid apps/one would be invalid by version v2: spec.size in body must be of type string: \"integer\""},
		"the stored one isn't served":  {crdVersionOf("v1", false, true, oldFields) + crdVersionOf("v2", true, false, oldFields), "{size: 1}", "StoredVersionNotServed version v1 would no longer be served, but objects may be stored in it (status.storedVersions): migrate them, and take it out of status.storedVersions first"},
	} {
		got, err := compareCRDs(&compareCRDsRequest{crd(t, "Namespaced", old, "v1"), crd(t, "Namespaced", test.next), []json.RawMessage{thing(t, "v1", test.object)}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var texts []string
		for _, problem := range got.Problems {
			texts = append(texts, problem.What+" "+problem.Message)
			if problem.Blocks == (problem.What == crdFieldsLost) {
				t.Errorf("%s: %+v", name, problem)
			}
		}
		text := strings.Join(texts, "; ")
		switch name {
		case "many":
			if !strings.Contains(text, "and 1 more") {
				t.Errorf("%s: %s", name, text)
			}
		case "no structural schema":
			if !strings.HasPrefix(text, test.want) {
				t.Errorf("%s: %s", name, text)
			}
		default:
			if text != test.want {
				t.Errorf("%s: got\n%s\nwant\n%s", name, text, test.want)
			}
		}
		if strings.Contains(text, "hunter2") {
			t.Errorf("%s: the message has a value: %s", name, text)
		}
	}
}

func TestCompareCRDsWithManyObjects(t *testing.T) {
	objects := make([]json.RawMessage, 25)
	for i := range objects {
		objects[i] = thing(t, "v1", "{size: 1}")
	}
	live, next := crdVersionOf("v1", true, true, oldFields), crdVersionOf("v1", true, true, "            properties: {size: {type: string}}")
	got, err := compareCRDs(&compareCRDsRequest{crd(t, "Namespaced", live, "v1"), crd(t, "Cluster", next), objects})
	if err != nil || len(got.Problems) != 11 || got.MoreObjects != 15 || got.Problems[0].What != crdNotTheSame {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, wrong := range map[string]*compareCRDsRequest{
		"no CRD":    {toJSON(t, "[]"), crd(t, "Cluster", next), nil},
		"no object": {crd(t, "Cluster", live), crd(t, "Cluster", next), []json.RawMessage{toJSON(t, "5")}},
		"too many":  {crd(t, "Cluster", live), crd(t, "Cluster", next), make([]json.RawMessage, maxCRDObjects+1)},
	} {
		if _, err := compareCRDs(wrong); err == nil || toWire(err).Reason != reasonInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
