package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/kustomize"
)

// Each operation refuses a request that is larger than anybody needs, before it works on
// it.
func TestRequestsAreBounded(t *testing.T) {
	long := strings.Repeat("true || ", maxExpressionBytes/8) + "true"
	check := func(n int, current string) kustomize.CustomHealthCheck {
		return kustomize.CustomHealthCheck{
			APIVersion: "x.y/v1", Kind: fmt.Sprintf("K%d", n),
			HealthCheckExpressions: kustomize.HealthCheckExpressions{Current: current},
		}
	}
	var many, wide []kustomize.CustomHealthCheck
	for n := range maxChecks + 1 {
		many = append(many, check(n, "true"))
	}
	for n := range 5 {
		wide = append(wide, check(n, long[:maxExpressionBytes-4]+"true"))
	}
	e := newExpressions()
	one := []map[string]liveObject{{"self": {}}}
	for name, c := range map[string]struct {
		run    func() error
		reason string
	}{
		"a long expression":     {errorOf(e.evaluate, &celRequest{Expression: long, Inputs: one}), reasonExpression},
		"no inputs":             {errorOf(e.evaluate, &celRequest{Expression: "true"}), reasonInvalid},
		"many inputs":           {errorOf(e.evaluate, &celRequest{Expression: "true", Inputs: make([]map[string]liveObject, maxInputs+1)}), reasonInvalid},
		"many objects":          {errorOf(e.statuses, &statusRequest{Objects: make([]liveObject, maxObjects+1)}), reasonInvalid},
		"many checks":           {errorOf(e.statuses, &statusRequest{Checks: many}), reasonExpression},
		"checks of many bytes":  {errorOf(e.statuses, &statusRequest{Checks: wide}), reasonExpression},
		"a long check":          {errorOf(e.statuses, &statusRequest{Checks: []kustomize.CustomHealthCheck{check(1, long)}}), reasonExpression},
		"many ignore rules":     {errorOf(exempt, &exemptRequest{Rules: make([]exemptRule, maxRules+1)}), reasonInvalid},
		"objects of many rules": {errorOf(exempt, &exemptRequest{Objects: make([]liveObject, maxObjects+1)}), reasonInvalid},
		"a long range":          {errorOf(matchVersions, &semverRequest{Range: strings.Repeat("1 || ", maxRangeBytes)}), "InvalidSemVer"},
		"many versions":         {errorOf(matchVersions, &semverRequest{Range: "1", Versions: make([]string, maxVersions+1)}), reasonInvalid},
	} {
		if err := c.run(); err == nil || toWire(err).Reason != c.reason {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if len(e.booleans.made)+len(e.readers.made) > 0 {
		t.Error("something was compiled")
	}
}

// errorOf returns the error of a call with this request.
func errorOf[Request, Answer any](run func(Request) (Answer, error), request Request) func() error {
	return func() error {
		_, err := run(request)
		return err
	}
}

// What is kept of users' expressions has a bound.
func TestCompiledExpressionsAreBounded(t *testing.T) {
	e := newExpressions()
	for n := range 100 {
		expression := fmt.Sprintf("self.a%d == 'x' || %s", n, strings.Repeat("self.b || ", 100)+"true")
		if _, err := e.evaluate(&celRequest{Expression: expression, Inputs: []map[string]liveObject{{"self": {}}}}); err != nil {
			t.Fatal(err)
		}
		check := kustomize.CustomHealthCheck{APIVersion: "x.y/v1", HealthCheckExpressions: kustomize.HealthCheckExpressions{Current: expression}}
		if _, err := e.statuses(&statusRequest{Checks: []kustomize.CustomHealthCheck{check}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, total := range map[string]int{"booleans": e.booleans.total, "readers": e.readers.total} {
		if total == 0 || total > compiledBytes {
			t.Errorf("%s: %d bytes", name, total)
		}
	}
	if e.keys.total > keysBytes {
		t.Errorf("keys: %d bytes", e.keys.total)
	}
}
