package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func pointer[T any](value T) *T { return &value }

func storedHooks(t *testing.T) (*helmRenderRequest, *helmRenderAnswer) {
	t.Helper()
	for _, r := range recordedReleases(t) {
		if r.Name == "hooks combined" {
			request := r.request(t)
			answer, err := newEngine().helmRender(request, noAnswers)
			if err != nil {
				t.Fatal(err)
			}
			return request, answer
		}
	}
	t.Fatal("no such release")
	return nil, nil
}

func TestDecodeGivesWhatWasRendered(t *testing.T) {
	_, rendered := storedHooks(t)
	got, err := helmDecode(&decodeRequest{Payload: rendered.Stored.Payload, Objects: true})
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest != rendered.Stored.Digest || got.Bytes != rendered.Stored.Bytes {
		t.Errorf("got %s, %d bytes; want %s, %d", got.Digest, got.Bytes, rendered.Stored.Digest, rendered.Stored.Bytes)
	}
	a, err := json.Marshal(got.releaseAnswer)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(rendered.releaseAnswer)
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
	short, err := helmDecode(&decodeRequest{Payload: rendered.Stored.Payload})
	if err != nil || len(short.Objects) != 0 || len(short.Hooks) != len(rendered.Hooks) || len(short.Hooks[0].Objects) != 0 {
		t.Errorf("got %+v, %v", short, err)
	}
}

func TestHooksInTheirOrder(t *testing.T) {
	_, rendered := storedHooks(t)
	var got []string
	for _, hook := range rendered.Hooks {
		got = append(got, hook.Name)
		if len(hook.Objects) != 1 || !strings.Contains(string(hook.Objects[0]), `"name":"`+hook.Name+`"`) {
			t.Errorf("%s has %s", hook.Name, hook.Objects)
		}
	}
	if strings.Join(got, " ") != "h2 h3 h5 h1" {
		t.Errorf("got %v", got)
	}
}

