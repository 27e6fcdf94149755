package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/runtime/cel"
	"sigs.k8s.io/yaml"
)

// decode reads a request as the engine does, from YAML, which is easier to write.
func decode[T any](t *testing.T, text string) *T {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out := new(T)
	if err := json.Unmarshal(data, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEvaluate(t *testing.T) {
	const dep = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: dep, generation: 3, labels: {v: '1.2'}}\n" +
		"spec: {interval: 90s, path: ./a, prune: true, sourceRef: {kind: GitRepository, name: g}}\n" +
		"status: {observedGeneration: 3, conditions: [{type: Ready, status: 'True', reason: R, message: M, lastTransitionTime: '2026-01-01T00:00:00Z'}]}\n"
	const self = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: self, labels: {v: '1.2'}}\nspec: {interval: 1m, prune: false, sourceRef: {kind: GitRepository, name: g}}\n"
	for _, c := range []struct {
		name, expression string
		value            any
		problem          string
	}{
		{"equal labels", "dep.metadata.labels['v'] == self.metadata.labels['v']", true, ""},
		{"numbers are numbers", "dep.status.observedGeneration == dep.metadata.generation && dep.metadata.generation == 3", true, ""},
		{"conditions", "dep.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')", true, ""},
		{"as Flux's type has it", "dep.spec.interval == '1m30s' && has(dep.spec.force) == has(self.spec.force)", true, ""},
		{"has", "has(self.status.conditions)", false, ""},
		{"strings, sets and encoders", "'A'.lowerAscii() == 'a' && sets.contains([1, 2], [1]) && base64.decode('YQ==') == b'a'", true, ""},
		{"optional", "dep.?spec.?nothing.orValue(true) == true", true, ""},
		{"unknown field", "dep.status.nothing == 1", nil, "failed to evaluate the CEL expression 'dep.status.nothing == 1': no such key: nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := &celRequest{Expression: c.expression, Inputs: []map[string]liveObject{
				{"self": *decode[liveObject](t, self), "dep": *decode[liveObject](t, dep)},
			}}
			answer, err := (&expressions{}).evaluate(request)
			if err != nil {
				t.Fatal(err)
			}
			if got := answer.Results[0]; got.Value != c.value || got.Error != c.problem {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestEvaluateRefuses(t *testing.T) {
	for expression, message := range map[string]string{
		"dep.metadata.": "failed to parse the CEL expression 'dep.metadata.': ERROR: <input>:1:14: Syntax error: no viable alternative at input '.'\n | dep.metadata.\n | .............^",
		"other.x == 1":  "failed to parse the CEL expression 'other.x == 1': ERROR: <input>:1:1: undeclared reference to 'other' (in container '')\n | other.x == 1\n | ^",
		"dep.x":         "CEL expression output type mismatch: expected bool, got dyn",
		"1 + 1":         "CEL expression output type mismatch: expected bool, got int",
	} {
		request := &celRequest{Expression: expression, Inputs: []map[string]liveObject{{"self": {}, "dep": {}}}}
		_, err := (&expressions{}).evaluate(request)
		if err == nil || err.Error() != message || toWire(err).Reason != "InvalidCELExpression" {
			t.Errorf("%s: got %v", expression, err)
		}
	}
}

func TestEvaluateTakesItsTime(t *testing.T) {
	list := make([]any, 20_000)
	for i := range list {
		list[i] = int64(i)
	}
	request := &celRequest{
		Expression: "dep.l.all(a, dep.l.all(b, a + b >= 0))",
		Inputs:     []map[string]liveObject{{"dep": {"l": list}}},
	}
	answer, err := (&expressions{}).evaluate(request)
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Results[0].Error; !strings.Contains(got, "operation interrupted") {
		t.Errorf("got %q", got)
	}
}

func TestExpressionsAreCompiledOnce(t *testing.T) {
	e := &expressions{}
	for range 3 {
		if _, err := e.evaluate(&celRequest{Expression: "a.x == 1", Inputs: []map[string]liveObject{{"a": {"x": int64(1)}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(e.booleans.made) != 1 {
		t.Errorf("%d compiled", len(e.booleans.made))
	}
	for n := range memoLimit + 10 {
		if _, err := e.booleans.get(strings.Repeat("x", n+1), func() (p *cel.Expression, err error) { return }); err != nil {
			t.Fatal(err)
		}
	}
	if len(e.booleans.made) > memoLimit {
		t.Errorf("%d kept", len(e.booleans.made))
	}
}

func TestStatusByExpressions(t *testing.T) {
	const checks = "checks: [{apiVersion: x.y/v1beta9, kind: Z, inProgress: 'status.phase == \"Waiting\"', failed: 'status.phase == \"Bad\"', current: 'status.phase == \"Good\"'}," +
		" {apiVersion: x.y/v1, current: 'has(data.ok) && data.ok'}]\nobjects:\n"
	const z = "- {apiVersion: x.y/v1, kind: Z, metadata: {name: x, generation: 2}, status: "
	for _, c := range []struct{ name, object, status, message string }{
		{"current", z + "{phase: Good}}", "Current", ""},
		{"failed", z + "{phase: Bad}}", "Failed", ""},
		{"in progress", z + "{phase: Waiting}}", "InProgress", ""},
		{"none of them", z + "{phase: Odd}}", "InProgress", ""},
		{"not observed yet", z + "{phase: Good, observedGeneration: 1}}", "InProgress", ""},
		{"observed", z + "{phase: Good, observedGeneration: 2}}", "Current", ""},
		{"missing field", z + "{}}", "Unknown", `failed to evaluate the CEL expression 'status.phase == "Waiting"': no such key: phase`},
		{"the whole group", "- {apiVersion: x.y/v2, kind: Other, metadata: {name: x}, data: {ok: true}}", "Current", ""},
		{"another group", "- {apiVersion: x.z/v1, kind: Z, metadata: {name: x}, status: {conditions: [{type: Ready, status: 'False', reason: R, message: because}]}}", "InProgress", "because"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer, err := (&expressions{}).statuses(decode[statusRequest](t, checks+c.object))
			if err != nil {
				t.Fatal(err)
			}
			if got := answer.Statuses[0]; got.Status != c.status || got.Message != c.message {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestChecksThatDoNotCompile(t *testing.T) {
	for checks, message := range map[string]string{
		"[{apiVersion: a/v1, kind: B, current: 'x.'}]":                                                 "failed to create custom status evaluator for healthchecks[0]: failed to parse the expression Current: failed to parse the CEL expression 'x.': ERROR: <input>:1:3: Syntax error: no viable alternative at input '.'\n | x.\n | ..^",
		"[{apiVersion: a/v1, kind: B, current: 'true'}, {apiVersion: a/v2, kind: B, current: 'true'}]": "duplicate custom health check for GroupKind B.a at healthchecks[1]",
		"[{apiVersion: a/v1, kind: B, current: 'true', inProgress: '('}]":                              "failed to create custom status evaluator for healthchecks[0]: failed to parse the expression InProgress: ",
	} {
		_, err := (&expressions{}).statuses(decode[statusRequest](t, "checks: "+checks))
		if err == nil || !strings.HasPrefix(err.Error(), message) || toWire(err).Reason != "InvalidCELExpression" {
			t.Errorf("%s: got %v", checks, err)
		}
	}
}

func TestExempt(t *testing.T) {
	request := decode[exemptRequest](t, `
rules:
- paths: [/spec/replicas, /spec/x]
  target: {kind: Deploy.*, name: web}
- paths: [/data/all]
- paths: [/data/labelled]
  target: {labelSelector: 'tier in (a, b)', annotationSelector: '!skip'}
objects:
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: webs}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: web, labels: {tier: a}}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: web, labels: {tier: a}, annotations: {skip: ''}}}
`)
	answer, err := exempt(request)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(answer.Paths)
	if want := `[["/spec/replicas","/spec/x","/data/all"],["/data/all"],["/data/all","/data/labelled"],["/data/all"]]`; string(got) != want {
		t.Errorf("got %s", got)
	}
	_, err = exempt(decode[exemptRequest](t, "rules: [{paths: [/a], target: {name: '('}}]"))
	if want := "failed to create ignore rule selector: invalid name regex: error parsing regexp: missing closing ): `^(()$`"; err == nil || !strings.HasPrefix(err.Error(), want[:60]) {
		t.Errorf("got %v", err)
	}
}
