package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"

	"weir/render/wire"
)

const (
	issuer  = "https://issuer.test"
	subject = "builder@example.com"
)

var (
	signedDigest = manifest.Digest.String()
	known        = []identity{{"^https://issuer\\.test$", "^builder@example\\.com$"}}
)

func askKeyless(t testing.TB, r *keylessRequest) *keylessAnswer {
	t.Helper()
	if r.Digest == "" {
		r.Digest = signedDigest
	}
	answer, err := verifyKeyless(r)
	must(t, err)
	return answer
}

func TestKeylessSignaturesCountInBothLayouts(t *testing.T) {
	s := newSigstore(t)
	trusted := s.trustedRoot()
	bundle := bundleJSON(t, s.bundle(issuer, subject, signedDigest))
	old := s.oldSignature(issuer, subject, signedDigest)
	for _, identities := range [][]identity{known, nil, {{"^nobody$", "^nobody$"}, known[0]}, {{"", "example"}}, {{"issuer", ""}}} {
		for _, r := range []*keylessRequest{{Bundle: bundle}, {Signature: old}} {
			r.TrustedRoot, r.Identities = trusted, identities
			if got := askKeyless(t, r); !got.Verified {
				t.Errorf("%v: %+v", identities, got)
			}
		}
	}
	for _, identities := range [][]identity{{{"^https://issuer\\.test$", "^someone"}}, {{"^https://other$", "builder"}}} {
		for _, r := range []*keylessRequest{{Bundle: bundle}, {Signature: old}} {
			r.TrustedRoot, r.Identities = trusted, identities
			if got := askKeyless(t, r); got.Verified || !strings.Contains(got.Reason, "identity") {
				t.Errorf("%v: %+v", identities, got)
			}
		}
	}
}

