package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	releasecommon "helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
)

// maxReleaseBytes bounds the unpacked size of a stored release: anybody who may write a
// Secret can store one that unpacks to any size.
const maxReleaseBytes = 64 << 20

// largestFrom is the size in bytes from which on an answer says what takes the most room
// in a stored release. It is half of what a Secret may have.
const largestFrom = 512 << 10

type storedAnswer struct {
	Payload string `json:"payload"`
	Bytes   int    `json:"bytes"`
	Digest  string `json:"digest"`
	Largest []part `json:"largest"`
}

// part is a part of a release, with the room that it takes.
type part struct {
	What  string `json:"what"`
	Bytes int    `json:"bytes"`
}

// storeRelease encodes a release as Helm's storage does: JSON, gzip, base64, and then
// base64 again, as for all data of a Secret.
func storeRelease(rel *release.Release, ociDigest string) (*storedAnswer, error) {
	data, err := json.Marshal(rel)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	writer := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(writer)
	writer.Reset(&packed)
	if _, err := writer.Write(data); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	inner := base64.StdEncoding.EncodeToString(packed.Bytes())
	digest, err := snapshotDigest(rel, ociDigest)
	if err != nil {
		return nil, err
	}
	answer := &storedAnswer{base64.StdEncoding.EncodeToString([]byte(inner)), len(inner), digest, []part{}}
	if len(inner) > largestFrom {
		answer.Largest = largestParts(rel)
	}
	return answer, nil
}

// gzipWriters are reused, as each takes 0.8 MB.
var gzipWriters = sync.Pool{New: func() any {
	writer, err := gzip.NewWriterLevel(nil, gzip.BestCompression)
	if err != nil {
		panic(err)
	}
	return writer
}}

// largestParts names the parts that take the most room before compression.
func largestParts(rel *release.Release) []part {
	parts := []part{{"manifest", len(rel.Manifest)}}
	if values, err := json.Marshal(rel.Config); err == nil {
		parts = append(parts, part{"values", len(values)})
	}
	for _, h := range rel.Hooks {
		parts = append(parts, part{"hook " + h.Path, len(h.Manifest)})
	}
	if rel.Chart != nil {
		parts = append(parts, part{"chart values.schema.json", len(rel.Chart.Schema)})
		for _, f := range slices.Concat(rel.Chart.Templates, rel.Chart.Files) {
			parts = append(parts, part{"chart " + f.Name, len(f.Data)})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return b.Bytes - a.Bytes })
	return parts[:min(len(parts), 5)]
}

// snapshot is what Flux computes its digest from, encoded as JSON with a line break at
// its end.
type snapshot struct {
	Name          string         `json:"name"`
	Version       int            `json:"version"`
	Info          release.Info   `json:"info"`
	ChartMetadata chart.Metadata `json:"chartMetadata"`
	Config        map[string]any `json:"config"`
	Manifest      string         `json:"manifest"`
	Hooks         []release.Hook `json:"hooks"`
	Namespace     string         `json:"namespace"`
	OCIDigest     string         `json:"ociDigest,omitempty"`
}

// snapshotOf returns the snapshot of a release. Tests are left out, because a user may
// run them by hand.
func snapshotOf(rel *release.Release, ociDigest string) snapshot {
	s := snapshot{Name: rel.Name, Version: rel.Version, Manifest: rel.Manifest, Namespace: rel.Namespace, OCIDigest: ociDigest}
	if rel.Info != nil {
		s.Info = *rel.Info
	}
	if rel.Chart != nil && rel.Chart.Metadata != nil {
		s.ChartMetadata = *rel.Chart.Metadata
	}
	if len(rel.Config) > 0 {
		s.Config = rel.Config
	}
	for _, h := range rel.Hooks {
		if h != nil && !slices.Contains(h.Events, release.HookTest) {
			s.Hooks = append(s.Hooks, *h)
		}
	}
	return s
}

