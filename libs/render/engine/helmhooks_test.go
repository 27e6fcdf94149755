package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand"
	"strings"
	"testing"
)

// hookedPayload returns a stored release with this many hooks for these events.
func hookedPayload(t testing.TB, count int, events string) string {
	t.Helper()
	chart := chartOf(4)
	chart["templates/hooks.yaml"] = configHooks(count, events)
	rendered, err := newEngine().helmRender((&recordedRelease{Files: chart}).request(t), noAnswers)
	if err != nil {
		t.Fatal(err)
	}
	return rendered.Stored.Payload
}

// storedJSON returns the JSON in a payload.
func storedJSON(t *testing.T, payload string) string {
	t.Helper()
	inner, err := base64.StdEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := base64.StdEncoding.DecodeString(string(inner))
	if err != nil {
		t.Fatal(err)
	}
	data, err := unzipRelease(packed)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// updatedWhole returns the result of an update of the whole release, with nothing kept.
func updatedWhole(t *testing.T, r updateRequest) (text, digest string) {
	t.Helper()
	rel, err := decodeRelease(r.Payload)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := updateRelease(rel, &r)
	if err != nil {
		t.Fatal(err)
	}
	return storedJSON(t, answer.Payload), answer.Digest
}

func TestHooksOfAKeptReleaseAreStoredAsThoseOfAWhole(t *testing.T) {
	for _, events := range []string{"post-install", "test", "pre-install,test"} {
		e, payload, seeded := newEngine(), hookedPayload(t, 200, events), rand.New(rand.NewSource(1))
		for step := range 60 {
			r := updateRequest{Payload: payload, Info: &infoRequest{}, OCIDigest: "sha256:1"}
			for range 1 + seeded.Intn(3) {
				time := fmt.Sprintf("2026-01-02T03:04:05.%dZ", seeded.Intn(1000))
				run := hookRun{StartedAt: &time, Phase: "Running"}
				if seeded.Intn(2) == 0 {
					run.CompletedAt, run.Phase = &time, "Succeeded"
				}
				r.Hooks = append(r.Hooks, hookUpdate{seeded.Intn(200), run})
			}
			text, digest := updatedWhole(t, r)
			got, err := e.helmUpdate(&r)
			if err != nil {
				t.Fatal(err)
			}
			if stored := storedJSON(t, got.Payload); stored != text || got.Digest != digest {
				t.Fatalf("%s, step %d: got digest %s and\n%s\nwant %s and\n%s", events, step, got.Digest, stored, digest, text)
			}
			if got.Bytes != storedBytes(got.Payload) {
				t.Errorf("%d bytes are said of %d", got.Bytes, storedBytes(got.Payload))
			}
			if step > 0 && e.hooked.used.Len() != 1 {
				t.Errorf("%d states of a release are kept", e.hooked.used.Len())
			}
			payload = got.Payload
		}
	}
}

func TestAReleaseInPartsIsHardlyLarger(t *testing.T) {
	chart := chartOf(4)
	script := base64.StdEncoding.EncodeToString(randomBytes(6 << 10))
	chart["templates/hooks.yaml"] = configHooks(200, "post-install")
	chart["templates/scripts.yaml"] = strings.ReplaceAll(configHooks(50, "post-install"), "<x>", script)
	chart["templates/scripts.yaml"] = strings.ReplaceAll(chart["templates/scripts.yaml"], "hook-", "script-")
	rendered, err := newEngine().helmRender((&recordedRelease{Files: chart}).request(t), noAnswers)
	if err != nil {
		t.Fatal(err)
	}
	r := updateRequest{Payload: rendered.Stored.Payload, Hooks: []hookUpdate{{0, hookRun{Phase: "Running"}}}}
	e := newEngine()
	got, err := e.helmUpdate(&r)
	if err != nil || e.hooked.total == 0 {
		t.Fatalf("%d bytes are kept, %v", e.hooked.total, err)
	}
	if whole := rendered.Stored.Bytes; got.Bytes > whole*3/2 {
		t.Errorf("%d bytes in parts, %d as a whole", got.Bytes, whole)
	}
}

func TestAKeptReleaseIsNotReadAgain(t *testing.T) {
	e, running := newEngine(), []hookUpdate{{7, hookRun{Phase: "Running"}}}
	first, err := e.helmUpdate(&updateRequest{Payload: hookedPayload(t, 200, "post-install"), Hooks: running})
	if err != nil {
		t.Fatal(err)
	}
	kept, ok := e.hooked.find(hookedKey(first.Payload, ""))
	if !ok {
		t.Fatal("it isn't kept")
	}
	second, err := e.helmUpdate(&updateRequest{Payload: first.Payload, Hooks: []hookUpdate{{8, hookRun{Phase: "Running"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if now, _ := e.hooked.find(hookedKey(second.Payload, "")); now != kept {
		t.Error("it was read again")
	}
	// An update of the earlier payload gives the result that follows from that payload.
	again, err := e.helmUpdate(&updateRequest{Payload: first.Payload, Hooks: []hookUpdate{{8, hookRun{Phase: "Running"}}}})
	if err != nil || again.Payload != second.Payload || again.Digest != second.Digest {
		t.Errorf("got %v, %v", again, err)
	}
}

func TestAKeptReleaseIsGoneAfterAnError(t *testing.T) {
	e := newEngine()
	first, err := e.helmUpdate(&updateRequest{Payload: hookedPayload(t, 200, "post-install"), Hooks: []hookUpdate{{0, hookRun{Phase: "Running"}}}})
	if err != nil {
		t.Fatal(err)
	}
	no := "yesterday"
	for _, wrong := range []hookUpdate{{200, hookRun{}}, {-1, hookRun{}}, {0, hookRun{StartedAt: &no}}} {
		bad := updateRequest{Payload: first.Payload, Hooks: []hookUpdate{{1, hookRun{Phase: "Failed"}}, wrong}}
		if _, err := e.helmUpdate(&bad); err == nil || toWire(err).Reason != reasonInvalid {
			t.Errorf("got %v", err)
		}
		r := updateRequest{Payload: first.Payload, Hooks: []hookUpdate{{2, hookRun{Phase: "Running"}}}}
		text, _ := updatedWhole(t, r)
		got, err := e.helmUpdate(&r)
		if err != nil || storedJSON(t, got.Payload) != text {
			t.Errorf("what failed is in it: %v", err)
		}
	}
}

func TestKeptReleasesAreBounded(t *testing.T) {
	payload := hookedPayload(t, 200, "post-install")
	update := func(e *engine, oci string) int {
		r := updateRequest{Payload: payload, Hooks: []hookUpdate{{0, hookRun{Phase: "Running"}}}, OCIDigest: oci}
		if _, err := e.helmUpdate(&r); err != nil {
			t.Fatal(err)
		}
		return e.hooked.total
	}
	one := update(newEngine(), "0")
	text := len(storedJSON(t, payload))
	if one < text/2 || one > 4*text {
		t.Errorf("a release of %d bytes weighs %d", text, one)
	}
	e := newEngine()
	e.hooked = newHookedReleases(int64(2 * one))
	for i := range 5 {
		if total := update(e, fmt.Sprint(i)); total > 2*one {
			t.Errorf("%d bytes are kept", total)
		}
	}
	if e.hooked.used.Len() != 2 {
		t.Errorf("%d releases are kept", e.hooked.used.Len())
	}
	e.hooked = newHookedReleases(int64(one) - 1)
	if total := update(e, "0"); total != 0 {
		t.Errorf("what is too large is kept: %d bytes", total)
	}
}

func TestOnlyReleasesWithManyHooksAreKept(t *testing.T) {
	noise, err := json.Marshal(map[string]any{"name": "web", "manifest": base64.StdEncoding.EncodeToString(randomBytes(largestFrom)), "hooks": make([]struct{}, manyHooks)})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]updateRequest{
		"few hooks":      {Payload: hookedPayload(t, manyHooks-1, "post-install")},
		"a large one":    {Payload: payloadOf(zipped(t, noise))},
		"another status": {Payload: hookedPayload(t, manyHooks, "post-install"), Info: &infoRequest{Status: pointer("failed")}},
	} {
		e := newEngine()
		r.Hooks = []hookUpdate{{0, hookRun{Phase: "Running"}}}
		if _, err := e.helmUpdate(&r); err != nil || e.hooked.total != 0 {
			t.Errorf("%s: %d bytes are kept, %v", name, e.hooked.total, err)
		}
	}
}
