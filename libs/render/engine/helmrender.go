package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	helmengine "helm.sh/helm/v4/pkg/engine"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

type helmRenderRequest struct {
	Chart        chartFileRequest `json:"chart"`
	Values       string           `json:"values"`
	Release      releaseRequest   `json:"release"`
	Capabilities capabilities     `json:"capabilities"`
	Options      struct {
		SkipSchemaValidation bool   `json:"skipSchemaValidation"`
		ApplyMethod          string `json:"applyMethod"`
	} `json:"options"`
	// PreserveValuesOf is the payload of a release whose values are kept where the new
	// ones don't set others.
	PreserveValuesOf string       `json:"preserveValuesOf"`
	PostRender       postRender   `json:"postRender"`
	Info             *infoRequest `json:"info"`
}

type releaseRequest struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Revision  int    `json:"revision"`
	IsInstall bool   `json:"isInstall"`
}

type capabilities struct {
	KubeVersion struct {
		Version string `json:"version"`
		Major   string `json:"major"`
		Minor   string `json:"minor"`
	} `json:"kubeVersion"`
	APIVersions []string `json:"apiVersions"`
}

func (c *capabilities) helm() *common.Capabilities {
	return &common.Capabilities{
		KubeVersion: common.KubeVersion{Version: c.KubeVersion.Version, Major: c.KubeVersion.Major, Minor: c.KubeVersion.Minor},
		APIVersions: c.APIVersions,
		HelmVersion: common.DefaultCapabilities.HelmVersion,
	}
}

type helmRenderAnswer struct {
	*releaseAnswer
	OCIDigest   string        `json:"ociDigest,omitempty"`
	Stored      *storedAnswer `json:"stored,omitempty"`
	UsedLookups bool          `json:"usedLookups"`
	Warnings    []string      `json:"warnings"`
}

// helmRender renders a chart to the release that an install or upgrade would store and
// apply.
func (e *engine) helmRender(r *helmRenderRequest, ask asker) (*helmRenderAnswer, error) {
	result, err := e.rendered(r, ask)
	if err != nil {
		return nil, err
	}
	answer := &helmRenderAnswer{OCIDigest: result.ociDigest, UsedLookups: result.usedLookups}
	// The kept result must not change, while the state of the release differs each time.
	rel, info := *result.release, *result.release.Info
	rel.Info = &info
	if r.Info != nil {
		if err := r.Info.set(rel.Info); err != nil {
			return nil, fail(reasonInvalid, err)
		}
		if answer.Stored, err = storeRelease(&rel, result.ociDigest); err != nil {
			return nil, err
		}
	}
	if answer.releaseAnswer, err = readRelease(&rel, result.objects); err != nil {
		return nil, fail(reasonHelmRender, err)
	}
	answer.Warnings = append(warningsOf(rel.Chart), result.objects.inexact()...)
	return answer, nil
}

// renderResult is the result of a render. Nothing in it may be changed.
type renderResult struct {
	release     *release.Release
	objects     *releaseObjects
	ociDigest   string
	usedLookups bool
}

// weight returns roughly how much memory it takes, in bytes. The chart's files are shared
// with the kept charts.
func (r *renderResult) weight() int {
	size := len(r.release.Manifest)
	for _, hook := range r.release.Hooks {
		size += len(hook.Manifest)
	}
	return 4<<10 + 3*size
}

// newRenders keeps results up to limit bytes altogether.
func newRenders(limit int64) *memo[*renderResult] {
	return &memo[*renderResult]{limit: int(limit), weigh: func(_ string, r *renderResult) int { return r.weight() }}
}

// rendered renders a chart, or returns an earlier result: the same request has the same
// result unless it asked for something outside.
func (e *engine) rendered(r *helmRenderRequest, ask asker) (*renderResult, error) {
	key, err := r.key()
	if err != nil {
		return nil, err
	}
	if kept, ok := e.renders.find(key); ok {
		return kept, nil
	}
	values, err := parseExact(r.Values)
	if err != nil {
		return nil, fail(reasonInvalid, err)
	}
	c, digest, err := e.charts.load(&r.Chart)
	if err != nil {
		return nil, err
	}
	asked := false
	found := newLookups(func(op string, body any) (json.RawMessage, error) {
		asked = true
		return ask(op, body)
	})
	result := &renderResult{ociDigest: digest}
	err = recovered("helm panic", func() (err error) {
		if result.release, result.objects, err = r.render(c, values, found); err == nil && result.objects == nil {
			result.objects, err = objectsOf(result.release)
		}
		return err
	})
	if err != nil {
		return nil, fail(reasonHelmRender, err)
	}
	if result.usedLookups = len(found.known) > 0; !asked {
		e.renders.keep(key, result)
	}
	return result, nil
}

