package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestARenderIsKeptUnlessItAsked(t *testing.T) {
	e := newEngine()
	r := (&recordedRelease{Files: chartOf(4)}).request(t)
	first, err := e.helmRender(r, noAnswers)
	if err != nil {
		t.Fatal(err)
	}
	r.Chart.File = "/gone"
	r.Info.Status = pointer("superseded")
	kept, err := e.rendered(r, noAnswers)
	if err != nil || kept.release.Info.Status != "" {
		t.Fatalf("%v, %v", kept, err)
	}
	again, err := e.helmRender(r, noAnswers)
	if err != nil || *again.Info.Status != "superseded" || *first.Info.Status != "deployed" || again.Manifest != first.Manifest {
		t.Errorf("got %+v, %v", again, err)
	}
	before := e.renders.total
	for name, change := range map[string]func(){
		"values":   func() { r.Values = `{"replicas":3.0}` },
		"revision": func() { r.Release.Revision++ },
		"origin":   func() { r.PostRender.Origin.Name = "other" },
	} {
		change()
		e.renders.find("")
		if _, err := e.helmRender(r, noAnswers); err != nil || e.renders.total == before {
			t.Errorf("%s: was kept, %v", name, err)
		}
		before = e.renders.total
	}

	looking := (&recordedRelease{Files: chartOf(0).with(files{"templates/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: '{{ len (lookup `v1` `Pod` `a` `b`) }}'}\n"})}).request(t)
	asked := 0
	ask := func(string, any) (json.RawMessage, error) { asked++; return json.RawMessage("null"), nil }
	for range 2 {
		if _, err := e.helmRender(looking, ask); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 2 || e.renders.total != before {
		t.Errorf("asked %d times", asked)
	}
}

func TestAChartThatIsKeptStaysAsItIs(t *testing.T) {
	e := newEngine()
	sub := files{"charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n", "charts/sub/values.yaml": "exports: {data: {imported: 1}}\n", "charts/sub/templates/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sub}\n"}
	chart := chartOf(0).with(sub).with(files{
		"Chart.yaml":       "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: sub, version: 0.x, repository: '', condition: sub.on, alias: other, import-values: [data]}]\n",
		"templates/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: '{{ toJson .Values }}'}\n",
	})
	request := (&recordedRelease{Files: chart}).request(t)
	want := map[string]string{}
	for _, values := range []string{`{}`, `{"other":{"exports":{"data":{"imported":2.0}}}}`, `{"sub":{"on":false}}`, `{"imported":{"x":1.0}}`} {
		request.Values = values
		got, err := newEngine().helmRender(request, noAnswers)
		if err != nil {
			t.Fatal(err)
		}
		want[values] = got.Stored.Payload
	}
	for range 3 {
		for values, payload := range want {
			request.Values = values
			e.renders = newRenders(1)
			if got, err := e.helmRender(request, noAnswers); err != nil || got.Stored.Payload != payload {
				t.Errorf("%s: another result with a chart that was rendered before, %v", values, err)
			}
		}
	}
}

func TestPreservedValues(t *testing.T) {
	e := newEngine()
	chart := chartOf(0).with(files{"values.yaml": "a: old\nb: {c: old, d: old}\n", "templates/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: '{{ toJson .Values }}'}\n"})
	request := (&recordedRelease{Files: chart, Values: json.RawMessage(`{"b":{"c":"mine"}}`)}).request(t)
	before, err := e.helmRender(request, noAnswers)
	if err != nil {
		t.Fatal(err)
	}
	chart["values.yaml"] = "a: new\nb: {c: new, d: new, e: new}\nf: new\n"
	request = (&recordedRelease{Files: chart, Values: json.RawMessage(`{"b":{"d":"now"}}`), Upgrade: true}).request(t)
	request.PreserveValuesOf = before.Stored.Payload
	got, err := e.helmRender(request, noAnswers)
	if err != nil || got.Values != `{"b":{"c":"mine","d":"now"}}` || !strings.Contains(got.Manifest, `{"a":"old","b":{"c":"mine","d":"now"}}`) {
		t.Errorf("got %s, %s, %v", got.Values, got.Manifest, err)
	}
}

func TestIntegersOfChartsThatJavaScriptCanNotHold(t *testing.T) {
	chart := chartOf(0).with(files{
		"Chart.yaml":       "apiVersion: v2\nname: app\nversion: 1.0.0\ndeprecated: true\n",
		"templates/x.yaml": "apiVersion: x/v1\nkind: X\nmetadata: {name: x}\nspec: {a: 9007199254740993, b: '9007199254740993', c: [1, -9007199254740993], d: 9007199254740991}\n",
		"templates/y.yaml": "apiVersion: x/v1\nkind: X\nmetadata: {name: hook, annotations: {helm.sh/hook: test}}\nspec: {big: 9223372036854775807}\n",
	})
	got, err := newEngine().helmRender((&recordedRelease{Files: chart}).request(t), noAnswers)
	if err != nil || len(got.Warnings) != 4 || got.Warnings[0] != "this chart is deprecated" || !strings.HasPrefix(got.Warnings[2], "X/x: 9007199254740993 in .spec.a is beyond 2^53") && !strings.HasPrefix(got.Warnings[2], "X/x: -9007199254740993 in .spec.c[1]") {
		t.Errorf("got %q, %v", got.Warnings, err)
	}
}
