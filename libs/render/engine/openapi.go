package main

import (
	"errors"
	"sync"

	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// Kustomize keeps the OpenAPI schema that its builds use in a global variable.
// Builds that only read it may run at the same time; one that brings a schema of
// its own (the field `openapi`) runs alone and leaves the built-in one behind.
// Flux parses the schema anew for each build instead, at 50 ms each.
var (
	schemaUse  sync.RWMutex
	schemaOnce sync.Once
)

// errOwnSchema is why a build among others was broken off.
var errOwnSchema = errors.New("the build brings its own schema")

// withSharedSchema runs a build among others.
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

// warmUp parses the schema that Kustomize ships with. It costs more than most
// builds, and four times the memory that is needed in the end: that is kept low on
// the way and given back.
func warmUp() {
	withLittleMemory(func() { openapi.Schema() })
}
