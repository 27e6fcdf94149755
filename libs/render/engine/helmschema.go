package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// checkSchemas validates values against values.schema.json of a chart and of its
// dependencies, with Helm's library and messages. Helm reads any file or URL that a
// schema refers to. Here a reference to a URL is requested from the service, and files
// can't be referred to.
func checkSchemas(c *chart.Chart, values map[string]any, ask asker) error {
	problems, err := schemaProblems(c, values, &schemaLoader{ask: ask})
	if err != nil {
		return err
	}
	if problems == "" {
		return nil
	}
	return fmt.Errorf("values don't meet the specifications of the schema(s) in the following chart(s):\n%s", problems)
}

func schemaProblems(c *chart.Chart, values map[string]any, loader *schemaLoader) (string, error) {
	var out strings.Builder
	if c.Schema != nil {
		if err := checkSchema(c.Schema, values, loader); err != nil {
			fmt.Fprintf(&out, "%s:\n%s", c.Name(), err)
		}
	}
	for _, below := range c.Dependencies() {
		found, ok := values[below.Name()]
		if !ok || found == nil {
			continue
		}
		table, ok := found.(map[string]any)
		if !ok {
			fmt.Fprintf(&out, "%s:\ninvalid type for values: expected object (map), got %T\n", below.Name(), found)
			continue
		}
		problems, err := schemaProblems(below, table, loader)
		if err != nil {
			return "", err
		}
		out.WriteString(problems)
	}
	return out.String(), nil
}

// schemaName is Helm's name for the schema, with which messages start.
const schemaName = "file:///values.schema.json"

func checkSchema(schema []byte, values map[string]any, loader *schemaLoader) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("unable to validate schema: %s", r)
		}
	}()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(loader)
	if err := compiler.AddResource(schemaName, document); err != nil {
		return err
	}
	compiled, err := compiler.Compile(schemaName)
	if err != nil {
		return err
	}
	if values == nil {
		values = map[string]any{}
	}
	if err := compiled.Validate(values); err != nil {
		if invalid := (*jsonschema.ValidationError)(nil); errors.As(err, &invalid) {
			sortCauses(invalid)
		}
		text := strings.TrimPrefix(err.Error(), "jsonschema validation failed with '"+schemaName+"#'\n")
		return errors.New(text + "\n")
	}
	return nil
}

// sortCauses sorts the causes of an error: the library lists them in the random order of
// Go's maps.
func sortCauses(e *jsonschema.ValidationError) {
	for _, cause := range e.Causes {
		sortCauses(cause)
	}
	slices.SortStableFunc(e.Causes, func(a, b *jsonschema.ValidationError) int {
		if order := slices.Compare(a.InstanceLocation, b.InstanceLocation); order != 0 {
			return order
		}
		return strings.Compare(a.Error(), b.Error())
	})
}

// schemaLoader loads what a schema refers to.
type schemaLoader struct {
	ask   asker
	count int
}

const (
	maxSchemaURLs  = 50
	maxSchemaBytes = 4 << 20
)

func (l *schemaLoader) Load(url string) (any, error) {
	switch {
	case strings.HasPrefix(url, "urn:"):
		// As in Helm, a reference to an unknown name allows everything.
		return true, nil
	case strings.HasPrefix(url, "https://"), strings.HasPrefix(url, "http://"):
	default:
		return nil, fmt.Errorf("the schema refers to %s, which isn't in the chart", url)
	}
	if l.count++; l.count > maxSchemaURLs {
		return nil, fmt.Errorf("the schema refers to more than %d URLs", maxSchemaURLs)
	}
	answer, err := l.ask("helm.schema", map[string]string{"url": url})
	if err != nil {
		return nil, fmt.Errorf("the schema refers to %s: %w", url, err)
	}
	var text string
	if err := json.Unmarshal(answer, &text); err != nil || len(text) > maxSchemaBytes {
		return nil, fmt.Errorf("the schema refers to %s, which has no text or more than %d bytes", url, maxSchemaBytes)
	}
	return jsonschema.UnmarshalJSON(strings.NewReader(text))
}
