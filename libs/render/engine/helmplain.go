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
// keys that aren't strings and the like. The output for a plain document follows from its
// values (yamlwriter.go), so reading it once is enough. Documents that aren't plain or
// are wrong in any way take the long way, so results and messages stay the same.

// plainObject is an object of a plain document.
type plainObject struct {
	fields      map[string]any
	apiVersion  string
	kind        string
	name        string
	namespace   string
	annotations map[string]any
}

// readPlain reads a document if it is plain. A document without content gives nil.
func readPlain(document string) (object *plainObject, ok bool) {
	if fields, ok := readSimple(document); ok {
		return asPlainObject(fields)
	}
	// These are Windows line breaks, directives, and ends of documents.
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

// asPlainObject makes an object of the fields. It is not ok for fields that Kustomize
// checks or changes in its own way.
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

// isMarker reports whether an annotation has a meaning for Kustomize or for Helm's
// post-rendering.
func isMarker(key string) bool {
	return strings.Contains(key, "config.kubernetes.io/") || strings.Contains(key, "kustomize.config.k8s.io/") || key == fileAnnotation
}

// plainValue returns the value of a node. ok is false if the node isn't plain.
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
		// Writers of YAML write long keys in another form.
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

// isStable reports whether a text stays the same however often it is read and written. A
// text of several lines doesn't always if it begins with a blank or ends with empty
// lines.
func isStable(text string) bool {
	if strings.Contains(text, "\n") && (strings.ContainsRune(" \t\n", rune(text[0])) || strings.HasSuffix(text, "\n\n")) {
		return false
	}
	return !strings.ContainsFunc(text, isStrange)
}

// isStrange reports whether some writers of YAML change a character: line breaks other
// than '\n', and characters that can't be printed.
func isStrange(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r <= 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffd
}

// plainNumber converts a number to the form that JSON gives it.
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

// key must be different for all objects of a chart whose documents count as plain.
// Kustomize's own key has more parts.
func (o *plainObject) key() string { return o.kind + "/" + o.name }

// setMetadata sets labels or annotations, and overwrites the values that they had.
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

// renderedDocument is a document of a file, after post-rendering.
type renderedDocument struct {
	file   string
	text   string
	object *plainObject
}

// quickly does the work of post-renderers that only set metadata, if all documents are
// plain; otherwise ok is false.
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
