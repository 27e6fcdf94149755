package main

import (
	"fmt"
	"strings"

	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
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

// chartOrigin names what no layer has set.
const chartOrigin = "chart"

// addChartValues adds the values of a chart, and of those below it that these values switch
// on.
func (e *engine) addChartValues(answer *valuesAnswer, file *chartFileRequest, values map[string]any) error {
	c, _, err := e.charts.load(file)
	if err != nil {
		return err
	}
	if err := processDependencies(c, values); err != nil {
		return fail(reasonValues, err)
	}
	all, err := commonutil.CoalesceValues(c, values)
	if err != nil {
		return fail(reasonValues, err)
	}
	text, err := exactJSON(all.AsMap())
	if err != nil {
		return fail(reasonValues, err)
	}
	answer.All = string(text)
	named := map[string]string{}
	collectOrigins(named, "", marked(cloneValue(all.AsMap()), chartOrigin))
	for at := range named {
		if _, ok := answer.Origins[at]; !ok && len(answer.Origins) < maxOrigins {
			answer.Origins[at] = chartOrigin
		}
	}
	return nil
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
