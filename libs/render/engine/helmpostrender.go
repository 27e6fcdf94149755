package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"
	"unicode"

	fluxkustomize "github.com/fluxcd/pkg/apis/kustomize"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/kustomize/api/builtins"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/kio"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// postRender describes how the output of templates is changed before it becomes a
// release.
type postRender struct {
	// Strategy is combined, separate or nohooks.
	Strategy       string              `json:"strategy"`
	Renderers      []kustomizeRenderer `json:"renderers"`
	CommonMetadata *renderedMetadata   `json:"commonMetadata"`
	Origin         *objectName         `json:"origin"`
}

type kustomizeRenderer struct {
	Patches []fluxkustomize.Patch `json:"patches"`
	Images  []fluxkustomize.Image `json:"images"`
}

// renderedMetadata distinguishes an absent map from an empty one, as helm-controller
// does.
type renderedMetadata struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

type objectName struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

func (o *objectName) labels() map[string]string {
	return map[string]string{
		"helm.toolkit.fluxcd.io/name":      o.Name,
		"helm.toolkit.fluxcd.io/namespace": o.Namespace,
	}
}

// fileAnnotation is the annotation in which Helm keeps the file that a document came
// from.
const fileAnnotation = "postrenderer.helm.sh/postrender-filename"

// apply runs the post-renderers over files by their names, with Helm's strategies. It
// returns files, or the documents in their order if all of them are plain.
func (p *postRender) apply(files map[string]string) (map[string]string, []renderedDocument, error) {
	if p.isEmpty() {
		return files, nil, nil
	}
	out := fileSet{}
	switch p.Strategy {
	case "", "combined":
		if rendered, ok := p.quickly(files); ok {
			return nil, rendered, nil
		}
		return out, nil, p.group(out, files, "", "manifests", "files", "")
	case "separate", "nohooks":
	default:
		return nil, nil, fmt.Errorf("unknown post-render strategy: '%s'", p.Strategy)
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, nil, err
	}
	hookFiles, manifestFiles := fileSet{}, fileSet{}
	for _, hook := range hooks {
		hookFiles.add(hook.Path, hook.Manifest)
	}
	for _, manifest := range manifests {
		manifestFiles.add(manifest.Name, manifest.Content)
	}
	if p.Strategy == "nohooks" {
		maps.Copy(out, hookFiles)
	} else if err := p.group(out, hookFiles, "hooks", "hooks", "hooks", " for hooks"); err != nil {
		return nil, nil, err
	}
	return out, nil, p.group(out, manifestFiles, "manifests", "manifests", "manifests", " for manifests")
}

func (p *postRender) isEmpty() bool {
	return len(p.Renderers) == 0 && p.CommonMetadata == nil && p.Origin == nil
}

// fileSet has the documents of each file, by its name.
type fileSet map[string]string

func (f fileSet) add(name, content string) {
	if before, ok := f[name]; ok {
		content = before + "\n---\n" + content
	}
	f[name] = content
}

// group runs the post-renderers over some of the files. made is the prefix of names for
// files that a renderer adds; what, on and parsed are Helm's words for messages.
func (p *postRender) group(out fileSet, files map[string]string, made, what, on, parsed string) error {
	if len(files) == 0 && made != "" {
		return nil
	}
	if rendered, ok := p.quickly(files); ok {
		var last string
		var content strings.Builder
		for _, document := range rendered {
			if document.file != last && last != "" {
				out.add(last, content.String())
				content.Reset()
			}
			if content.Len() > 0 {
				content.WriteString("---\n")
			}
			content.WriteString(document.text)
			last = document.file
		}
		if last != "" {
			out.add(last, content.String())
		}
		return nil
	}
	merged, err := mergeFiles(files)
	if err != nil {
		return fmt.Errorf("error merging %s: %w", what, err)
	}
	rendered, err := p.run(merged)
	if err != nil {
		return fmt.Errorf("error while running post render on %s: %w", on, err)
	}
	split, err := splitFiles(rendered, made)
	if err != nil {
		return fmt.Errorf("error while parsing post rendered output%s: %w", parsed, err)
	}
	for name, content := range split {
		out.add(name, content)
	}
	return nil
}

// mergeFiles makes one stream of files. Each document in it is marked with the name of
// its file.
func mergeFiles(files map[string]string) (string, error) {
	var all []*kyaml.RNode
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, document := range documents(name, files[name]) {
			nodes, err := kio.ParseAll(document)
			if err != nil {
				return "", fmt.Errorf("parsing %s: %w", name, err)
			}
			for _, node := range nodes {
				if err := node.PipeE(kyaml.SetAnnotation(fileAnnotation, name)); err != nil {
					return "", fmt.Errorf("annotating %s: %w", name, err)
				}
				all = append(all, node)
			}
		}
	}
	merged, err := kio.StringAll(all)
	if err != nil {
		return "", fmt.Errorf("writing merged docs: %w", err)
	}
	return merged, nil
}