// snapshotDigest returns the digest that helm-controller keeps in status.history.
func snapshotDigest(rel *release.Release, ociDigest string) (string, error) {
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode(snapshotOf(rel, ociDigest)); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

var gzipMagic = []byte{0x1f, 0x8b, 0x08}

// decodeRelease reads the release from a Secret's data. Old releases, which Helm did not
// compress, are read too.
func decodeRelease(payload string) (*release.Release, error) {
	inner, err := base64.StdEncoding.DecodeString(payload)
	if err != nil {
		return nil, fail(reasonBadRelease, err)
	}
	data, err := base64.StdEncoding.DecodeString(string(inner))
	if err != nil {
		return nil, fail(reasonBadRelease, err)
	}
	if bytes.HasPrefix(data, gzipMagic) {
		if data, err = unzipRelease(data); err != nil {
			return nil, fail(reasonBadRelease, err)
		}
	}
	rel := &release.Release{}
	if err := json.Unmarshal(data, rel); err != nil {
		return nil, fail(reasonBadRelease, err)
	}
	if rel.Info == nil {
		rel.Info = &release.Info{}
	}
	rel.Hooks = slices.DeleteFunc(rel.Hooks, func(h *release.Hook) bool { return h == nil })
	return rel, nil
}

func unzipRelease(packed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(reader, maxReleaseBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxReleaseBytes {
		return nil, fmt.Errorf("the release unpacks to more than %d bytes", maxReleaseBytes)
	}
	return data, nil
}

// storedBytes returns the size of a payload as the API server counts it, in bytes.
func storedBytes(payload string) int {
	return base64.StdEncoding.DecodedLen(len(payload)) - strings.Count(payload[max(0, len(payload)-2):], "=")
}

type decodeRequest struct {
	Payload   string `json:"payload"`
	Objects   bool   `json:"objects"`
	OCIDigest string `json:"ociDigest"`
}

type decodeAnswer struct {
	*releaseAnswer
	Digest string `json:"digest"`
	Bytes  int    `json:"bytes"`
}

// helmDecode reads a stored release.
func helmDecode(r *decodeRequest) (*decodeAnswer, error) {
	rel, err := decodeRelease(r.Payload)
	if err != nil {
		return nil, err
	}
	answer := &decodeAnswer{Bytes: storedBytes(r.Payload)}
	var objects *releaseObjects
	if r.Objects {
		if objects, err = objectsOf(rel); err != nil {
			return nil, fail(reasonBadRelease, err)
		}
	}
	if answer.releaseAnswer, err = readRelease(rel, objects); err != nil {
		return nil, fail(reasonBadRelease, err)
	}
	answer.Digest, err = snapshotDigest(rel, r.OCIDigest)
	return answer, err
}

type updateRequest struct {
	Payload     string       `json:"payload"`
	Version     *int         `json:"version"`
	Info        *infoRequest `json:"info"`
	ApplyMethod *string      `json:"applyMethod"`
	Hooks       []hookUpdate `json:"hooks"`
	// HookOrder has the index of each hook once, in the new order.
	HookOrder []int  `json:"hookOrder"`
	OCIDigest string `json:"ociDigest"`
}

type hookUpdate struct {
	Index   int     `json:"index"`
	LastRun hookRun `json:"lastRun"`
}

// set changes the last run of a hook.
func (u *hookUpdate) set(hook *release.Hook) (err error) {
	if hook.LastRun, err = u.LastRun.helm(); err != nil {
		return err
	}
	if len(hook.DeletePolicies) == 0 {
		// Helm sets this default when it runs a hook.
		hook.DeletePolicies = []release.HookDeletePolicy{release.HookBeforeHookCreation}
	}
	return nil
}

// updateRelease changes a release and encodes it.
func updateRelease(rel *release.Release, r *updateRequest) (_ *storedAnswer, err error) {
	if r.Version != nil {
		rel.Version = *r.Version
	}
	if r.ApplyMethod != nil {
		rel.ApplyMethod = *r.ApplyMethod
	}
	if r.Info != nil {
		if err := r.Info.set(rel.Info); err != nil {
			return nil, fail(reasonInvalid, err)
		}
	}
	for _, update := range r.Hooks {
		if update.Index < 0 || update.Index >= len(rel.Hooks) {
			return nil, fail(reasonInvalid, fmt.Errorf("there is no hook %d", update.Index))
		}
		if err := update.set(rel.Hooks[update.Index]); err != nil {
			return nil, fail(reasonInvalid, err)
		}
	}
	if r.HookOrder != nil {
		if rel.Hooks, err = reordered(rel.Hooks, r.HookOrder); err != nil {
			return nil, fail(reasonInvalid, err)
		}
	}
	return storeRelease(rel, r.OCIDigest)
}

// reordered sorts hooks by an order that has to name each of them once.
func reordered(hooks []*release.Hook, order []int) ([]*release.Hook, error) {
	out := make([]*release.Hook, 0, len(hooks))
	seen := map[int]bool{}
	for _, index := range order {
		if index < 0 || index >= len(hooks) || seen[index] {
			break
		}
		seen[index] = true
		out = append(out, hooks[index])
	}
	if len(out) != len(hooks) || len(order) != len(hooks) {
		return nil, fmt.Errorf("an order of %d hooks has to name each of them once", len(hooks))
	}
	return out, nil
}

// infoRequest has changes of a release's state. What is nil stays as it is; times are RFC
// 3339, and an empty text means no time.
type infoRequest struct {
	FirstDeployed *string `json:"firstDeployed,omitempty"`
	LastDeployed  *string `json:"lastDeployed,omitempty"`
	Deleted       *string `json:"deleted,omitempty"`
	Status        *string `json:"status,omitempty"`
	Description   *string `json:"description,omitempty"`
	Notes         *string `json:"notes,omitempty"`
}

func infoOf(info *release.Info) *infoRequest {
	if info == nil {
		info = &release.Info{}
	}
	status := info.Status.String()
	return &infoRequest{
		FirstDeployed: timeText(info.FirstDeployed),
		LastDeployed:  timeText(info.LastDeployed),
		Deleted:       timeText(info.Deleted),
		Status:        &status,
		Description:   &info.Description,
		Notes:         &info.Notes,
	}
}

func (r *infoRequest) set(info *release.Info) error {
	if r.Status != nil {
		info.Status = releasecommon.Status(*r.Status)
	}
	if r.Description != nil {
		info.Description = *r.Description
	}
	if r.Notes != nil {
		info.Notes = *r.Notes
	}
	return errors.Join(
		setTime(&info.FirstDeployed, r.FirstDeployed),
		setTime(&info.LastDeployed, r.LastDeployed),
		setTime(&info.Deleted, r.Deleted),
	)
}

func timeText(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.Format(time.RFC3339Nano)
	return &text
}

func setTime(t *time.Time, text *string) (err error) {
	switch {
	case text == nil:
	case *text == "":
		*t = time.Time{}
	default:
		*t, err = time.Parse(time.RFC3339Nano, *text)
	}
	return err
}

type hookRun struct {
	StartedAt   *string `json:"startedAt,omitempty"`
	CompletedAt *string `json:"completedAt,omitempty"`
	Phase       string  `json:"phase"`
}

func hookRunOf(run release.HookExecution) hookRun {
	return hookRun{timeText(run.StartedAt), timeText(run.CompletedAt), string(run.Phase)}
}

func (r *hookRun) helm() (release.HookExecution, error) {
	run := release.HookExecution{Phase: release.HookPhase(r.Phase)}
	return run, errors.Join(setTime(&run.StartedAt, r.StartedAt), setTime(&run.CompletedAt, r.CompletedAt))
}
