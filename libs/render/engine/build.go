package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	kustypes "sigs.k8s.io/kustomize/api/types"
)

type buildRequest struct {
	Digest        string            `json:"digest"`
	File          string            `json:"file"`
	Path          string            `json:"path"`
	Kustomization customization     `json:"kustomization"`
	Substitute    *substitution     `json:"substitute"`
	OwnerLabels   map[string]string `json:"ownerLabels"`
	// Decrypt asks for the plain text of what SOPS encrypted (callback "decrypt").
	Decrypt bool `json:"decrypt"`
}

// buildAnswer has its trace and warnings with an error too: a failed build fails again
// for as long as everything in its trace stays the same.
type buildAnswer struct {
	Objects  []map[string]any `json:"objects"`
	Digest   string           `json:"digest,omitempty"`
	Trace    *trace           `json:"trace"`
	Warnings []string         `json:"warnings"`
	Failed   *wireError       `json:"failed,omitempty"`
}

// build turns a folder of an artifact into the objects that Flux's
// kustomize-controller would apply, in Kustomize's order.
func (e *engine) build(r *buildRequest, ask asker) (*buildAnswer, error) {
	t, err := e.artifacts.load(r.Digest, r.File)
	if err != nil {
		return nil, err
	}
	var manifests []byte
	v, inspect := newView(t), newInspector()
	withSharedSchema(func() { manifests, err = render(v, inspect, r, ask) })
	if inspect.ownSchema {
		v, inspect = newView(t), newInspector()
		inspect.mayOwnSchema = true
		withOwnSchema(func() { manifests, err = render(v, inspect, r, ask) })
	}
	answer := &buildAnswer{Objects: []map[string]any{}, Warnings: []string{}, Trace: v.trace}
	if err == nil {
		sum := sha256.Sum256(manifests)
		answer.Digest = "sha256:" + hex.EncodeToString(sum[:])
		answer.Objects, err = objects(bytes.NewReader(manifests), r.OwnerLabels, r.Kustomization.CommonMetadata)
	}
	if err != nil {
		answer.Failed = toWire(err)
	}
	answer.Warnings = append(append(answer.Warnings, inspect.warnings...), inexact(answer.Objects)...)
	return answer, nil
}

// render returns the multi-document YAML that Flux computes its digest from.
func render(v *view, inspect *inspector, r *buildRequest, ask asker) ([]byte, error) {
	v.onRead = inspect.read
	// Flux joins the path securely: ".." stops at the artifact's root.
	folder := filepath.Join(mount, filepath.Join("/", r.Path))
	if _, err := v.Stat(folder); err != nil {
		return nil, fail(reasonArtifact, fmt.Errorf("kustomization path not found: %w", err))
	}
	if err := generate(v, folder, &r.Kustomization); err != nil {
		return nil, fail(reasonBuild, err)
	}
	var decrypt *decrypter
	if r.Decrypt {
		decrypt = newDecrypter(v, ask)
		if err := decrypt.sources(folder); err != nil {
			return nil, fail(reasonBuild, fmt.Errorf("error decrypting sources: %w", err))
		}
	}
	resources, err := runKustomize(v, folder)
	if err != nil {
		return nil, fail(reasonBuild, fmt.Errorf("kustomize build failed: %w", inspect.explain(err)))
	}
	if err := finish(resources, decrypt, r.Substitute); err != nil {
		return nil, fail(reasonBuild, err)
	}
	manifests, err := resources.AsYaml()
	if err != nil {
		return nil, fail(reasonBuild, fmt.Errorf("kustomize build failed: %w", err))
	}
	return manifests, nil
}

// finish checks that each resource is a Kubernetes object, decrypts it, and replaces its
// variables, in Flux's order and with Flux's messages.
func finish(resources resmap.ResMap, decrypt *decrypter, variables *substitution) error {
	for _, res := range resources.Resources() {
		if res.GetName() == "" || res.GetKind() == "" || res.GetApiVersion() == "" {
			return fmt.Errorf("failed to decode Kubernetes apiVersion, kind and name from: %v", res.String())
		}
		var changed bool
		if decrypt != nil {
			decrypted, err := decrypt.object(res)
			if err != nil {
				return fmt.Errorf("decryption failed for '%s/%s': %w", res.GetGvk(), res.GetName(), err)
			}
			changed = decrypted
		}
		if variables != nil {
			replaced, err := substitute(res, variables)
			if err != nil {
				return fmt.Errorf("post build failed for '%s/%s': %w", res.GetGvk(), res.GetName(), err)
			}
			changed = changed || replaced
		}
		if !changed {
			continue
		}
		if _, err := resources.Replace(res); err != nil {
			return err
		}
	}
	return nil
}

// runKustomize runs Kustomize as Flux does: files may come from anywhere in the artifact,
// and plugins are off.
func runKustomize(v *view, folder string) (resources resmap.ResMap, err error) {
	options := &krusty.Options{
		LoadRestrictions: kustypes.LoadRestrictionsNone,
		PluginConfig:     kustypes.DisabledPluginConfig(),
	}
	err = recovered("kustomize build panic", func() error {
		resources, err = krusty.MakeKustomizer(options).Run(v, folder)
		return err
	})
	return resources, err
}
