package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/opencontainers/go-digest"
)

const payloadType = "application/vnd.cncf.notary.payload.v1+json"

var manifest = descriptor{"application/vnd.oci.image.manifest.v1+json", digest.FromString("manifest"), 8}

// signer is somebody with a certificate.
type signer struct {
	chain []*x509.Certificate
	key   *ecdsa.PrivateKey
}

// newSigner creates a root and a certificate that it signed, which change may modify.
func newSigner(t testing.TB, name string, change func(*x509.Certificate)) *signer {
	t.Helper()
	root, rootKey := issue(t, &x509.Certificate{
		Subject:               pkix.Name{CommonName: name + " root", Organization: []string{"Test"}, Country: []string{"US"}, Province: []string{"WA"}},
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}, nil, nil)
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: name, Organization: []string{"Test"}, Country: []string{"US"}, Province: []string{"WA"}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	if change != nil {
		change(template)
	}
	leaf, key := issue(t, template, root, rootKey)
	return &signer{[]*x509.Certificate{leaf, root}, key}
}

func issue(t testing.TB, template, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	// A root is valid for longer than what it signs.
	if template.IsCA {
		years(template)
	}
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-3*time.Hour), time.Now().Add(time.Hour)
	}
	if parent == nil {
		parent, by = template, key
	}
	data, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	must(t, err)
	certificate, err := x509.ParseCertificate(data)
	must(t, err)
	return certificate, key
}

// years sets how long the samples are valid.
func years(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(-3*time.Hour), time.Now().AddDate(10, 0, 0)
}

// sign creates the envelope of an artifact's signature.
func (s *signer) sign(t testing.TB, mediaType string, artifact descriptor, change func(*signature.SignRequest)) *envelope {
	t.Helper()
	local, err := signature.NewLocalSigner(s.chain, s.key)
	must(t, err)
	payload, err := json.Marshal(map[string]any{"targetArtifact": artifact})
	must(t, err)
	request := &signature.SignRequest{
		Payload:       signature.Payload{ContentType: payloadType, Content: payload},
		Signer:        local,
		SigningTime:   time.Now(),
		SigningScheme: signature.SigningSchemeX509,
	}
	if change != nil {
		change(request)
	}
	empty, err := signature.NewEnvelope(mediaType)
	must(t, err)
	content, err := empty.Sign(request)
	must(t, err)
	return &envelope{mediaType, content}
}

// root returns the certificate of the signer's authority, as a Secret has it.
func (s *signer) root() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.chain[1].Raw})
}

func policyOf(level, scope, identity string) string {
	return fmt.Sprintf(`{"version":"1.0","trustPolicies":[{"name":"p","registryScopes":[%q],"signatureVerification":{"level":%q},"trustStores":["ca:any"],"trustedIdentities":[%q]}]}`, scope, level, identity)
}

func askNotation(by *signer, signed *envelope, policy string) (*notationAnswer, error) {
	return verifyNotation(&notationRequest{
		Reference:    "example.com/org/app@" + manifest.Digest.String(),
		Artifact:     manifest,
		Policy:       policy,
		Certificates: [][]byte{by.root()},
		Signature:    signed,
	})
}

var strict = policyOf("strict", "*", "*")

func TestNotationSignaturesCountInBothForms(t *testing.T) {
	own := newSigner(t, "own", nil)
	for _, mediaType := range []string{jws.MediaTypeEnvelope, cose.MediaTypeEnvelope} {
		got, err := askNotation(own, own.sign(t, mediaType, manifest, nil), strict)
		must(t, err)
		if got.Result != resultVerified {
			t.Errorf("%s: %+v", mediaType, got)
		}
	}
}

