package main

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/opencontainers/go-digest"
)

var update = flag.Bool("update", false, "sign the samples anew")

const samplesFile = "testdata/signatures.json"

// samples are signatures of one manifest, for tests without a signer: those in
// TypeScript. The keyless ones never expire, as the log's time counts. The one of
// notation was made with a certificate that is valid for ten years.
type samples struct {
	Manifest string          `json:"manifest"`
	Digest   string          `json:"digest"`
	Keyless  keylessSamples  `json:"keyless"`
	Notation notationSamples `json:"notation"`
}

type keylessSamples struct {
	TrustedRoot string          `json:"trustedRoot"`
	Issuer      string          `json:"issuer"`
	Subject     string          `json:"subject"`
	Bundle      json.RawMessage `json:"bundle"`
	Signature   *oldSignature   `json:"signature"`
}

type notationSamples struct {
	Certificate string    `json:"certificate"`
	Signature   *envelope `json:"signature"`
}

func TestSamplesAreGood(t *testing.T) {
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		data, err := json.MarshalIndent(signSamples(t), "", "  ")
		must(t, err)
		must(t, os.WriteFile(samplesFile, append(data, '\n'), 0o644))
	}
	data, err := os.ReadFile(samplesFile)
	must(t, err)
	var s samples
	must(t, json.Unmarshal(data, &s))
	for _, r := range []*keylessRequest{{Bundle: s.Keyless.Bundle}, {Signature: s.Keyless.Signature}} {
		r.Digest, r.TrustedRoot, r.Identities = s.Digest, s.Keyless.TrustedRoot, known
		if got := askKeyless(t, r); !got.Verified {
			t.Errorf("%+v", got)
		}
	}
	got, err := verifyNotation(&notationRequest{
		Reference:    "example.com/app@" + s.Digest,
		Artifact:     s.artifact(),
		Policy:       strict,
		Certificates: [][]byte{[]byte(s.Notation.Certificate)},
		Signature:    s.Notation.Signature,
	})
	if err != nil || got.Result != resultVerified {
		t.Errorf("%+v, %v", got, err)
	}
}

func (s *samples) artifact() descriptor {
	return descriptor{manifest.MediaType, digest.Digest(s.Digest), int64(len(s.Manifest))}
}

func signSamples(t *testing.T) *samples {
	const blob = `"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}`
	s := &samples{Manifest: `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json",` + blob +
		`,"layers":[{"mediaType":"application/vnd.oci.empty.v1+json",` + blob + `]}`}
	s.Digest = digest.FromString(s.Manifest).String()
	own := newSigstore(t)
	s.Keyless = keylessSamples{own.trustedRoot(), issuer, subject, bundleJSON(t, own.bundle(issuer, subject, s.Digest)), own.oldSignature(issuer, subject, s.Digest)}
	by := newSigner(t, "sample", years)
	s.Notation = notationSamples{string(by.root()), by.sign(t, jws.MediaTypeEnvelope, s.artifact(), nil)}
	return s
}
