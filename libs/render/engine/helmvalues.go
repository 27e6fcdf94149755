package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sort"
	"strings"

	goyaml "go.yaml.in/yaml/v2"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"

	"weir/render/wire"
)

// valuesLayer is one source of values: a values file, or one value for a path.
type valuesLayer struct {
	// Origin is the layer's name in answers.
	Origin string `json:"origin"`
	// YAML is the text of a values file.
	YAML *string `json:"yaml"`
	// Text is set at TargetPath, by the rules of `helm --set` unless Literal is set.
	Text       string `json:"text"`
	TargetPath string `json:"targetPath"`
	Literal    bool   `json:"literal"`
	// Secret says that error messages must not quote the text.
	Secret bool `json:"secret"`
}

type valuesRequest struct {
	Layers []valuesLayer `json:"layers"`
	// Inline is spec.values as JSON text; empty if it isn't set.
	Inline string `json:"inline"`
	// Chart, if given, adds its own values to those that are named.
	Chart *chartFileRequest `json:"chart"`
}

// layerError says which layer can't be used, and why.
type layerError struct {
	Origin  string `json:"origin"`
	Message string `json:"message"`
}

type valuesAnswer struct {
	Values  string            `json:"values"`
	Digest  string            `json:"digest"`
	Origins map[string]string `json:"origins"`
	// All has the values together with the chart's own.
	All    string      `json:"all,omitempty"`
	Failed *layerError `json:"failed,omitempty"`
}

const (
	inlineOrigin = "spec.values"
	// maxValuesBytes bounds each layer, and the result of all.
	maxValuesBytes = 8 << 20
)

// helmValues merges the layers as helm-controller does.
func (e *engine) helmValues(r *valuesRequest) (*valuesAnswer, error) {
	values, failed := mergeLayers(r, nil)
	if failed != nil {
		return &valuesAnswer{Failed: failed}, nil
	}
	text, err := exactJSON(values)
	if err != nil {
		return nil, fail(reasonValues, err)
	}
	if len(text) > maxValuesBytes {
		return nil, fail(reasonValues, fmt.Errorf("the values have %d bytes, %d are allowed", len(text), maxValuesBytes))
	}
	digest, err := valuesDigest(values)
	if err != nil {
		return nil, fail(reasonValues, err)
	}
	answer := &valuesAnswer{Values: string(text), Digest: digest, Origins: valueOrigins(r)}
	if r.Chart != nil {
		err = e.addChartValues(answer, r.Chart, values)
	}
	return answer, err
}

// mergeLayers merges the inline values before each value for a path, and once more at the
// end. So a value that was set at a path stays only if its map is one that the result
// shares with the inline values. mark, if given, is called with all values after each
// layer.
func mergeLayers(r *valuesRequest, mark func(values map[string]any, origin string)) (map[string]any, *layerError) {
	if mark == nil {
		mark = func(map[string]any, string) {}
	}
	var inline map[string]any
	if r.Inline != "" {
		if err := json.Unmarshal([]byte(r.Inline), &inline); err != nil {
			return nil, &layerError{inlineOrigin, wire.Shorten(err.Error())}
		}
	}
	mark(inline, inlineOrigin)
	result := map[string]any{}
	for _, layer := range r.Layers {
		if layer.YAML == nil {
			result = mergeMaps(result, inline)
			if err := setPath(result, layer); err != nil {
				return nil, &layerError{layer.Origin, wire.Shorten(err.Error())}
			}
			mark(result, layer.Origin)
			continue
		}
		values, err := readLayer(*layer.YAML)
		if err != nil {
			return nil, &layerError{layer.Origin, wire.Shorten(err.Error())}
		}
		mark(values, layer.Origin)
		result = mergeMaps(result, values)
	}
	return mergeMaps(result, inline), nil
}

func readLayer(text string) (map[string]any, error) {
	if len(text) > maxValuesBytes {
		return nil, fmt.Errorf("it has %d bytes, %d are allowed", len(text), maxValuesBytes)
	}
	return common.ReadValues([]byte(text))
}

