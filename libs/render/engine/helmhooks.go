package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"slices"

	release "helm.sh/helm/v4/pkg/release/v1"
)

// Helm stores a release again before it runs each hook, and only that hook has changed
// then. With a thousand hooks, reading and writing the whole release each time would take
// longer than everything else about a hook. So between two such updates, a release with
// many hooks is kept in memory in parts: only the hook that changes is written anew.

// manyHooks is the number of hooks from which on a release is kept in parts.
const manyHooks = 16

// partBytes is how much of the hooks' JSON is packed together; a part may be somewhat
// larger. It is the size of deflate's window, so that packed text refers to nothing
// before the part in front of it.
const partBytes = 32 << 10

// hookedRelease is a stored release in parts: the text before its hooks, the hooks, and
// the text after them. The first part has the chart and the manifest; of it only the
// packed form is kept, and the checksums that are continued from there.
type hookedRelease struct {
	head     packedText
	tail     packedText
	tailText []byte
	hooks    []storedHook
	parts    []hookPart
	// digestHead has hashed Flux's snapshot up to its hooks; digestTail is the text after
	// them.
	digestHead hash.Cloner
	digestTail []byte
}

type storedHook struct {
	json   []byte
	isTest bool
	part   int
}

// hookPart is a number of hooks that are packed together. packed is nil if a hook of this
// part, or of the part in front of it, has changed.
type hookPart struct {
	from, to int
	packed   []byte
}

// newHookedReleases keeps releases by the payload that they were stored as, up to limit
// bytes altogether.
func newHookedReleases(limit int64) *memo[*hookedRelease] {
	return &memo[*hookedRelease]{limit: int(limit), weigh: func(_ string, h *hookedRelease) int { return h.weight() }}
}

// isHooksOnly reports whether only hooks change, in a release that is small enough: kept
// in parts, a release gets somewhat larger, and that must not make it too large to store.
func (r *updateRequest) isHooksOnly() bool {
	onlyHooks := r.Version == nil && r.ApplyMethod == nil && r.HookOrder == nil && len(r.Hooks) > 0
	return onlyHooks && (r.Info == nil || *r.Info == infoRequest{}) && storedBytes(r.Payload) <= largestFrom
}

// helmUpdate changes a stored release and encodes it anew.
func (e *engine) helmUpdate(r *updateRequest) (*storedAnswer, error) {
	if !r.isHooksOnly() {
		rel, err := decodeRelease(r.Payload)
		if err != nil {
			return nil, err
		}
		return updateRelease(rel, r)
	}
	hooked, ok := e.hooked.take(hookedKey(r.Payload, r.OCIDigest))
	if !ok {
		rel, err := decodeRelease(r.Payload)
		if err != nil {
			return nil, err
		}
		if len(rel.Hooks) < manyHooks {
			return updateRelease(rel, r)
		}
		if hooked, err = newHookedRelease(rel, r.OCIDigest); err != nil {
			return nil, err
		}
	}
	if err := hooked.update(r.Hooks); err != nil {
		return nil, err
	}
	answer, err := hooked.store()
	if err != nil {
		return nil, err
	}
	e.hooked.keep(hookedKey(answer.Payload, r.OCIDigest), hooked)
	return answer, nil
}

func hookedKey(payload, ociDigest string) string {
	sum := sha256.Sum256([]byte(payload))
	return string(sum[:]) + ociDigest
}

func newHookedRelease(rel *release.Release, ociDigest string) (*hookedRelease, error) {
	// The JSON is cut at a hook with a name that nobody can guess, which takes the place
	// of the real hooks.
	mark := &release.Hook{Name: rand.Text()}
	marked := *rel
	marked.Hooks = []*release.Hook{mark}
	head, tail, err := cutAtHooks(marked, mark)
	if err != nil {
		return nil, err
	}
	snapshot := snapshotOf(rel, ociDigest)
	snapshot.Hooks = []release.Hook{*mark}
	digestHead, digestTail, err := cutAtHooks(snapshot, mark)
	if err != nil {
		return nil, err
	}
	h := &hookedRelease{digestTail: append(digestTail, '\n'), tailText: slices.Concat(listEnd, tail)}
	if h.head, err = packText(nil, append(head, listStart...)); err != nil {
		return nil, err
	}
	if h.tail, err = packText(nil, h.tailText); err != nil {
		return nil, err
	}
	h.digestHead = sha256.New().(hash.Cloner)
	h.digestHead.Write(digestHead)
	return h, h.split(rel.Hooks)
}