// documents returns the documents of a file in their order. Partials have none.
func documents(name, content string) []string {
	if strings.HasPrefix(path.Base(name), "_") || strings.TrimSpace(content) == "" {
		return nil
	}
	if !strings.HasPrefix(content, "---") && !strings.Contains(content, "\n---") {
		return []string{strings.TrimLeftFunc(content, unicode.IsSpace)}
	}
	split := releaseutil.SplitManifests(content)
	keys := slices.Collect(maps.Keys(split))
	sort.Sort(releaseutil.BySplitManifestsOrder(keys))
	var all []string
	for _, key := range keys {
		if strings.TrimSpace(split[key]) != "" {
			all = append(all, split[key])
		}
	}
	return all
}

// splitFiles distributes the documents of a stream to their files.
func splitFiles(stream, made string) (map[string]string, error) {
	nodes, err := kio.ParseAll(stream)
	if err != nil {
		return nil, fmt.Errorf("error parsing YAML: %w", err)
	}
	if made != "" {
		made += "-"
	}
	byFile := map[string][]*kyaml.RNode{}
	for i, node := range nodes {
		meta, err := node.GetMeta()
		if err != nil {
			return nil, fmt.Errorf("getting metadata: %w", err)
		}
		name := meta.Annotations[fileAnnotation]
		if name == "" {
			name = fmt.Sprintf("generated-by-postrender-%s%d.yaml", made, i)
		}
		if err := node.PipeE(kyaml.ClearAnnotation(fileAnnotation)); err != nil {
			return nil, fmt.Errorf("clearing filename annotation: %w", err)
		}
		byFile[name] = append(byFile[name], node)
	}
	files := map[string]string{}
	for name, nodes := range byFile {
		if files[name], err = kio.StringAll(nodes); err != nil {
			return nil, fmt.Errorf("re-writing %s: %w", name, err)
		}
	}
	return files, nil
}

// run runs helm-controller's post-renderers in their order: those of the spec, the common
// metadata, and the origin labels.
func (p *postRender) run(stream string) (out string, err error) {
	withSharedSchema(func() {
		err = recovered("kustomize build panic", func() (err error) {
			out, err = p.runAll(stream)
			return err
		})
	})
	return out, err
}

func (p *postRender) runAll(stream string) (out string, err error) {
	out = stream
	for _, renderer := range p.Renderers {
		if out, err = renderer.run(out); err != nil {
			return "", err
		}
	}
	if common := p.CommonMetadata; common != nil && (common.Labels != nil || common.Annotations != nil) {
		if out, err = transformed(out, common); err != nil {
			return "", err
		}
	}
	if p.Origin != nil {
		out, err = transformed(out, &renderedMetadata{Labels: p.Origin.labels()})
	}
	return out, err
}

func (k *kustomizeRenderer) run(stream string) (string, error) {
	const input = "helm-output.yaml"
	config := kustypes.Kustomization{
		TypeMeta:  kustypes.TypeMeta{APIVersion: kustypes.KustomizationVersion, Kind: kustypes.KustomizationKind},
		Resources: []string{input},
	}
	for _, image := range k.Images {
		config.Images = append(config.Images, kustypes.Image{Name: image.Name, NewName: image.NewName, NewTag: image.NewTag, Digest: image.Digest})
	}
	for _, patch := range k.Patches {
		config.Patches = append(config.Patches, kustypes.Patch{Patch: patch.Patch, Target: targetOf(patch.Target)})
	}
	encoded, err := json.Marshal(config)
	if err != nil {
		return "", err
	}
	files := filesys.MakeFsInMemory()
	if err := files.WriteFile(input, []byte(stream)); err != nil {
		return "", err
	}
	if err := files.WriteFile("kustomization.yaml", encoded); err != nil {
		return "", err
	}
	options := &krusty.Options{LoadRestrictions: kustypes.LoadRestrictionsNone, PluginConfig: kustypes.DisabledPluginConfig()}
	resources, err := krusty.MakeKustomizer(options).Run(files, ".")
	if err != nil {
		return "", err
	}
	out, err := resources.AsYaml()
	return string(out), err
}

func targetOf(s *fluxkustomize.Selector) *kustypes.Selector {
	if s == nil {
		return nil
	}
	target := &kustypes.Selector{LabelSelector: s.LabelSelector, AnnotationSelector: s.AnnotationSelector}
	target.Group, target.Version, target.Kind = s.Group, s.Version, s.Kind
	target.Name, target.Namespace = s.Name, s.Namespace
	return target
}

// transformed sets metadata on every object of a stream, and writes the stream as
// Kustomize does.
func transformed(stream string, metadata *renderedMetadata) (string, error) {
	resources, err := resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory()).NewResMapFromBytes([]byte(stream))
	if err != nil {
		return "", err
	}
	if metadata.Labels != nil {
		spec := []kustypes.FieldSpec{{Path: "metadata/labels", CreateIfNotPresent: true}}
		if err := (&builtins.LabelTransformerPlugin{Labels: metadata.Labels, FieldSpecs: spec}).Transform(resources); err != nil {
			return "", err
		}
	}
	if metadata.Annotations != nil {
		spec := []kustypes.FieldSpec{{Path: "metadata/annotations", CreateIfNotPresent: true}}
		if err := (&builtins.AnnotationsTransformerPlugin{Annotations: metadata.Annotations, FieldSpecs: spec}).Transform(resources); err != nil {
			return "", err
		}
	}
	out, err := resources.AsYaml()
	return string(out), err
}