func TestNotationRefuses(t *testing.T) {
	own, stranger := newSigner(t, "own", nil), newSigner(t, "stranger", nil)
	expired := newSigner(t, "expired", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})
	revocable := newSigner(t, "revocable", func(c *x509.Certificate) {
		c.CRLDistributionPoints = []string{"http://127.0.0.1:1/list.crl"}
		c.OCSPServer = []string{"http://127.0.0.1:1/"}
	})
	good := own.sign(t, jws.MediaTypeEnvelope, manifest, nil)
	other := descriptor{manifest.MediaType, digest.FromString("other"), 5}
	for name, c := range map[string]struct {
		by     *signer
		signed *envelope
		policy string
		reason string
	}{
		"a stranger":         {own, stranger.sign(t, jws.MediaTypeEnvelope, manifest, nil), strict, "does not contain any trusted certificate"},
		"another artifact":   {own, own.sign(t, jws.MediaTypeEnvelope, other, nil), strict, "content descriptor mismatch"},
		"an old certificate": {expired, expired.sign(t, jws.MediaTypeEnvelope, manifest, func(r *signature.SignRequest) { r.SigningTime = time.Now().Add(-90 * time.Minute) }), strict, "expired"},
		"a signature expired": {own, own.sign(t, jws.MediaTypeEnvelope, manifest, func(r *signature.SignRequest) {
			r.SigningTime = time.Now().Add(-time.Minute)
			r.Expiry = time.Now().Add(-time.Second)
		}), strict, "digital signature has expired"},
		"unknown revocation":   {revocable, revocable.sign(t, jws.MediaTypeEnvelope, manifest, nil), strict, "revocation status is unknown"},
		"another identity":     {own, good, policyOf("strict", "*", "x509.subject: C=US, ST=WA, O=Others"), "does not match"},
		"a bit changed":        {own, &envelope{good.MediaType, changed(good.Content)}, strict, ""},
		"another form":         {own, &envelope{cose.MediaTypeEnvelope, good.Content}, strict, "unable to parse"},
		"an unknown form":      {own, &envelope{"text/plain", good.Content}, strict, ""},
		"nothing":              {own, &envelope{good.MediaType, nil}, strict, ""},
		"JSON without an end":  {own, &envelope{good.MediaType, []byte(strings.Repeat("[", 200_000))}, strict, ""},
		"no signature, strict": {own, nil, strict, "there is no signature"},
	} {
		got, err := askNotation(c.by, c.signed, c.policy)
		if err != nil || got.Result != resultFailed || !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// changed changes the protected part, wherever it is in the content.
func changed(content []byte) []byte {
	return bytes.Replace(content, []byte(`"signature":"`), []byte(`"signature":"AAAA`), 1)
}

func TestNotationLevels(t *testing.T) {
	own, stranger := newSigner(t, "own", nil), newSigner(t, "stranger", nil)
	bad := stranger.sign(t, jws.MediaTypeEnvelope, manifest, nil)
	skip := `{"version":"1.0","trustPolicies":[{"name":"p","registryScopes":["*"],"signatureVerification":{"level":"skip"},"trustStores":["ca:any"],"trustedIdentities":["*"]}]}`
	for _, c := range []struct {
		policy string
		signed *envelope
		result string
	}{
		{policyOf("permissive", "*", "*"), bad, resultFailed},
		{policyOf("audit", "*", "*"), bad, resultTolerated},
		{policyOf("audit", "*", "*"), own.sign(t, jws.MediaTypeEnvelope, manifest, nil), resultVerified},
		{skip, nil, resultSkipped},
	} {
		got, err := askNotation(own, c.signed, c.policy)
		if err != nil || got.Result != c.result {
			t.Errorf("%s: %+v, %v", c.policy, got, err)
		}
	}
}

func TestNotationPoliciesThatCannotBeUsed(t *testing.T) {
	own := newSigner(t, "own", nil)
	for policy, reason := range map[string]string{
		"":   "parsing trustpolicy.json",
		"{}": "",
		policyOf("strict", "example.com/org/other", "*"): "no applicable trust policy",
		policyOf("severe", "*", "*"):                     "",
		strings.Repeat("[", maxPolicyBytes):              "parsing trustpolicy.json",
		strings.Repeat(" ", maxPolicyBytes+1):            "too long",
	} {
		_, err := askNotation(own, nil, policy)
		if !isInvalid(err) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.200s: %v", policy, err)
		}
	}
}

func TestNotationIsBounded(t *testing.T) {
	own := newSigner(t, "own", nil)
	long := &envelope{jws.MediaTypeEnvelope, make([]byte, maxEnvelopeBytes+1)}
	if _, err := askNotation(own, long, strict); err == nil {
		t.Error("a long envelope was taken")
	}
	for name, content := range map[string][]byte{
		"arrays in arrays": bytes.Repeat([]byte{0x9f}, maxEnvelopeBytes),
		"a huge array":     append([]byte{0xd2, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, make([]byte, 1000)...),
	} {
		got, err := askNotation(own, &envelope{cose.MediaTypeEnvelope, content}, strict)
		if err != nil || got.Result != resultFailed {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	chained := own.sign(t, jws.MediaTypeEnvelope, manifest, nil)
	var parts map[string]json.RawMessage
	must(t, json.Unmarshal(chained.Content, &parts))
	var header struct {
		Chain [][]byte `json:"x5c"`
	}
	must(t, json.Unmarshal(parts["header"], &header))
	for len(header.Chain) < 300 {
		header.Chain = append(header.Chain, header.Chain[1])
	}
	parts["header"] = encoded(t, header)
	began := time.Now()
	got, err := askNotation(own, &envelope{chained.MediaType, encoded(t, parts)}, strict)
	if err != nil || got.Result != resultFailed || time.Since(began) > 2*time.Second {
		t.Errorf("a chain of 300 certificates: %+v, %v, %s", got, err, time.Since(began))
	}
}

func encoded(t testing.TB, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	must(t, err)
	return data
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
