package main

import (
	"strings"
	"testing"
)

// neighbour is an object whose values nobody must learn.
func neighbour() liveObject {
	return liveObject{
		"secret": "hunter2", "pin": int64(4711), "big": "471100000000000000000000", "pattern": "(hunter2", "ratio": 47.11,
		"map": map[string]any{"a": "x", "hunter2x": "y"}, "list": []any{"hunter2", int64(4711)}, "nil": nil,
	}
}

// Expressions that try to reveal a value by the message of their failure.
var attempts = []string{
	"dep.map[dep.secret] == ''",
	"dep.map[dep.pin] == ''",
	"dep[dep.secret] == 1",
	"dep[dep.secret + dep.secret].map == 1",
	"{'a': 1}[dep.secret] == 1",
	"{'a': 1}[?dep.secret].value() == 1",
	"dep.map.map(k, dep.list[0] + k).map(k, dep.map[k]) == []",
	"dep.list.map(k, dep.map[k]).size() == 1 || 'hunter2' == ''",
	"dep.list[dep.pin] == ''",
	"[1][dep.pin] == 1",
	"dep.list[dep.ratio] == ''",
	"dep.list[dep.secret] == ''",
	"dyn(dep.list)[dep.secret]",
	"int(dep.secret) == 1",
	"int(dep.big) == 1",
	"uint(dep.secret) == 1u",
	"double(dep.secret) == 1.0",
	"bool(dep.secret)",
	"bytes(dep.pin) == b''",
	"duration(dep.secret) == duration('1s')",
	"timestamp(dep.secret) == timestamp(0)",
	"timestamp(dep.pin * 1000000000000) == timestamp(0)",
	"timestamp(0).getHours(dep.secret) == 1",
	"'a'.matches(dep.pattern)",
	"'a'.matches('(' + dep.secret)",
	"dep.secret > 1",
	"dep.secret.charAt(dep.pin) == ''",
	"dep.secret.substring(dep.pin) == ''",
	"dep.secret.substring(6, dep.pin) == ''",
	"dep.secret.indexOf('a', dep.pin) == 1",
	"'%d'.format([dep.secret]) == ''",
	"dep.secret.format([]) == ''",
	"('%' + dep.secret).format([1]) == ''",
	"dep.list.join() == ''",
	"base64.decode(dep.secret + '!') == b''",
	"dep.secret.all(x, x == 1)",
	"dep.pin.all(x, true)",
	"google.protobuf.Int32Value{value: dep.secret} == 1",
	"google.protobuf.Timestamp{seconds: dep.secret} == timestamp(0)",
	"google.protobuf.Duration{seconds: dep.pin * 1000000000000} == duration('1s')",
	"dep.secret",
	"!dep.secret",
	"dep.secret ? true : false",
	"dep.secret && true",
	"optional.none().value() == dep.secret",
	"dep.nil.x == dep.secret",
	"string(dep.map) == ''",
	"dep.pin / 0 == 1",
	"9223372036854775807 + dep.pin == 1",
	"sets.contains(dep.list, dep.secret)",
	"dep.list.all(a, int(a) > 0)",
}

func TestNoMessageQuotesAValue(t *testing.T) {
	failed := 0
	for _, expression := range attempts {
		for what, message := range messagesOf(t, expression) {
			// The expression itself is known to its author.
			message = strings.ReplaceAll(message, "'"+expression+"'", "")
			for _, value := range []string{"hunter2", "4711", "47.11"} {
				if strings.Contains(message, value) {
					t.Errorf("%s, %s: %s", expression, what, message)
				}
			}
			if message != "" {
				failed++
			}
		}
	}
	if failed < len(attempts) {
		t.Errorf("only %d messages", failed)
	}
}

// messagesOf returns the messages of readyExpr and healthCheckExprs about the neighbour.
func messagesOf(t *testing.T, expression string) map[string]string {
	t.Helper()
	messages := map[string]string{}
	request := &celRequest{Expression: expression, Inputs: []map[string]liveObject{{"dep": neighbour(), "self": {}}}}
	answer, err := (&expressions{}).evaluate(request)
	if err != nil {
		messages["when it is compiled"] = err.Error()
	} else {
		messages["readyExpr"] = answer.Results[0].Error
	}
	object := liveObject{"apiVersion": "x.y/v1", "kind": "Z", "metadata": map[string]any{"name": "n"}, "dep": map[string]any(neighbour())}
	check := decode[statusRequest](t, "checks: [{apiVersion: x.y/v1, kind: Z, current: 'true'}]")
	check.Checks[0].Current = expression
	check.Objects = []liveObject{object}
	statuses, err := (&expressions{}).statuses(check)
	if err != nil {
		messages["when the check is compiled"] = err.Error()
	} else {
		messages["healthCheckExprs"] = statuses.Statuses[0].Message
	}
	return messages
}

// Messages are the same as in Flux if they contain nothing of an object.
func TestMessagesOfExpressions(t *testing.T) {
	for expression, message := range map[string]string{
		"dep.map.missing == ''":                              "no such key: missing",
		"dep.map['mis/sing'] == ''":                          "no such key: mis/sing",
		"dep.missing.?x.orValue(1) == 1":                     "no such key: missing",
		"dep.list.all(x, dep.other == x)":                    "no such key: other",
		"dep.list[7] == ''":                                  "index out of bounds: 7",
		"dep.list[-1] == ''":                                 "index out of bounds: -1",
		"dep.list['x'] == ''":                                "unsupported index type 'string' in list",
		"dep.list[1.5] == ''":                                "unsupported index value",
		"dep.secret + 1 == 2":                                "no such overload",
		"dep.nil > 1":                                        "no such overload: _>_",
		"string(dep.map) == ''":                              "no such overload: string(map)",
		"int(dep.secret) == 1":                               "type conversion error from 'string' to 'int'",
		"dep.pin % 0 == 1":                                   "modulus by zero",
		"dep.pin.all(x, true)":                               "got 'types.Int', expected iterable type",
		"dep.map.missing[dep.secret] == ''":                  "no such key",
		"dep.map[dep.secret] == ''":                          "no such key",
		"dep.list[dep.pin] == ''":                            "index out of bounds",
		"dep.secret.charAt(99) == ''":                        "index out of range",
		"'a'.matches(dep.pattern)":                           "error parsing regexp",
		"timestamp(0).getHours(dep.secret) == 1":             "unknown time zone",
		"'%d'.format([dep.secret]) == ''":                    "error during formatting",
		"google.protobuf.Int32Value{value: dep.secret} == 1": "field type conversion error",
	} {
		got := messagesOf(t, expression)["readyExpr"]
		if want := "failed to evaluate the CEL expression '" + expression + "': " + message; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestOtherErrorsAreNotShown(t *testing.T) {
	e := &expressions{}
	if got := e.withoutValue("dep.x", "hunter2 is wrong"); got != otherError {
		t.Errorf("got %s", got)
	}
	if got := e.withoutValues(recovered("expression panic", func() error { panic("hunter2") })).Error(); strings.Contains(got, "hunter2") {
		t.Errorf("got %s", got)
	}
	request := decode[celRequest](t, "expression: 'true'\ninputs: [{dep: {apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, spec: {interval: hunter2}}}]")
	answer, err := e.evaluate(request)
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Results[0].Error; got != "failed to convert dep object to map: it is no valid Kustomization" {
		t.Errorf("got %s", got)
	}
}
