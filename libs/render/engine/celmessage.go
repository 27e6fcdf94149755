package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/ext"
)

// An expression may be about an object that its author may not read, while its error is
// written where the author can read it. So the error of an evaluation says what went
// wrong, in Flux's words, and never with which value: only texts that can't contain a
// value of an object are shown, and all others are replaced.

// evaluated is how Flux's error of an evaluation begins. The expression and cel-go's
// error follow.
const evaluated = "failed to evaluate the CEL expression '"

// harmless matches errors of cel-go that consist of what the expression's author wrote
// and of names of functions and types.
var harmless = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`no such overload(?:: .*)?`,
	`division by zero`,
	`modulus by zero`,
	`(?:unsigned )?integer overflow`,
	`(?:duration|timestamp) overflow`,
	`operation interrupted`,
	`optional\.none\(\) dereference`,
	`NaN values cannot be ordered`,
	`invalid UTF-8 in bytes, cannot convert to string`,
	`type conversion error from '[\w.]+' to '[\w.]+'`,
	`unsupported index type '[\w.]+' in list`,
	`got '[\w.]+', expected iterable type`,
}, "|") + `)$`)

// shortened has the beginnings of errors that continue with a value; only the beginning
// is shown.
var shortened = []string{
	"no such key",
	"no such attribute(s)",
	"no such field",
	"index out of bounds",
	"index out of range",
	"invalid substring range",
	"unsupported index value",
	"error parsing regexp",
	"unknown time zone",
	"error during formatting",
	"insert failed",
	"field type conversion error",
	"type conversion error",
}

// otherError replaces every error that is not known to be harmless.
const otherError = "an error that may quote a value and is not shown"

// withoutValues returns the error of an evaluation in a form that may be shown.
func (e *expressions) withoutValues(err error) error {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		cause := errors.Unwrap(inner)
		source, ok := strings.CutPrefix(inner.Error(), evaluated)
		if !ok || cause == nil {
			continue
		}
		if source, ok = strings.CutSuffix(source, "': "+cause.Error()); ok {
			return fmt.Errorf("%s%s': %s", evaluated, source, e.withoutValue(source, cause.Error()))
		}
	}
	// This error quotes the expression and nothing else.
	if text := err.Error(); strings.HasPrefix(text, "failed to evaluate CEL expression as boolean: '") {
		return err
	}
	return errors.New("failed to evaluate the CEL expression: " + otherError)
}

// withoutValue returns cel-go's message about an expression in a form that may be shown.
func (e *expressions) withoutValue(source, text string) string {
	if harmless.MatchString(text) || e.written(source, text) {
		return text
	}
	for _, class := range shortened {
		if strings.HasPrefix(text, class) {
			return class
		}
	}
	return otherError
}

// written reports whether an error about something missing names only what the expression
// itself has, and no value of an object.
func (e *expressions) written(source, text string) bool {
	for _, class := range []string{"no such key: ", "index out of bounds: "} {
		if name, ok := strings.CutPrefix(text, class); ok {
			keys, err := e.keys.get(source, func() (map[string]bool, error) { return keysOf(source) })
			return err == nil && keys[name]
		}
	}
	return false
}

// keysOf returns the fields and constant keys that an expression asks for, or none if it
// asks for a computed one.
func keysOf(source string) (map[string]bool, error) {
	env, err := celgo.NewEnv(celgo.OptionalTypes(), ext.Strings(), ext.Sets(), ext.Encoders())
	if err != nil {
		return nil, err
	}
	parsed, issues := env.Parse(source)
	if err := issues.Err(); err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	computed := false
	ast.PostOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(node ast.Expr) {
		switch node.Kind() {
		case ast.SelectKind:
			keys[node.AsSelect().FieldName()] = true
		case ast.CallKind:
			if key, ok := keyOf(node.AsCall()); !ok {
				return
			} else if key.Kind() == ast.LiteralKind {
				keys[fmt.Sprint(key.AsLiteral())] = true
			} else {
				computed = true
			}
		}
	}))
	if computed {
		return nil, nil
	}
	return keys, nil
}

// keyOf returns the key or index of a look-up in a map or list.
func keyOf(call ast.CallExpr) (ast.Expr, bool) {
	switch call.FunctionName() {
	case operators.Index, operators.OptIndex, operators.OptSelect:
		if args := call.Args(); len(args) == 2 {
			return args[1], true
		}
	}
	return nil, false
}
