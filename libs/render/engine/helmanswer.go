package main

import (
	"encoding/json"
	"slices"
	"strings"

	release "helm.sh/helm/v4/pkg/release/v1"
)

// releaseAnswer has what the service needs to know of a release.
type releaseAnswer struct {
	Name         string            `json:"name"`
	Namespace    string            `json:"namespace"`
	Version      int               `json:"version"`
	ApplyMethod  string            `json:"applyMethod"`
	Chart        helmMetadata      `json:"chart"`
	Info         *infoRequest      `json:"info"`
	Values       string            `json:"values"`
	ConfigDigest string            `json:"configDigest"`
	Manifest     string            `json:"manifest"`
	Objects      []json.RawMessage `json:"objects"`
	Hooks        []hookAnswer      `json:"hooks"`
}

type hookAnswer struct {
	Index             int                           `json:"index"`
	Name              string                        `json:"name"`
	Kind              string                        `json:"kind"`
	Path              string                        `json:"path"`
	Events            []release.HookEvent           `json:"events"`
	Weight            int                           `json:"weight"`
	DeletePolicies    []release.HookDeletePolicy    `json:"deletePolicies"`
	OutputLogPolicies []release.HookOutputLogPolicy `json:"outputLogPolicies"`
	LastRun           hookRun                       `json:"lastRun"`
	Objects           []json.RawMessage             `json:"objects"`
}

// readRelease reads the answer from a release. Without objects, the answer has none.
func readRelease(rel *release.Release, objects *releaseObjects) (*releaseAnswer, error) {
	values, err := exactJSON(rel.Config)
	if err != nil {
		return nil, err
	}
	digest, err := valuesDigest(rel.Config)
	if err != nil {
		return nil, err
	}
	answer := &releaseAnswer{
		Name:         rel.Name,
		Namespace:    rel.Namespace,
		Version:      rel.Version,
		ApplyMethod:  rel.ApplyMethod,
		Info:         infoOf(rel.Info),
		Values:       string(values),
		ConfigDigest: digest,
		Manifest:     rel.Manifest,
		Objects:      []json.RawMessage{},
		Hooks:        []hookAnswer{},
	}
	if rel.Chart != nil {
		answer.Chart = metadataOf(rel.Chart.Metadata)
	}
	if objects != nil {
		answer.Objects = objects.manifest
	}
	for i, h := range rel.Hooks {
		if h == nil {
			continue
		}
		hook := hookAnswer{i, h.Name, h.Kind, h.Path, orEmpty(h.Events), h.Weight, orEmpty(h.DeletePolicies), orEmpty(h.OutputLogPolicies), hookRunOf(h.LastRun), []json.RawMessage{}}
		if objects != nil {
			hook.Objects = objects.hooks[h]
		}
		answer.Hooks = append(answer.Hooks, hook)
	}
	slices.SortStableFunc(answer.Hooks, func(a, b hookAnswer) int {
		if a.Weight != b.Weight {
			return a.Weight - b.Weight
		}
		return strings.Compare(a.Name, b.Name)
	})
	return answer, nil
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