// cutAtHooks encodes a value that has only this hook, and returns the text before and
// after the list of hooks.
func cutAtHooks(value any, mark *release.Hook) (head, tail []byte, err error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, nil, err
	}
	hooks, err := json.Marshal([]*release.Hook{mark})
	if err != nil {
		return nil, nil, err
	}
	head, tail, found := bytes.Cut(text, hooks)
	if !found {
		return nil, nil, errors.New("a release is encoded without its hooks")
	}
	return slices.Clone(head), slices.Clone(tail), nil
}

// split distributes the hooks to parts.
func (h *hookedRelease) split(hooks []*release.Hook) error {
	bytes := partBytes
	for i, hook := range hooks {
		text, err := json.Marshal(hook)
		if err != nil {
			return err
		}
		if bytes >= partBytes {
			h.parts = append(h.parts, hookPart{from: i})
			bytes = 0
		}
		last := len(h.parts) - 1
		h.parts[last].to = i + 1
		h.hooks = append(h.hooks, storedHook{text, slices.Contains(hook.Events, release.HookTest), last})
		bytes += len(text)
	}
	return nil
}

// update changes hooks. After an error, the release must not be used any more.
func (h *hookedRelease) update(updates []hookUpdate) error {
	for _, update := range updates {
		if update.Index < 0 || update.Index >= len(h.hooks) {
			return fail(reasonInvalid, fmt.Errorf("there is no hook %d", update.Index))
		}
		stored := &h.hooks[update.Index]
		hook := &release.Hook{}
		if err := json.Unmarshal(stored.json, hook); err != nil {
			return fail(reasonBadRelease, err)
		}
		if err := update.set(hook); err != nil {
			return fail(reasonInvalid, err)
		}
		text, err := json.Marshal(hook)
		if err != nil {
			return err
		}
		stored.json = text
		for i := stored.part; i <= stored.part+1 && i < len(h.parts); i++ {
			h.parts[i].packed = nil
		}
	}
	return nil
}

// store encodes the release as storeRelease does. The parts are packed one by one and
// form one stream together.
func (h *hookedRelease) store() (*storedAnswer, error) {
	packed := [][]byte{h.head.packed}
	for i := range h.parts {
		run := &h.parts[i]
		if run.packed == nil {
			var before []byte
			if i > 0 {
				before = h.textOf(&h.parts[i-1])
			}
			one, err := packText(before, h.textOf(run))
			if err != nil {
				return nil, err
			}
			run.packed = one.packed
		}
		packed = append(packed, run.packed)
	}
	packed = append(packed, h.tail.packed)
	digest, err := h.digest()
	if err != nil {
		return nil, err
	}
	crc, size := h.checksum()
	inner := base64.StdEncoding.EncodeToString(gzipOf(packed, crc, size))
	return &storedAnswer{base64.StdEncoding.EncodeToString([]byte(inner)), len(inner), digest, []part{}}, nil
}

// textOf returns the JSON of a part's hooks.
func (h *hookedRelease) textOf(run *hookPart) []byte {
	var text []byte
	for i := run.from; i < run.to; i++ {
		if i > 0 {
			text = append(text, hookComma...)
		}
		text = append(text, h.hooks[i].json...)
	}
	return text
}

// checksum returns the checksum of the release's JSON, and its length in bytes.
func (h *hookedRelease) checksum() (crc uint32, size int) {
	crc, size = h.head.crc, h.head.bytes
	add := func(text []byte) {
		crc, size = crc32.Update(crc, crc32.IEEETable, text), size+len(text)
	}
	for i, hook := range h.hooks {
		if i > 0 {
			add(hookComma)
		}
		add(hook.json)
	}
	add(h.tailText)
	return crc, size
}

// digest returns the same as snapshotDigest.
func (h *hookedRelease) digest() (string, error) {
	sum, err := h.digestHead.Clone()
	if err != nil {
		return "", err
	}
	before, end := listStart, noList
	for _, hook := range h.hooks {
		if hook.isTest {
			continue
		}
		sum.Write(before)
		sum.Write(hook.json)
		before, end = hookComma, listEnd
	}
	sum.Write(end)
	sum.Write(h.digestTail)
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// weight returns roughly how much memory it takes, in bytes.
func (h *hookedRelease) weight() int {
	size := 4<<10 + len(h.head.packed) + len(h.tail.packed) + len(h.tailText) + len(h.digestTail)
	for _, run := range h.parts {
		size += 64 + len(run.packed)
	}
	for _, hook := range h.hooks {
		size += 64 + len(hook.json)
	}
	return size
}

// The JSON around hooks.
var hookComma, listStart, listEnd, noList = []byte(","), []byte("["), []byte("]"), []byte("null")
