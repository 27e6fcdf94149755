package main

import (
	"encoding/json"
	"testing"
)

func TestMergePatches(t *testing.T) {
	for name, test := range map[string]struct {
		original, modified, live string
		threeWay                 bool
		kind, want               string
	}{
		"nothing changes": {
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1"}}`,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1"}}`,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","uid":"u"},"data":{"a":"1","mine":"2"}}`,
			false, strategicMerge, `{}`,
		},
		"a field that was changed by hand is put back": {
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1"}}`,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1"}}`,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"9"}}`,
			false, strategicMerge, `{"data":{"a":"1"}}`,
		},
		"a field that is gone is removed": {
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1","b":"2"}}`,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1"}}`,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1","b":"2","c":"3"}}`,
			false, strategicMerge, `{"data":{"b":null}}`,
		},
		"without an original nothing is removed": {
			`null`,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1"}}`,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"b":"2"}}`,
			false, strategicMerge, `{"data":{"a":"1"}}`,
		},
		"ports are merged by their numbers": {
			`{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},"spec":{"ports":[{"port":80,"name":"a"},{"port":81,"name":"b"}]}}`,
			`{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},"spec":{"ports":[{"port":80,"name":"c"}]}}`,
			`{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},"spec":{"ports":[{"port":80,"name":"a","nodePort":30000},{"port":81,"name":"b"}]}}`,
			false, strategicMerge, `{"spec":{"$setElementOrder/ports":[{"port":80}],"ports":[{"name":"c","port":80},{"$patch":"delete","port":81}]}}`,
		},
		"a custom resource is merged without the live one": {
			`{"apiVersion":"x/v1","kind":"X","metadata":{"name":"x"},"spec":{"a":1,"l":[1]}}`,
			`{"apiVersion":"x/v1","kind":"X","metadata":{"name":"x"},"spec":{"a":1,"l":[2]}}`,
			`{"apiVersion":"x/v1","kind":"X","metadata":{"name":"x"},"spec":{"a":9,"l":[1]}}`,
			false, jsonMerge, `{"spec":{"l":[2]}}`,
		},
		"or with it": {
			`{"apiVersion":"x/v1","kind":"X","metadata":{"name":"x"},"spec":{"a":1,"l":[1]}}`,
			`{"apiVersion":"x/v1","kind":"X","metadata":{"name":"x"},"spec":{"a":1,"l":[2]}}`,
			`{"apiVersion":"x/v1","kind":"X","metadata":{"name":"x"},"spec":{"a":9,"l":[1]}}`,
			true, jsonMerge, `{"spec":{"a":1,"l":[2]}}`,
		},
		"an object that isn't of its type": {
			`{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},"spec":{"ports":"none"}}`,
			`{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},"spec":{"ports":"some"}}`,
			`{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},"spec":{}}`,
			false, jsonMerge, `{"spec":{"ports":"some"}}`,
		},
		"an old CRD": {
			`{"apiVersion":"apiextensions.k8s.io/v1beta1","kind":"CustomResourceDefinition","metadata":{"name":"x"},"spec":{"group":"a"}}`,
			`{"apiVersion":"apiextensions.k8s.io/v1beta1","kind":"CustomResourceDefinition","metadata":{"name":"x"},"spec":{"group":"b"}}`,
			`{}`, false, jsonMerge, `{"spec":{"group":"b"}}`,
		},
	} {
		item := mergeItem{json.RawMessage(test.original), json.RawMessage(test.modified), json.RawMessage(test.live)}
		got, err := helmMerge(&mergeRequest{[]mergeItem{item}, test.threeWay})
		if err != nil || got.Patches[0].Type != test.kind || got.Patches[0].Patch != test.want {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	for name, wrong := range map[string]string{"no object": `5`, "no kind": `{"apiVersion":"v1"}`} {
		item := mergeItem{json.RawMessage(`{}`), json.RawMessage(wrong), json.RawMessage(`{}`)}
		if _, err := helmMerge(&mergeRequest{[]mergeItem{item}, false}); err == nil || toWire(err).Reason != reasonMergeFailed {
			t.Errorf("%s: %v", name, err)
		}
	}
}
