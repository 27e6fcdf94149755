package main

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A document of a chart goes through YAML's reader and writer some ten times in Helm and
// Kustomize before it is stored. Nearly all documents are plain: without anchors, tags,
// keys that aren't strings and the like. Of these, what comes out is known from their
// values (yamlwriter.go), and reading them once is enough. Whatever isn't plain, or
// wrong in any way, goes the long way, for the same result and the same messages.

// plainObject is an object of a plain document.
type plainObject struct {
	fields      map[string]any
	apiVersion  string
	kind        string
	name        string
	namespace   string
	annotations map[string]any
}

// readPlain reads a document that is plain. One without content gives nil.
func readPlain(document string) (object *plainObject, ok bool) {
	if fields, ok := readSimple(document); ok {
		return asPlainObject(fields)
	}
	// Line breaks of Windows, directives, and ends of documents.
	if strings.Contains(document, "\r") || strings.HasPrefix(document, "%") || strings.Contains("\n"+document, "\n...") {
		return nil, false
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(document), &root); err != nil {
		return nil, false
	}
	if root.Kind == 0 {
		return nil, true
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 {
		return nil, false
	}
	value, ok := plainValue(root.Content[0])
	fields, isMap := value.(map[string]any)
	if !ok || !isMap {
		return nil, false
	}
	return asPlainObject(fields)
}

// asPlainObject takes what Kustomize checks or changes only in its own way for not plain.
func asPlainObject(fields map[string]any) (*plainObject, bool) {
	metadata, _ := fields["metadata"].(map[string]any)
	o := &plainObject{fields: fields, annotations: map[string]any{}}
	o.apiVersion, _ = fields["apiVersion"].(string)
	o.kind, _ = fields["kind"].(string)
	o.name, _ = metadata["name"].(string)
	namespace, hasNamespace := metadata["namespace"]
	o.namespace, _ = namespace.(string)
	if o.apiVersion == "" || o.kind == "" || o.name == "" || hasNamespace && o.namespace == "" || strings.HasSuffix(o.kind, "List") {
		return nil, false
	}
	for _, name := range []string{"labels", "annotations"} {
		value, ok := metadata[name]
		if !ok {
			continue
		}
		texts, isMap := value.(map[string]any)
		if !isMap || !allTexts(texts) {
			return nil, false
		}
		if name == "labels" {
			continue
		}
		for key := range texts {
			if isMarker(key) {
				return nil, false
			}
		}
		// Helm removes empty annotations, but keeps empty labels.
		if len(texts) == 0 {
			delete(metadata, name)
		}
		o.annotations = texts
	}
	return o, true
}

func allTexts(values map[string]any) bool {
	for _, value := range values {
		if _, ok := value.(string); !ok {
			return false
		}
	}
	return true
}

// isMarker tells annotations that mean something to Kustomize or Helm's post-rendering.
func isMarker(key string) bool {
	return strings.Contains(key, "config.kubernetes.io/") || strings.Contains(key, "kustomize.config.k8s.io/") || key == fileAnnotation
}

// plainValue is what a node stands for. ok is false for what isn't plain.
func plainValue(n *yaml.Node) (value any, ok bool) {
	if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		return nil, false
	}
	switch n.Kind {
	case yaml.MappingNode:
		return plainMap(n)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			if list[i], ok = plainValue(item); !ok || list[i] == nil {
				return nil, false
			}
		}
		return list, true
	case yaml.ScalarNode:
		return plainScalar(n)
	}
	return nil, false
}

func plainMap(n *yaml.Node) (any, bool) {
	fields := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, ok := plainValue(n.Content[i])
		name, isText := key.(string)
		_, isTwice := fields[name]
		// Writers of YAML lay long keys out in another way.
		if !ok || !isText || isTwice || len(name) > 100 || strings.Contains(name, "\n") {
			return nil, false
		}
		if fields[name], ok = plainValue(n.Content[i+1]); !ok {
			return nil, false
		}
	}
	return fields, true
}

func plainScalar(n *yaml.Node) (any, bool) {
	switch n.ShortTag() {
	case "!!str":
		return n.Value, isStable(n.Value)
	case "!!null":
		return nil, true
	case "!!bool":
		var b bool
		err := n.Decode(&b)
		return b, err == nil
	case "!!int", "!!float":
		var number any
		if n.Decode(&number) != nil {
			return nil, false
		}
		return plainNumber(number)
	}
	return nil, false
}

// isStable tells texts that stay the same however often they are read and written: those of
// several lines don't always if they begin with a blank or end with empty lines.
func isStable(text string) bool {
	if strings.Contains(text, "\n") && (strings.ContainsRune(" \t\n", rune(text[0])) || strings.HasSuffix(text, "\n\n")) {
		return false
	}
	return !strings.ContainsFunc(text, isStrange)
}

// isStrange tells what some writers of YAML change: breaks of lines that aren't '\n', and
// what can't be printed.
func isStrange(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r <= 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffd
}

// plainNumber brings numbers to what JSON makes of them.
func plainNumber(number any) (any, bool) {
	switch v := number.(type) {
	case int:
		return int64(v), true
	case int64, uint64:
		return v, true
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, false
		}
		text, err := json.Marshal(v)
		if err != nil {
			return nil, false
		}
		if whole, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return whole, true
		}
		if whole, err := strconv.ParseUint(string(text), 10, 64); err == nil {
			return whole, true
		}
		return v, true
	}
	return nil, false
}

// key is what no two objects of a chart may have in common to be plain together. Kustomize
// tells more objects apart.
func (o *plainObject) key() string { return o.kind + "/" + o.name }

// setMetadata sets labels or annotations, which may be there with other values.
func (o *plainObject) setMetadata(field string, values map[string]string) {
	if len(values) == 0 {
		return
	}
	metadata := o.fields["metadata"].(map[string]any)
	texts, ok := metadata[field].(map[string]any)
	if !ok {
		texts = map[string]any{}
		metadata[field] = texts
	}
	for key, value := range values {
		texts[key] = value
	}
	if field == "annotations" {
		o.annotations = texts
	}
}

// renderedDocument is a document of a file after post-rendering.
type renderedDocument struct {
	file   string
	text   string
	object *plainObject
}

// quickly does for plain documents what the post-renderers do that only set metadata.
// ok is false where one document isn't plain.
func (p *postRender) quickly(files map[string]string) (rendered []renderedDocument, ok bool) {
	if len(p.Renderers) > 0 {
		return nil, false
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, document := range documents(name, files[name]) {
			object, ok := readPlain(document)
			if !ok {
				return nil, false
			}
			if object == nil {
				continue
			}
			if seen[object.key()] {
				return nil, false
			}
			seen[object.key()] = true
			if p.CommonMetadata != nil {
				if !plainTexts(p.CommonMetadata.Labels) || !plainTexts(p.CommonMetadata.Annotations) {
					return nil, false
				}
				object.setMetadata("labels", p.CommonMetadata.Labels)
				object.setMetadata("annotations", p.CommonMetadata.Annotations)
			}
			if p.Origin != nil {
				object.setMetadata("labels", p.Origin.labels())
			}
			text, err := yamlText(object.fields)
			if err != nil {
				return nil, false
			}
			rendered = append(rendered, renderedDocument{name, text, object})
		}
	}
	return rendered, true
}

func plainTexts(texts map[string]string) bool {
	for key := range texts {
		if isMarker(key) || len(key) > 100 {
			return false
		}
	}
	return true
}