// mergeMaps returns a map with the values of b over those of a: maps are merged, anything
// else is replaced. Neither a nor b is changed, but the result shares nested values that
// only one of them has.
func mergeMaps(a, b map[string]any) map[string]any {
	out := make(map[string]any, len(a)+len(b))
	maps.Copy(out, a)
	for key, value := range b {
		below, isMap := value.(map[string]any)
		under, wasMap := out[key].(map[string]any)
		if isMap && wasMap {
			value = mergeMaps(under, below)
		}
		out[key] = value
	}
	return out
}

// setPath sets one value in a map. A quoted value is a string, and so is a literal one,
// in which no character has a special meaning.
func setPath(values map[string]any, layer valuesLayer) error {
	text, set := layer.Text, strvals.ParseInto
	switch {
	case layer.Literal:
		text, set = literal.Replace(text), strvals.ParseIntoString
	case isQuoted(text, "'") || isQuoted(text, `"`):
		text, set = strings.Trim(text, `'"`), strvals.ParseIntoString
	}
	err := set(layer.TargetPath+"="+text, values)
	if err != nil && layer.Secret {
		return errors.New("the value can't be set at this path: quote it, or use literal")
	}
	return err
}

func isQuoted(text, quote string) bool {
	return strings.HasPrefix(text, quote) && strings.HasSuffix(text, quote)
}

// literal escapes the characters that have a meaning in `helm --set`.
var literal = strings.NewReplacer(`\`, `\\`, `,`, `\,`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`)

// valuesDigest returns Flux's configDigest: the digest of the values as YAML with sorted
// keys, or of nothing if there are no values.
func valuesDigest(values map[string]any) (string, error) {
	sum := sha256.New()
	if len(values) > 0 {
		sorted := yaml.JSONObjectToYAMLObject(values)
		sortKeys(sorted)
		if err := goyaml.NewEncoder(sum).Encode(sorted); err != nil {
			return "", err
		}
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

func sortKeys(value any) {
	switch v := value.(type) {
	case goyaml.MapSlice:
		sort.Slice(v, func(i, j int) bool { return v[i].Key.(string) < v[j].Key.(string) })
		for _, item := range v {
			sortKeys(item.Value)
		}
	case []any:
		for _, item := range v {
			sortKeys(item)
		}
	}
}

// exactJSON encodes values so that parseExact returns the same ones: a floating point
// number has a point or an exponent, and an integer has none. Templates print the two
// differently.
func exactJSON(value any) ([]byte, error) {
	var out bytes.Buffer
	err := writeExact(&out, value)
	return out.Bytes(), err
}

func writeExact(out *bytes.Buffer, value any) error {
	switch v := value.(type) {
	case map[string]any:
		separator := byte('{')
		for _, key := range sortedKeys(v) {
			out.WriteByte(separator)
			separator = ','
			if err := writeExact(out, key); err != nil {
				return err
			}
			out.WriteByte(':')
			if err := writeExact(out, v[key]); err != nil {
				return err
			}
		}
		if len(v) == 0 {
			out.WriteByte('{')
		}
		return out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeExact(out, item); err != nil {
				return err
			}
		}
		return out.WriteByte(']')
	}
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	out.Write(data)
	if _, isFloat := value.(float64); isFloat && !bytes.ContainsAny(data, ".e") {
		out.WriteString(".0")
	}
	return nil
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// parseExact parses what exactJSON has written.
func parseExact(text string) (map[string]any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	values := map[string]any{}
	if err := decoder.Decode(&values); err != nil {
		return nil, err
	}
	if values == nil {
		values = map[string]any{}
	}
	return exactNumbers(values).(map[string]any), nil
}

func exactNumbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = exactNumbers(item)
		}
	case []any:
		for i, item := range v {
			v[i] = exactNumbers(item)
		}
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") {
			if n, err := v.Int64(); err == nil {
				return n
			}
		}
		f, _ := v.Float64()
		return f
	}
	return value
}
