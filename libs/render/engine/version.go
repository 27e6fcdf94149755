package main

import (
	"runtime/debug"
)

// sourceHash is set when the engine is built (-ldflags -X), from its sources and its
// dependencies: two engines with the same hash render the same.
var sourceHash = "unknown"

type versionAnswer struct {
	Hash      string `json:"hash"`
	Kustomize string `json:"kustomize"`
	Go        string `json:"go"`
}

func version() *versionAnswer {
	answer := &versionAnswer{Hash: sourceHash}
	if info, ok := debug.ReadBuildInfo(); ok {
		answer.Go = info.GoVersion
		for _, module := range info.Deps {
			if module.Path == "sigs.k8s.io/kustomize/api" {
				answer.Kustomize = module.Version
			}
		}
	}
	return answer
}