func TestUpdate(t *testing.T) {
	_, rendered := storedHooks(t)
	stored, err := newEngine().helmUpdate(&updateRequest{
		Payload: rendered.Stored.Payload,
		Version: pointer(7),
		Info:    &infoRequest{Status: pointer("failed"), Description: pointer("no"), Deleted: pointer("2026-01-02T03:04:05Z"), LastDeployed: pointer("")},
		Hooks:   []hookUpdate{{rendered.Hooks[0].Index, hookRun{pointer("2026-01-02T03:04:05.5Z"), nil, "Running"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := helmDecode(&decodeRequest{Payload: stored.Payload})
	if err != nil {
		t.Fatal(err)
	}
	hook := got.Hooks[0]
	if got.Version != 7 || *got.Info.Status != "failed" || *got.Info.Description != "no" || *got.Info.Deleted != "2026-01-02T03:04:05Z" || got.Info.LastDeployed != nil || *got.Info.FirstDeployed == "" {
		t.Errorf("got %d, %+v", got.Version, got.Info)
	}
	if hook.LastRun.Phase != "Running" || *hook.LastRun.StartedAt != "2026-01-02T03:04:05.5Z" || hook.LastRun.CompletedAt != nil || len(hook.DeletePolicies) != 1 || hook.DeletePolicies[0] != "before-hook-creation" {
		t.Errorf("got %+v", hook)
	}
	if len(got.Hooks[1].DeletePolicies) != 0 {
		t.Errorf("the default delete policy is in a hook that didn't run: %+v", got.Hooks[1])
	}
	if got.Digest != stored.Digest || stored.Digest == rendered.Stored.Digest {
		t.Errorf("digests are %s, %s and %s", got.Digest, stored.Digest, rendered.Stored.Digest)
	}
	turned, err := newEngine().helmUpdate(&updateRequest{Payload: stored.Payload, HookOrder: []int{3, 0, 2, 1}})
	if err != nil {
		t.Fatal(err)
	}
	before, _ := decodeRelease(stored.Payload)
	after, _ := decodeRelease(turned.Payload)
	for i, index := range []int{3, 0, 2, 1} {
		if after.Hooks[i].Name != before.Hooks[index].Name {
			t.Errorf("hook %d is %s", i, after.Hooks[i].Name)
		}
	}
	for _, wrong := range []updateRequest{
		{HookOrder: []int{}},
		{HookOrder: []int{0, 1, 2}},
		{HookOrder: []int{0, 1, 2, 2}},
		{HookOrder: []int{0, 1, 2, 3, 3}},
		{HookOrder: []int{0, 1, 2, 4}},
		{Hooks: []hookUpdate{{9, hookRun{}}}},
		{Hooks: []hookUpdate{{-1, hookRun{}}}},
		{Info: &infoRequest{Deleted: pointer("yesterday")}},
	} {
		wrong.Payload = stored.Payload
		if _, err := newEngine().helmUpdate(&wrong); err == nil || toWire(err).Reason != reasonInvalid {
			t.Errorf("got %v", err)
		}
	}
}

func TestATestsLastRunIsNotInTheDigest(t *testing.T) {
	_, rendered := storedHooks(t)
	for _, hook := range rendered.Hooks {
		stored, err := newEngine().helmUpdate(&updateRequest{Payload: rendered.Stored.Payload, Hooks: []hookUpdate{{hook.Index, hookRun{nil, nil, "Succeeded"}}}})
		if err != nil || (stored.Digest == rendered.Stored.Digest) != slices.Contains(hook.Events, "test") {
			t.Errorf("%s: %s, %v", hook.Name, stored.Digest, err)
		}
	}
}

func payloadOf(data []byte) string {
	return base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString(data)))
}

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(data)
	w.Close()
	return out.Bytes()
}

func TestCorruptReleases(t *testing.T) {
	bomb := zipped(t, bytes.Repeat([]byte("a"), maxReleaseBytes+1))
	for name, payload := range map[string]string{
		"nothing":    "",
		"no base64":  "!",
		"one base64": base64.StdEncoding.EncodeToString([]byte("!")),
		"no JSON":    payloadOf(zipped(t, []byte("text"))),
		"no gzip":    payloadOf([]byte{0x1f, 0x8b, 0x08, 0}),
		"cut off":    payloadOf(zipped(t, []byte(`{"name":"x"}`))[:20]),
		"bomb":       payloadOf(bomb),
		"a list":     payloadOf(zipped(t, []byte("[]"))),
		"bad hooks":  payloadOf(zipped(t, []byte(`{"hooks":[5]}`))),
	} {
		if _, err := helmDecode(&decodeRequest{Payload: payload, Objects: true}); err == nil || toWire(err).Reason != reasonBadRelease {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"old and not packed": `{"name":"x","version":1}`,
		"null parts":         `{"name":"x","info":null,"chart":null,"config":null,"hooks":[null]}`,
		"empty times":        `{"name":"x","info":{"first_deployed":"","last_deployed":"2020-01-01T00:00:00Z","deleted":""},"hooks":[{"name":"h","last_run":{"started_at":"","completed_at":"","phase":""}}]}`,
	} {
		if got, err := helmDecode(&decodeRequest{Payload: payloadOf([]byte(text)), Objects: true}); err != nil || got.Name != "x" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestALargeReleaseSaysWhatMakesItSo(t *testing.T) {
	noise := make([]byte, 600<<10)
	for i := range noise {
		noise[i] = byte('a' + (i*i*7919+i*31>>3)%26)
	}
	chart := chartOf(4).below("x").with(files{"x/files/big.bin": base64.StdEncoding.EncodeToString(randomBytes(700 << 10)), "x/files/other.txt": string(noise)})
	request := (&recordedRelease{}).request(t)
	request.Chart = chart.chartFile(t)
	got, err := newEngine().helmRender(request, noAnswers)
	if err != nil {
		t.Fatal(err)
	}
	if got.Stored.Bytes < 1<<20 || len(got.Stored.Largest) != 5 || got.Stored.Largest[0].What != "chart files/big.bin" {
		t.Errorf("%d bytes, %+v", got.Stored.Bytes, got.Stored.Largest)
	}
}

func randomBytes(count int) []byte {
	out, state := make([]byte, count), uint64(1)
	for i := range out {
		state = state*6364136223846793005 + 1442695040888963407
		out[i] = byte(state >> 56)
	}
	return out
}
