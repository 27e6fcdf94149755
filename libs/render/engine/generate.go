package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/provider"
	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"
)

// The rules of this file are those of the Generator in github.com/fluxcd/pkg/kustomize,
// which writes to a disk. This one writes to the build's overlay.

// customization has the fields that a Flux Kustomization's spec adds to the kustomization
// file at its path. Field names are those of the Flux API.
type customization struct {
	TargetNamespace         string          `json:"targetNamespace"`
	NamePrefix              string          `json:"namePrefix"`
	NameSuffix              string          `json:"nameSuffix"`
	Patches                 []patch         `json:"patches"`
	Images                  []image         `json:"images"`
	Components              []string        `json:"components"`
	IgnoreMissingComponents bool            `json:"ignoreMissingComponents"`
	BuildMetadata           []string        `json:"buildMetadata"`
	CommonMetadata          *commonMetadata `json:"commonMetadata"`
}

type patch struct {
	Patch  string    `json:"patch"`
	Target *selector `json:"target"`
}

type selector struct {
	Group              string `json:"group"`
	Version            string `json:"version"`
	Kind               string `json:"kind"`
	Namespace          string `json:"namespace"`
	Name               string `json:"name"`
	AnnotationSelector string `json:"annotationSelector"`
	LabelSelector      string `json:"labelSelector"`
}

type image struct {
	Name    string `json:"name"`
	NewName string `json:"newName"`
	NewTag  string `json:"newTag"`
	Digest  string `json:"digest"`
}

type commonMetadata struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// generate writes the kustomization file of folder (absolute, below mount) with the
// customization applied to the view's overlay.
func generate(v *view, folder string, c *customization) error {
	data, kfile, existed, err := findOrScan(v, folder)
	if err != nil {
		return err
	}
	k := kustypes.Kustomization{
		TypeMeta: kustypes.TypeMeta{APIVersion: kustypes.KustomizationVersion, Kind: kustypes.KustomizationKind},
	}
	if err := yaml.Unmarshal(data, &k); err != nil {
		return fmt.Errorf("failed to decode %s: %w", kfile, err)
	}
	if existed && len(k.Resources) == 0 {
		// Kustomize refuses an empty kustomization file.
		k.BuildMetadata = []string{kustypes.OriginAnnotations}
	}
	if err := customize(v, folder, &k, c); err != nil {
		return err
	}
	manifest, err := yaml.Marshal(k)
	if err != nil {
		return err
	}
	rel, _ := inside(kfile)
	if v.look(parent(rel)) == kindFile {
		return v.missing("open", rel)
	}
	v.overlay[rel] = manifest
	return nil
}

// findOrScan returns the kustomization file of a folder, or else a new one that lists the
// manifests in the folder.
func findOrScan(v *view, folder string) (data []byte, kfile string, existed bool, err error) {
	if kfile, ok := kustomizationFile(v, folder); ok {
		data, err := v.ReadFile(kfile)
		return data, kfile, true, err
	}
	found, err := scan(v, folder)
	if err != nil {
		return nil, "", false, err
	}
	k := kustypes.Kustomization{
		TypeMeta: kustypes.TypeMeta{APIVersion: kustypes.KustomizationVersion, Kind: kustypes.KustomizationKind},
	}
	for _, name := range found {
		k.Resources = append(k.Resources, strings.Replace(name, folder, ".", 1))
	}
	if len(found) == 0 {
		// Kustomize refuses an empty kustomization file.
		k.Namespace = "_placeholder"
	}
	data, err = yaml.Marshal(k)
	return data, filepath.Join(folder, konfig.DefaultKustomizationFileName()), false, err
}

func kustomizationFile(v *view, folder string) (string, bool) {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if kfile := filepath.Join(folder, name); v.Exists(kfile) && !v.IsDir(kfile) {
			return kfile, true
		}
	}
	return "", false
}

// scan lists the resources for a generated kustomization file: every YAML file below the
// folder, and each subfolder that has a kustomization file, as a whole. A YAML file that
// is no Kubernetes manifest is an error, which names the file.
func scan(v *view, folder string) ([]string, error) {
	var found []string
	factory := provider.NewDefaultDepProvider().GetResourceFactory()
	err := v.Walk(folder, func(name string, info os.FileInfo, err error) error {
		if err != nil || name == folder {
			return err
		}
		if info.IsDir() {
			if _, ok := kustomizationFile(v, name); ok {
				found = append(found, name)
				return filepath.SkipDir
			}
			return nil
		}
		if ext := filepath.Ext(name); ext != ".yaml" && ext != ".yml" {
			return nil
		}
		data, err := v.ReadFile(name)
		if err != nil {
			return err
		}
		err = recovered("panic while parsing YAML", func() error {
			_, err := factory.SliceFromBytes(data)
			return err
		})
		if err != nil {
			return fmt.Errorf("failed to decode Kubernetes YAML from %s: %w", name, err)
		}
		found = append(found, name)
		return nil
	})
	return found, err
}

// customize adds the spec's fields to the kustomization file.
func customize(v *view, folder string, k *kustypes.Kustomization, c *customization) error {
	if c.TargetNamespace != "" {
		k.Namespace = c.TargetNamespace
	}
	if c.NamePrefix != "" {
		k.NamePrefix = c.NamePrefix
	}
	if c.NameSuffix != "" {
		k.NameSuffix = c.NameSuffix
	}
	for _, p := range c.Patches {
		k.Patches = append(k.Patches, kustypes.Patch{Patch: p.Patch, Target: target(p.Target)})
	}
	for _, component := range c.Components {
		if isRemote(component) || filepath.IsAbs(component) {
			return fmt.Errorf("component path '%s' must be local and relative", component)
		}
		if !v.Exists(filepath.Join(folder, component)) && c.IgnoreMissingComponents {
			continue
		}
		k.Components = append(k.Components, component)
	}
	for _, i := range c.Images {
		k.Images = setImage(k.Images, i)
	}
	if len(c.BuildMetadata) > 0 {
		k.BuildMetadata = c.BuildMetadata
	}
	return nil
}

func target(s *selector) *kustypes.Selector {
	if s == nil {
		return nil
	}
	out := &kustypes.Selector{AnnotationSelector: s.AnnotationSelector, LabelSelector: s.LabelSelector}
	out.Gvk = resid.Gvk{Group: s.Group, Version: s.Version, Kind: s.Kind}
	out.Name = s.Name
	out.Namespace = s.Namespace
	return out
}

// setImage merges an image into those of the file. Tag and digest belong together:
// setting one of them replaces both.
func setImage(images []kustypes.Image, i image) []kustypes.Image {
	for n := range images {
		if images[n].Name != i.Name {
			continue
		}
		if i.NewName != "" {
			images[n].NewName = i.NewName
		}
		if i.NewTag != "" || i.Digest != "" {
			images[n].NewTag, images[n].Digest = i.NewTag, i.Digest
		}
		return images
	}
	return append(images, kustypes.Image{Name: i.Name, NewName: i.NewName, NewTag: i.NewTag, Digest: i.Digest})
}
