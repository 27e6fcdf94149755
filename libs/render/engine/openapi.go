package main

import "sigs.k8s.io/kustomize/kyaml/openapi"

// builtinSchema is what Kustomize calls the schema that it starts with.
var builtinSchema = openapi.GetSchemaVersion()

// warmUp parses the OpenAPI schema that Kustomize ships with, which is most of
// what a process' first build costs.
func warmUp() {
	openapi.Schema()
}

// restoreSchema undoes what a build with an `openapi` field did to Kustomize's
// global schema, so that it isn't seen by the next build. Flux parses the schema
// anew for each build instead, at 50 ms each.
func restoreSchema() {
	if openapi.GetSchemaVersion() != builtinSchema {
		openapi.ResetOpenAPI()
		warmUp()
	}
}
