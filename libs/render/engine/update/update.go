// Package update holds what a message template sees of the changes. The package and
// its types have the names that they have in Flux, since a message about a template
// that fails names them.
package update

import (
	"cmp"
	"maps"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// ObjectIdentifier names an object; what it lacks is empty.
type ObjectIdentifier struct {
	yaml.ResourceIdentifier
}

// Change is one value that a policy changes.
type Change struct {
	OldValue string
	NewValue string
	Setter   string
}

// ObjectChanges are changes by the object that they are in.
type ObjectChanges map[ObjectIdentifier][]Change

// Result is what one commit changes, by file.
type Result struct {
	FileChanges map[string]ObjectChanges
}

// Add puts one more change to those of an object in a file.
func (r *Result) Add(file string, object ObjectIdentifier, change Change) {
	if r.FileChanges == nil {
		r.FileChanges = map[string]ObjectChanges{}
	}
	if r.FileChanges[file] == nil {
		r.FileChanges[file] = ObjectChanges{}
	}
	r.FileChanges[file][object] = append(r.FileChanges[file][object], change)
}

// Changes are all changes, each once, in the order of files, objects and places.
func (r Result) Changes() []Change {
	seen := map[Change]bool{}
	var all []Change
	for _, file := range slices.Sorted(maps.Keys(r.FileChanges)) {
		objects := r.FileChanges[file]
		for _, object := range slices.SortedFunc(maps.Keys(objects), compare) {
			for _, change := range objects[object] {
				if !seen[change] {
					seen[change] = true
					all = append(all, change)
				}
			}
		}
	}
	return all
}

// Objects are the changes by object, whatever file it is in.
func (r Result) Objects() ObjectChanges {
	all := ObjectChanges{}
	for _, file := range slices.Sorted(maps.Keys(r.FileChanges)) {
		for object, changes := range r.FileChanges[file] {
			all[object] = append(all[object], changes...)
		}
	}
	return all
}

// compare has the order in which Go's templates go through a map with these keys.
func compare(a, b ObjectIdentifier) int {
	return cmp.Or(
		cmp.Compare(a.APIVersion, b.APIVersion),
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Namespace, b.Namespace),
	)
}
