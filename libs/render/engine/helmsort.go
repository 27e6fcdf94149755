package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

// sortPlain divides plain documents into hooks and the manifest, as Helm does.
func sortPlain(rel *release.Release, documents []renderedDocument) (*releaseObjects, error) {
	objects := &releaseObjects{manifest: []json.RawMessage{}, hooks: map[*release.Hook][]json.RawMessage{}}
	var manifest []renderedDocument
	var hooks []renderedDocument
	for _, document := range documents {
		if _, isHook := document.object.annotations[release.HookAnnotation]; isHook {
			hooks = append(hooks, document)
		} else {
			manifest = append(manifest, document)
		}
	}
	slices.SortStableFunc(manifest, func(a, b renderedDocument) int { return compareKinds(a.object.kind, b.object.kind) })
	manifests := make([]releaseutil.Manifest, len(manifest))
	for i, document := range manifest {
		manifests[i] = releaseutil.Manifest{Name: document.file, Content: document.text}
		object, err := json.Marshal(document.object.fields)
		if err != nil {
			return nil, err
		}
		objects.manifest = append(objects.manifest, object)
	}
	rel.Manifest = manifestOf(manifests)
	return objects, addHooks(rel, hooks, objects)
}

var kindOrder = func() map[string]int {
	order := map[string]int{}
	for i, kind := range releaseutil.InstallOrder {
		order[kind] = i
	}
	return order
}()

// compareKinds gives Helm's order of installation. Kinds that Helm doesn't know come
// last, sorted by their names.
func compareKinds(a, b string) int {
	aAt, aKnown := kindOrder[a]
	bAt, bKnown := kindOrder[b]
	switch {
	case aKnown && bKnown:
		return aAt - bAt
	case aKnown:
		return -1
	case bKnown:
		return 1
	}
	return strings.Compare(a, b)
}

// addHooks lets Helm's own code read and sort what makes a document a hook. That code
// gets a file with a short document for each hook, whose names keep their order.
func addHooks(rel *release.Release, documents []renderedDocument, objects *releaseObjects) error {
	if len(documents) == 0 {
		return nil
	}
	files := make(map[string]string, len(documents))
	for i, document := range documents {
		head, err := json.Marshal(map[string]any{
			"apiVersion": document.object.apiVersion,
			"kind":       document.object.kind,
			"metadata":   map[string]any{"name": document.object.name, "annotations": document.object.annotations},
		})
		if err != nil {
			return err
		}
		files[fmt.Sprintf("%s\x00%09d", document.file, i)] = string(head)
	}
	hooks, _, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return err
	}
	for _, hook := range hooks {
		_, number, _ := strings.Cut(hook.Path, "\x00")
		at, err := strconv.Atoi(number)
		if err != nil {
			return err
		}
		hook.Path, hook.Manifest = documents[at].file, documents[at].text
		object, err := json.Marshal(documents[at].object.fields)
		if err != nil {
			return err
		}
		objects.hooks[hook] = []json.RawMessage{object}
	}
	rel.Hooks = hooks
	return nil
}