func TestKeylessRefusesBundles(t *testing.T) {
	s, other := newSigstore(t), newSigstore(t)
	good := func() *protobundle.Bundle { return s.bundle(issuer, subject, signedDigest) }
	unlogged := newSigstore(t)
	unlogged.withoutLog = true
	cases := map[string]func() (*sigstore, *protobundle.Bundle){
		"another Sigstore": func() (*sigstore, *protobundle.Bundle) { return other, good() },
		"another artifact": func() (*sigstore, *protobundle.Bundle) {
			return s, s.bundle(issuer, subject, "sha256:"+strings.Repeat("0", 64))
		},
		"a certificate that no log has seen": func() (*sigstore, *protobundle.Bundle) {
			return unlogged, unlogged.bundle(issuer, subject, signedDigest)
		},
		"no transparency log": func() (*sigstore, *protobundle.Bundle) {
			b := good()
			b.VerificationMaterial.TlogEntries = nil
			return s, b
		},
		"a log entry of another signature": func() (*sigstore, *protobundle.Bundle) {
			b := good()
			b.VerificationMaterial.TlogEntries = good().VerificationMaterial.TlogEntries
			return s, b
		},
		"a time that the log has not signed": func() (*sigstore, *protobundle.Bundle) {
			b := good()
			b.VerificationMaterial.TlogEntries[0].IntegratedTime++
			return s, b
		},
		"another payload": func() (*sigstore, *protobundle.Bundle) {
			b := good()
			b.GetDsseEnvelope().Payload = bytes.Replace(b.GetDsseEnvelope().Payload, []byte("predicate\":{}"), []byte("predicate\":{ }"), 1)
			return s, b
		},
		"a key in place of the certificate": func() (*sigstore, *protobundle.Bundle) {
			b := good()
			b.VerificationMaterial.Content = &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{Hint: "x"}}
			return s, b
		},
		"the digest signed, not a statement": func() (*sigstore, *protobundle.Bundle) {
			b := good()
			b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
				MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: make([]byte, 32)}, Signature: []byte("x"),
			}}
			return s, b
		},
		"a hundred log entries": func() (*sigstore, *protobundle.Bundle) {
			b := good()
			entry := b.VerificationMaterial.TlogEntries[0]
			for len(b.VerificationMaterial.TlogEntries) < 100 {
				b.VerificationMaterial.TlogEntries = append(b.VerificationMaterial.TlogEntries, entry)
			}
			return s, b
		},
		"a certificate chain": func() (*sigstore, *protobundle.Bundle) {
			b := good()
			leaf := b.VerificationMaterial.GetCertificate()
			b.VerificationMaterial.Content = &protobundle.VerificationMaterial_X509CertificateChain{
				X509CertificateChain: &protocommon.X509CertificateChain{Certificates: []*protocommon.X509Certificate{leaf, leaf}},
			}
			return s, b
		},
		"an empty log entry": func() (*sigstore, *protobundle.Bundle) {
			b := good()
			b.VerificationMaterial.TlogEntries = []*protorekor.TransparencyLogEntry{{}}
			return s, b
		},
	}
	for name, make := range cases {
		trusts, bundle := make()
		if got := askKeyless(t, &keylessRequest{TrustedRoot: trusts.trustedRoot(), Identities: known, Bundle: bundleJSON(t, bundle)}); got.Verified || got.Reason == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestKeylessRefusesOldSignatures(t *testing.T) {
	s := newSigstore(t)
	other := s.oldSignature(issuer, subject, "sha256:"+strings.Repeat("0", 64))
	for name, change := range map[string]func(*oldSignature){
		"another artifact":    func(o *oldSignature) { *o = *other },
		"another payload":     func(o *oldSignature) { o.Payload = append(o.Payload, ' ') },
		"another log entry":   func(o *oldSignature) { o.RekorBundle = other.RekorBundle },
		"no log entry":        func(o *oldSignature) { o.RekorBundle = "" },
		"no JSON":             func(o *oldSignature) { o.RekorBundle = strings.Repeat("[", 100_000) },
		"another certificate": func(o *oldSignature) { o.Certificate = other.Certificate },
		"no certificate":      func(o *oldSignature) { o.Certificate = "" },
		"no signature":        func(o *oldSignature) { o.Signature = nil },
		"another kind of payload": func(o *oldSignature) {
			o.Payload = bytes.Replace(o.Payload, []byte("cosign container"), []byte("other container"), 1)
		},
		"a time stamp that is none": func(o *oldSignature) { o.Timestamp = "[" },
	} {
		signature := s.oldSignature(issuer, subject, signedDigest)
		change(signature)
		if got := askKeyless(t, &keylessRequest{TrustedRoot: s.trustedRoot(), Identities: known, Signature: signature}); got.Verified || got.Reason == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestKeylessTrustThatCannotBeUsed(t *testing.T) {
	trusted := newSigstore(t).trustedRoot()
	many := make([]identity, maxIdentities+1)
	for name, r := range map[string]*keylessRequest{
		"no root":                 {TrustedRoot: "", Identities: known},
		"a deep root":             {TrustedRoot: strings.Repeat("[", 500_000), Identities: known},
		"a long root":             {TrustedRoot: strings.Repeat(" ", maxRootBytes+1), Identities: known},
		"no regular expression":   {TrustedRoot: trusted, Identities: []identity{{"(", "a"}}},
		"look-around":             {TrustedRoot: trusted, Identities: []identity{{"a", "(?=b)"}}},
		"a long pattern":          {TrustedRoot: trusted, Identities: []identity{{"a", strings.Repeat("a", maxPatternBytes+1)}}},
		"a pattern that explodes": {TrustedRoot: trusted, Identities: []identity{{"a", "(x{100}){10}(y{1000}){4}z{1000}"}}},
		"many identities":         {TrustedRoot: trusted, Identities: many},
	} {
		r.Digest = signedDigest
		began := time.Now()
		_, err := verifyKeyless(r)
		if !isInvalid(err) || time.Since(began) > 2*time.Second {
			t.Errorf("%s: %v after %s", name, err, time.Since(began))
		}
	}
}

func TestKeylessIsBounded(t *testing.T) {
	s := newSigstore(t)
	trusted := s.trustedRoot()
	for name, bundle := range map[string][]byte{
		"long":  bytes.Repeat([]byte(" "), maxBundleBytes+1),
		"deep":  bytes.Repeat([]byte(`{"dsseEnvelope":`), 50_000),
		"empty": []byte("{}"),
		"none":  []byte("null"),
	} {
		began := time.Now()
		got := askKeyless(t, &keylessRequest{TrustedRoot: trusted, Identities: known, Bundle: bundle})
		if got.Verified || time.Since(began) > 2*time.Second || len(got.Reason) > maxReasonBytes+10 {
			t.Errorf("%s: %+v after %s", name, got, time.Since(began))
		}
	}
}

func TestHandlesItsOperationsOnly(t *testing.T) {
	body, err := json.Marshal(&keylessRequest{Digest: signedDigest})
	must(t, err)
	for _, op := range []string{"keyless", "other"} {
		if _, err := handle(nil, op, body); !isInvalid(err) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// isInvalid reports whether a request can't be answered because of what its user wrote.
func isInvalid(err error) bool {
	var problem *wire.Problem
	return errors.As(err, &problem) && problem.Reason == wire.ReasonInvalid
}
