package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/runtime/cel"
	celtypes "github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"k8s.io/apimachinery/pkg/runtime"
)

const reasonExpression = "InvalidCELExpression"

// expressionTime bounds one evaluation. CEL has no endless loops, but nested
// comprehensions over a large object can take almost as long. cel-go checks for the time
// limit too rarely in deep nesting; then the time limit of the pool ends the request.
const expressionTime = 2 * time.Second

type celRequest struct {
	// Expression has to give a boolean, or the type that Output names ("text", "any"). It
	// is type-checked.
	Expression string `json:"expression"`
	Output     string `json:"output"`
	// Floats makes every number of the inputs a double, as in JSON without a schema.
	// Otherwise whole numbers are integers, as in Kubernetes objects.
	Floats bool `json:"floats"`
	// Inputs has the values of the variables by name, one map for each evaluation. All
	// maps have the same names.
	Inputs []map[string]liveObject `json:"inputs"`
}

// The types that an expression may give besides a boolean.
const (
	outputText = "text"
	outputAny  = "any"
)

type celAnswer struct {
	Results []celResult `json:"results"`
}

// celResult is the value, or the reason why there is none.
type celResult struct {
	Value any    `json:"value"`
	Error string `json:"error,omitempty"`
}

// evaluate evaluates an expression over objects as Flux does for readyExpr: the variables
// are structs, and a Flux Kustomization among them has the fields that Flux's own type
// gives it (durations in their long form, false where nothing was set). An expression
// that doesn't compile fails the request.
func (e *expressions) evaluate(r *celRequest) (*celAnswer, error) {
	if len(r.Inputs) == 0 || len(r.Inputs) > maxInputs {
		return nil, fail(reasonInvalid, fmt.Errorf("%d inputs: 1 to %d are allowed", len(r.Inputs), maxInputs))
	}
	if err := checkLength(r.Expression); err != nil {
		return nil, fail(reasonExpression, err)
	}
	names := slices.Sorted(maps.Keys(r.Inputs[0]))
	key := strings.Join([]string{r.Output, strings.Join(names, ","), r.Expression}, ":")
	expression, err := e.booleans.get(key, func() (*cel.Expression, error) {
		options := []cel.Option{cel.WithCompile(), cel.WithStructVariables(names...)}
		switch r.Output {
		case "":
			options = append(options, cel.WithOutputType(celtypes.BoolType))
		case outputText:
			options = append(options, cel.WithOutputType(celtypes.StringType))
		}
		return cel.NewExpression(r.Expression, options...)
	})
	if err != nil {
		return nil, fail(reasonExpression, err)
	}
	answer := &celAnswer{Results: make([]celResult, len(r.Inputs))}
	for i, input := range r.Inputs {
		answer.Results[i] = e.evaluateOne(expression, input, r)
	}
	return answer, nil
}

func (e *expressions) evaluateOne(expression *cel.Expression, input map[string]liveObject, r *celRequest) (result celResult) {
	variables := make(map[string]any, len(input))
	for name, object := range input {
		variable, err := typed(object)
		if err != nil {
			// The error itself may quote a value.
			return celResult{Error: fmt.Sprintf("failed to convert %s object to map: it is no valid %s", name, kustomizev1.KustomizationKind)}
		}
		if r.Floats {
			asFloats(variable)
		}
		variables[name] = variable
	}
	err := recovered("expression panic", func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), expressionTime)
		defer cancel()
		switch r.Output {
		case outputAny:
			result.Value, err = expression.Evaluate(ctx, variables)
			result.Value = jsonValue(result.Value)
		case outputText:
			result.Value, err = expression.EvaluateString(ctx, variables)
		default:
			result.Value, err = expression.EvaluateBoolean(ctx, variables)
		}
		return err
	})
	if err != nil {
		return celResult{Error: e.withoutValues(err).Error()}
	}
	return result
}

// asFloats turns the integers of a value into floats, in place where possible.
func asFloats(value any) any {
	switch value := value.(type) {
	case int64:
		return float64(value)
	case map[string]any:
		for key, item := range value {
			value[key] = asFloats(item)
		}
	case []any:
		for i, item := range value {
			value[i] = asFloats(item)
		}
	}
	return value
}

// jsonValue converts the result of an expression to the types of JSON.
func jsonValue(value any) any {
	switch value := value.(type) {
	case ref.Val:
		if value.Type() == celtypes.NullType {
			return nil
		}
		return jsonValue(value.Value())
	case []ref.Val:
		plain := make([]any, len(value))
		for i, item := range value {
			plain[i] = jsonValue(item)
		}
		return plain
	case []any:
		plain := make([]any, len(value))
		for i, item := range value {
			plain[i] = jsonValue(item)
		}
		return plain
	case map[ref.Val]ref.Val:
		plain := make(map[string]any, len(value))
		for key, item := range value {
			plain[fmt.Sprint(key.Value())] = jsonValue(item)
		}
		return plain
	default:
		return value
	}
}

// typed gives a Kustomization the form that it has after Flux has read it.
func typed(object liveObject) (map[string]any, error) {
	if object["apiVersion"] != kustomizev1.GroupVersion.String() || object["kind"] != kustomizev1.KustomizationKind {
		return object, nil
	}
	data, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var kustomization kustomizev1.Kustomization
	if err := json.Unmarshal(data, &kustomization); err != nil {
		return nil, err
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(&kustomization)
}

// Bounds of what users write: compiling an expression takes time and memory in proportion
// to its length.
const (
	maxExpressionBytes = 16 << 10
	maxInputs          = 1_000
	maxChecks          = 100
	maxCheckBytes      = 64 << 10
)

func checkLength(expressions ...string) error {
	for _, expression := range expressions {
		if len(expression) > maxExpressionBytes {
			return fmt.Errorf("a CEL expression of %d bytes is too long: %d at most", len(expression), maxExpressionBytes)
		}
	}
	return nil
}

// expressions keeps compiled expressions: compiling takes a hundred times as long as
// evaluating, and the same few expressions are used again and again.
type expressions struct {
	booleans memo[*cel.Expression]
	readers  memo[*cel.StatusReader]
	// keys has the keys that each expression names, for messages about it.
	keys memo[map[string]bool]
}

// The bytes kept of each kind. This is far less than an engine may take, because the
// memory counts against the requests that come later, which may be another tenant's.
const (
	compiledBytes = 4 << 20
	keysBytes     = 1 << 20
)

// expressionBytes is roughly what a compiled expression takes, besides 32 bytes for each
// byte of its source.
const expressionBytes = 64 << 10

func newExpressions() *expressions {
	e := &expressions{}
	e.booleans.limit, e.readers.limit, e.keys.limit = compiledBytes, compiledBytes, keysBytes
	e.booleans.weigh = func(source string, _ *cel.Expression) int { return expressionBytes + 32*len(source) }
	e.readers.weigh = func(source string, _ *cel.StatusReader) int {
		return 3*expressionBytes*strings.Count(source, `"current"`) + 32*len(source)
	}
	e.keys.weigh = func(source string, keys map[string]bool) int { return len(source) + 128*len(keys) }
	return e
}
