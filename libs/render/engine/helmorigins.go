package main

import (
	"fmt"
	"strings"
)

// origin is a value that knows which layer it came from.
type origin struct{ name string }

const (
	// maxOrigins bounds how many values are named one by one; with more, maps are
	// named instead of what is in them.
	maxOrigins = 10_000
)

// valueOrigins says of each value in the result who set it, by JSON pointer. It
// merges the layers once more, with each value replaced by its layer's name.
func valueOrigins(r *valuesRequest) map[string]string {
	result, failed := mergeLayers(r, markOrigins)
	if failed != nil {
		// A path that leads through what is no map fails with other words here.
		return map[string]string{}
	}
	origins := map[string]string{}
	collectOrigins(origins, "", result)
	return origins
}

// markOrigins replaces what has no origin yet.
func markOrigins(values map[string]any, name string) {
	for key, value := range values {
		values[key] = marked(value, name)
	}
}

func marked(value any, name string) any {
	switch v := value.(type) {
	case origin:
	case map[string]any:
		markOrigins(v, name)
	case []any:
		for i, item := range v {
			v[i] = marked(item, name)
		}
	default:
		return origin{name}
	}
	return value
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func collectOrigins(origins map[string]string, at string, value any) {
	if len(origins) >= maxOrigins {
		return
	}
	switch v := value.(type) {
	case origin:
		origins[at] = v.name
	case map[string]any:
		for _, key := range sortedKeys(v) {
			collectOrigins(origins, at+"/"+pointerEscapes.Replace(key), v[key])
		}
	case []any:
		for i, item := range v {
			collectOrigins(origins, fmt.Sprintf("%s/%d", at, i), item)
		}
	}
}
