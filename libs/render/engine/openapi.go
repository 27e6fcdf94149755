package main

import (
	"errors"
	"sync"

	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// Kustomize keeps the OpenAPI schema that its builds use in a global variable. Builds
// that only read it may run at the same time. A build with its own schema (the field
// `openapi`) runs alone and restores the built-in one afterwards. Flux parses the schema
// for each build instead, at 50 ms each.
var (
	schemaUse  sync.RWMutex
	schemaOnce sync.Once
)

// errOwnSchema is why a build that ran beside others was stopped.
var errOwnSchema = errors.New("the build brings its own schema")

// withSharedSchema runs a build beside others.
func withSharedSchema(run func()) {
	schemaOnce.Do(warmUp)
	schemaUse.RLock()
	defer schemaUse.RUnlock()
	run()
}

// withOwnSchema runs a build that changes the schema.
func withOwnSchema(run func()) {
	schemaOnce.Do(warmUp)
	schemaUse.Lock()
	defer schemaUse.Unlock()
	defer func() {
		openapi.ResetOpenAPI()
		warmUp()
	}()
	run()
}

// warmUp parses the schema that Kustomize ships with. This costs more than most builds,
// and four times the memory that is needed afterwards: garbage is collected often
// meanwhile, and given back at the end.
func warmUp() {
	withLittleMemory(func() { openapi.Schema() })
}