// key identifies everything that a render depends on. The state that is stored with the
// release isn't part of it.
func (r *helmRenderRequest) key() (string, error) {
	pure := *r
	pure.Info, pure.Chart.File = nil, ""
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode(pure); err != nil {
		return "", fail(reasonInvalid, err)
	}
	return string(sum.Sum(nil)), nil
}

func warningsOf(c *chart.Chart) []string {
	if c.Metadata.Deprecated {
		return []string{"this chart is deprecated"}
	}
	return []string{}
}

// render does what Helm's actions do before they contact the cluster, in their order and
// with their messages.
func (r *helmRenderRequest) render(c *chart.Chart, values map[string]any, found *lookups) (*release.Release, *releaseObjects, error) {
	if err := r.checkName(); err != nil {
		return nil, nil, err
	}
	values, err := r.preserve(c, values)
	if err != nil {
		return nil, nil, err
	}
	if err := processDependencies(c, values); err != nil {
		if r.Release.IsInstall {
			return nil, nil, fmt.Errorf("chart dependencies processing failed: %w", err)
		}
		return nil, nil, err
	}
	top, err := r.values(c, values, found.ask)
	if err != nil {
		return nil, nil, err
	}
	if kube := r.Capabilities.KubeVersion.Version; c.Metadata.KubeVersion != "" && !chartutil.IsCompatibleRange(c.Metadata.KubeVersion, kube) {
		return nil, nil, fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", c.Metadata.KubeVersion, kube)
	}
	files, err := helmengine.RenderWithClientProvider(c, top, found)
	if err != nil {
		return nil, nil, err
	}
	notes := takeNotes(c, files)
	files, plain, err := r.PostRender.apply(files)
	if err != nil {
		return nil, nil, err
	}
	rendered := &release.Release{
		Name:        r.Release.Name,
		Namespace:   r.Release.Namespace,
		Version:     r.Release.Revision,
		Chart:       c,
		Config:      values,
		Info:        &release.Info{Notes: notes},
		ApplyMethod: r.Options.ApplyMethod,
	}
	if plain != nil {
		objects, err := sortPlain(rendered, plain)
		return rendered, objects, err
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, nil, err
	}
	rendered.Hooks, rendered.Manifest = hooks, manifestOf(manifests)
	return rendered, nil, nil
}

// manifestOf returns the text that is stored.
func manifestOf(manifests []releaseutil.Manifest) string {
	var manifest strings.Builder
	for _, m := range manifests {
		fmt.Fprintf(&manifest, "---\n# Source: %s\n%s\n", m.Name, m.Content)
	}
	return manifest.String()
}

func (r *helmRenderRequest) checkName() error {
	err := chartutil.ValidateReleaseName(r.Release.Name)
	switch {
	case err == nil:
		return nil
	case r.Release.IsInstall:
		return fmt.Errorf("release name check failed: release name %q: %w", r.Release.Name, err)
	}
	return fmt.Errorf("release name is invalid: %s", r.Release.Name)
}

// preserve puts the values of an earlier release below the new ones. All values that the
// earlier release had, its chart's included, take the place of the new chart's own.
func (r *helmRenderRequest) preserve(c *chart.Chart, values map[string]any) (map[string]any, error) {
	if r.PreserveValuesOf == "" {
		return values, nil
	}
	before, err := decodeRelease(r.PreserveValuesOf)
	if err != nil {
		return nil, err
	}
	old, err := commonutil.CoalesceValues(before.Chart, before.Config)
	if err != nil {
		return nil, fmt.Errorf("failed to rebuild old values: %w", err)
	}
	c.Values = old
	return commonutil.CoalesceTables(values, before.Config), nil
}

// values returns the values that templates see, after validating them.
func (r *helmRenderRequest) values(c *chart.Chart, values map[string]any, ask asker) (common.Values, error) {
	options := common.ReleaseOptions{
		Name:      r.Release.Name,
		Namespace: r.Release.Namespace,
		Revision:  r.Release.Revision,
		IsInstall: r.Release.IsInstall,
		IsUpgrade: !r.Release.IsInstall,
	}
	top, err := commonutil.ToRenderValuesWithSchemaValidation(c, values, options, r.Capabilities.helm(), true)
	if err != nil || r.Options.SkipSchemaValidation {
		return top, err
	}
	all, _ := top["Values"].(common.Values)
	return top, checkSchemas(c, all, ask)
}

const notesName = "NOTES.txt"

// takeNotes removes the notes from the rendered files and returns those of the chart
// itself, without those of its dependencies.
func takeNotes(c *chart.Chart, files map[string]string) (notes string) {
	own := path.Join(c.Name(), "templates", notesName)
	for name, content := range files {
		if !strings.HasSuffix(name, notesName) {
			continue
		}
		if name == own {
			notes = content
		}
		delete(files, name)
	}
	return notes
}
