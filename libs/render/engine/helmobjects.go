package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	release "helm.sh/helm/v4/pkg/release/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// releaseObjects has the objects of a release's manifest and of each hook.
type releaseObjects struct {
	manifest []json.RawMessage
	hooks    map[*release.Hook][]json.RawMessage
}

// objectsOf reads these objects from the release's texts.
func objectsOf(rel *release.Release) (*releaseObjects, error) {
	objects := &releaseObjects{hooks: map[*release.Hook][]json.RawMessage{}}
	var err error
	if objects.manifest, err = manifestObjects([]byte(rel.Manifest)); err != nil {
		return nil, fmt.Errorf("unable to build kubernetes objects from release manifest: %w", err)
	}
	for _, hook := range rel.Hooks {
		if objects.hooks[hook], err = manifestObjects([]byte(hook.Manifest)); err != nil {
			return nil, fmt.Errorf("unable to build kubernetes object for hook %s: %w", hook.Path, err)
		}
	}
	return objects, nil
}

// longNumbers matches integers with so many digits that they may be above 2^53.
var longNumbers = regexp.MustCompile(`[:\[,] ?-?[0-9]{16,}`)

// inexact names the integers that would reach the cluster with another value, because
// they pass through JavaScript.
func (o *releaseObjects) inexact() (warnings []string) {
	all := o.manifest
	for _, list := range o.hooks {
		all = slices.Concat(all, list)
	}
	for _, raw := range all {
		var object map[string]any
		if !longNumbers.Match(raw) || utiljson.Unmarshal(raw, &object) != nil {
			continue
		}
		warnings = append(warnings, inexact([]map[string]any{object})...)
	}
	slices.Sort(warnings)
	return warnings
}

// manifestObjects reads the objects of YAML documents as Helm does before it applies
// them: in their order, with the items of a list one by one, and without empty documents.
func manifestObjects(manifest []byte) ([]json.RawMessage, error) {
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	objects := []json.RawMessage{}
	for {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("error parsing manifest: %w", err)
		}
		raw = bytes.TrimSpace(raw)
		if len(raw) == 0 || string(raw) == "null" {
			continue
		}
		var err error
		if objects, err = appendObjects(objects, raw); err != nil {
			return nil, err
		}
	}
}

func appendObjects(objects []json.RawMessage, raw json.RawMessage) ([]json.RawMessage, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Items      *[]json.RawMessage
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("an object can't be read: %w", err)
	}
	if head.Kind == "" {
		return nil, errors.New("Object 'Kind' is missing in an object of the manifest")
	}
	if head.APIVersion == "" {
		return nil, fmt.Errorf("Object 'apiVersion' is missing in an object of kind %s", head.Kind)
	}
	if head.Items == nil {
		return append(objects, raw), nil
	}
	for _, item := range *head.Items {
		var err error
		if objects, err = appendObjects(objects, item); err != nil {
			return nil, err
		}
	}
	return objects, nil
}
