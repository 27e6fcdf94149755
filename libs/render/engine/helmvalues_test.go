package main

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

func valuesFile(origin, text string) valuesLayer { return valuesLayer{Origin: origin, YAML: &text} }

func at(origin, path, text string) valuesLayer {
	return valuesLayer{Origin: origin, TargetPath: path, Text: text}
}

func TestComposeValues(t *testing.T) {
	literalLayer := at("s/k", "a.b", `x,y=[z]{}\`)
	literalLayer.Literal = true
	for name, test := range map[string]struct {
		layers  []valuesLayer
		inline  string
		want    string
		origins string
	}{
		"nothing":                  {nil, "", `{}`, `{}`},
		"inline over files":        {[]valuesLayer{valuesFile("c/one", "a: 1\nm: {x: 1, yy: 2}\n"), valuesFile("c/two", "m: {yy: 3}\nl: [1]\n")}, `{"m":{"x":9}}`, `{"a":1.0,"l":[1.0],"m":{"x":9.0,"yy":3.0}}`, `{"/a":"c/one","/l/0":"c/two","/m/x":"spec.values","/m/yy":"c/two"}`},
		"inline over path at root": {[]valuesLayer{at("c/k", "a", "2")}, `{"a":1}`, `{"a":1.0}`, `{"/a":"spec.values"}`},
		"path in a shared map":     {[]valuesLayer{at("c/k", "m.a", "2")}, `{"m":{"a":1}}`, `{"m":{"a":2}}`, `{"/m/a":"c/k"}`},
		"path in a merged map":     {[]valuesLayer{valuesFile("c/one", "m: {b: 1}"), at("c/k", "m.a", "2")}, `{"m":{"a":1}}`, `{"m":{"a":1.0,"b":1.0}}`, `{"/m/a":"spec.values","/m/b":"c/one"}`},
		"types":                    {[]valuesLayer{at("k", "i", "10000000"), at("k", "b", "true"), at("k", "n", "null"), at("k", "s", "'12'"), at("k", "f", "1.5"), at("k", "z", "007"), at("k", "l", "{a,2}")}, "", `{"b":true,"f":"1.5","i":10000000,"l":["a",2],"n":null,"s":"12","z":"007"}`, ""},
		"several of one":           {[]valuesLayer{at("k", "a", "x,b=2")}, "", `{"a":"x","b":2}`, `{"/a":"k","/b":"k"}`},
		"literal":                  {[]valuesLayer{literalLayer}, "", `{"a":{"b":"x,y=[z]{}\\"}}`, `{"/a/b":"s/k"}`},
		"list item":                {[]valuesLayer{valuesFile("c", "l: [{nn: a}, {nn: b}]"), at("k", "l[1].nn", "c")}, "", `{"l":[{"nn":"a"},{"nn":"c"}]}`, `{"/l/0/nn":"c","/l/1/nn":"k"}`},
		"null over a file":         {[]valuesLayer{valuesFile("c", "a: {b: 1}")}, `{"a":null}`, `{"a":null}`, `{"/a":"spec.values"}`},
		"keys to escape":           {[]valuesLayer{valuesFile("c", "a/b: {c~d: 1}")}, "", `{"a/b":{"c~d":1.0}}`, `{"/a~1b/c~0d":"c"}`},
		"large numbers":            {[]valuesLayer{valuesFile("c", "a: 10000000\nb: 9007199254740993\nc: 1.5\n")}, "", `{"a":10000000.0,"b":9007199254740992.0,"c":1.5}`, ""},
	} {
		got, err := newEngine().helmValues(&valuesRequest{Layers: test.layers, Inline: test.inline})
		if err != nil || got.Failed != nil {
			t.Errorf("%s: %v, %+v", name, err, got)
			continue
		}
		if got.Values != test.want {
			t.Errorf("%s: got %s, want %s", name, got.Values, test.want)
		}
		var origins map[string]string
		if json.Unmarshal([]byte(test.origins), &origins) == nil && !maps.Equal(origins, got.Origins) {
			t.Errorf("%s: origins are %v, want %v", name, got.Origins, origins)
		}
		again, err := parseExact(got.Values)
		text, _ := exactJSON(again)
		if err != nil || string(text) != got.Values {
			t.Errorf("%s: %s is read as %s, %v", name, got.Values, text, err)
		}
	}
}

func TestValuesThatCanNotBeUsed(t *testing.T) {
	hidden := at("s/k", "a.b", "value,hunter2")
	hidden.Secret = true
	deep := strings.Repeat("a: {", 100_000)
	for name, test := range map[string]struct {
		layer valuesLayer
		want  string
	}{
		"no YAML":      {valuesFile("c/k", "a: [1"), "error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'"},
		"no map":       {valuesFile("c/k", "text"), "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type common.Values"},
		"not a path":   {at("c/k", "a.b", "x,y"), `key "y" has no value`},
		"not a map":    {at("c/k", "inline.b.c", "1"), ""},
		"of a Secret":  {hidden, "the value can't be set at this path: quote it, or use literal"},
		"deep":         {valuesFile("c/k", deep), "error converting YAML to JSON: yaml: exceeded max depth of 10000"},
		"too large":    {valuesFile("c/k", strings.Repeat("a", maxValuesBytes+1)), "it has 8388609 bytes, 8388608 are allowed"},
		"aliases":      {valuesFile("c/k", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"), "error converting YAML to JSON: yaml: document contains excessive aliasing"},
		"a large list": {at("c/k", "a[99999999]", "1"), ""},
	} {
		got, err := newEngine().helmValues(&valuesRequest{Layers: []valuesLayer{test.layer}, Inline: `{"inline":{"b":1}}`})
		switch {
		case err != nil || got.Failed == nil:
			t.Errorf("%s: %v, %+v", name, err, got)
		case got.Failed.Origin != test.layer.Origin || test.want != "" && got.Failed.Message != test.want:
			t.Errorf("%s: %+v", name, got.Failed)
		case strings.Contains(got.Failed.Message, "hunter2"):
			t.Errorf("%s: the message has the value: %s", name, got.Failed.Message)
		}
	}
}

func TestValuesOfAChartHaveItAsTheirOrigin(t *testing.T) {
	chart := files{
		"x/Chart.yaml":             "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: sub, version: 0.x, repository: '', condition: sub.enabled}]\n",
		"x/values.yaml":            "a: 1\nb: {c: 1, d: 1}\nl: [1, 2]\ngone: 1\n",
		"x/charts/sub/Chart.yaml":  "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
		"x/charts/sub/values.yaml": "s: 1\n",
	}.chartFile(t)
	got, err := newEngine().helmValues(&valuesRequest{Layers: []valuesLayer{valuesFile("c/k", "b: {c: 2}\n")}, Inline: `{"l":[3],"gone":null}`, Chart: &chart})
	if err != nil || got.Values != `{"b":{"c":2.0},"gone":null,"l":[3.0]}` || got.All != `{"a":1.0,"b":{"c":2.0,"d":1.0},"l":[3.0],"sub":{"global":{},"s":1.0}}` {
		t.Fatalf("got %+v, %v", got, err)
	}
	want := map[string]string{"/a": "chart", "/b/c": "c/k", "/b/d": "chart", "/l/0": "spec.values", "/gone": "spec.values", "/sub/s": "chart"}
	if !maps.Equal(got.Origins, want) {
		t.Errorf("got %v", got.Origins)
	}
}
