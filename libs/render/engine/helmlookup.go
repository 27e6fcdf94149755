package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/dynamic"
)

// lookupQuery is a template's question for an object, or for all objects of a kind if
// Name is empty.
type lookupQuery struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

const (
	maxLookups     = 1_000
	maxLookupBytes = 8 << 20
)

// lookups answers the template function `lookup` within one render. Each question is
// asked once.
type lookups struct {
	ask   asker
	known map[lookupQuery]json.RawMessage
	bytes int
}

func newLookups(ask asker) *lookups {
	return &lookups{ask: ask, known: map[lookupQuery]json.RawMessage{}}
}

// GetClientFor is called by Helm when it needs a client. Whether the kind has namespaces
// is left to the service, which answers the query.
func (l *lookups) GetClientFor(apiVersion, kind string) (dynamic.NamespaceableResourceInterface, bool, error) {
	return &lookupClient{lookups: l, query: lookupQuery{APIVersion: apiVersion, Kind: kind}}, true, nil
}

func (l *lookups) answer(q lookupQuery) (map[string]any, error) {
	found, ok := l.known[q]
	if !ok {
		if len(l.known) >= maxLookups {
			return nil, fmt.Errorf("the chart makes more than %d look-ups", maxLookups)
		}
		var err error
		if found, err = l.ask("helm.lookup", q); err != nil {
			return nil, err
		}
		if l.bytes += len(found); l.bytes > maxLookupBytes {
			return nil, fmt.Errorf("the chart looks up more than %d bytes", maxLookupBytes)
		}
		l.known[q] = found
	}
	if len(found) == 0 || string(found) == "null" {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: q.Kind}, q.Name)
	}
	var object map[string]any
	// Integers stay integers, as with the clients of Kubernetes.
	if err := utiljson.Unmarshal(found, &object); err != nil {
		return nil, errors.New("a look-up has no object for an answer")
	}
	return object, nil
}

// lookupClient is the part of a Kubernetes client that Helm uses. A method that isn't
// implemented here panics, which fails the render.
type lookupClient struct {
	dynamic.NamespaceableResourceInterface
	lookups *lookups
	query   lookupQuery
}

func (c *lookupClient) Namespace(namespace string) dynamic.ResourceInterface {
	in := *c
	in.query.Namespace = namespace
	return &in
}

func (c *lookupClient) Get(_ context.Context, name string, _ metav1.GetOptions, _ ...string) (*unstructured.Unstructured, error) {
	q := c.query
	q.Name = name
	object, err := c.lookups.answer(q)
	return &unstructured.Unstructured{Object: object}, err
}

func (c *lookupClient) List(_ context.Context, _ metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	object, err := c.lookups.answer(c.query)
	if err != nil {
		return nil, err
	}
	list := &unstructured.UnstructuredList{}
	items, _ := object["items"].([]any)
	delete(object, "items")
	list.Object = object
	for _, item := range items {
		if o, ok := item.(map[string]any); ok {
			list.Items = append(list.Items, unstructured.Unstructured{Object: o})
		}
	}
	return list, nil
}
