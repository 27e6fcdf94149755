package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"google.golang.org/protobuf/encoding/protojson"
)

// sigstore is a Sigstore of these tests: an authority for certificates, a log of
// certificates, and the Rekor that sigstore-go has for tests.
type sigstore struct {
	testing.TB
	rekor             *ca.VirtualSigstore
	root, authority   *x509.Certificate
	authorityKey, log *ecdsa.PrivateKey
	// withoutLog leaves the certificate out of the log.
	withoutLog bool
}

func newSigstore(t testing.TB) *sigstore {
	rekor, err := ca.NewVirtualSigstore()
	must(t, err)
	root, rootKey, err := ca.GenerateRootCa()
	must(t, err)
	authority, authorityKey, err := ca.GenerateFulcioIntermediate(root, rootKey)
	must(t, err)
	log, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return &sigstore{TB: t, rekor: rekor, root: root, authority: authority, authorityKey: authorityKey, log: log}
}

// trustedRoot returns the text of trusted_root.json.
func (s *sigstore) trustedRoot() string {
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	authority := &root.FulcioCertificateAuthority{
		Root: s.root, Intermediates: []*x509.Certificate{s.authority}, URI: "https://fulcio.test", ValidityPeriodStart: from, ValidityPeriodEnd: to,
	}
	certificates := &root.TransparencyLog{
		BaseURL: "https://ct.test", ID: s.logID(), ValidityPeriodStart: from, ValidityPeriodEnd: to,
		HashFunc: crypto.SHA256, PublicKey: s.log.Public(), SignatureHashFunc: crypto.SHA256,
	}
	rekors := s.rekor.RekorLogs()
	for id, rekor := range rekors {
		var err error
		rekor.ID, err = hex.DecodeString(id)
		must(s, err)
	}
	logs := map[string]*root.TransparencyLog{hex.EncodeToString(certificates.ID): certificates}
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, []root.CertificateAuthority{authority}, logs, nil, rekors)
	must(s, err)
	return string(encoded(s, trusted))
}

func (s *sigstore) logID() []byte {
	key, err := x509.MarshalPKIXPublicKey(s.log.Public())
	must(s, err)
	id := sha256.Sum256(key)
	return id[:]
}

// certify makes a certificate for an identity, valid for ten minutes, and puts it into
// the log, whose promise is an extension of the certificate (RFC 6962, section 3).
func (s *sigstore) certify(issuer, subject string) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(s, err)
	template := &x509.Certificate{
		SerialNumber:    big.NewInt(time.Now().UnixNano()),
		EmailAddresses:  []string{subject},
		NotBefore:       time.Now().Add(-time.Minute),
		NotAfter:        time.Now().Add(9 * time.Minute),
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtKeyUsage:     []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}, Value: []byte(issuer)}},
	}
	certificate := s.issue(template, key)
	if s.withoutLog {
		return certificate, key
	}
	promises := s.promise(certificate.RawTBSCertificate)
	template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: promises})
	return s.issue(template, key), key
}

func (s *sigstore) issue(template *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	data, err := x509.CreateCertificate(rand.Reader, template, s.authority, key.Public(), s.authorityKey)
	must(s, err)
	certificate, err := x509.ParseCertificate(data)
	must(s, err)
	return certificate
}

// promise returns the log's list of signed timestamps for a certificate that has no such
// list yet.
func (s *sigstore) promise(certificate []byte) []byte {
	at := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixMilli()))
	issuer := sha256.Sum256(s.authority.RawSubjectPublicKeyInfo)
	signed := append([]byte{0, 0}, at...)
	signed = append(append(signed, 0, 1), issuer[:]...)
	signed = append(signed, byte(len(certificate)>>16), byte(len(certificate)>>8), byte(len(certificate)))
	signed = append(append(signed, certificate...), 0, 0)
	signature := signedBy(s, s.log, signed)
	stamp := append(append([]byte{0}, s.logID()...), at...)
	stamp = append(stamp, 0, 0, 4, 3)
	stamp = append(binary.BigEndian.AppendUint16(stamp, uint16(len(signature))), signature...)
	list := binary.BigEndian.AppendUint16(nil, uint16(len(stamp)+2))
	list = append(binary.BigEndian.AppendUint16(list, uint16(len(stamp))), stamp...)
	value, err := asn1.Marshal(list)
	must(s, err)
	return value
}

// bundle signs a digest as cosign 3 does.
func (s *sigstore) bundle(issuer, subject, digest string) *protobundle.Bundle {
	certificate, key := s.certify(issuer, subject)
	statement := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`, strings.TrimPrefix(digest, "sha256:"))
	const kind = "application/vnd.in-toto+json"
	signature := signedBy(s, key, dsse.PAE(kind, []byte(statement)))
	envelope := &dsse.Envelope{PayloadType: kind, Payload: base64.StdEncoding.EncodeToString([]byte(statement)), Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(signature)}}}
	logged, err := s.rekor.GenerateTlogEntry(certificate, envelope, signature, time.Now().Unix(), true)
	must(s, err)
	entry := logged.TransparencyLogEntry()
	entry.KindVersion = &protorekor.KindVersion{Kind: "dsse", Version: "0.0.1"}
	promise := s.rekorPromise(entry.CanonicalizedBody, entry.IntegratedTime, entry.LogIndex)
	entry.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: promise.SignedEntryTimestamp}
	return &protobundle.Bundle{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content:     &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: certificate.Raw}},
			TlogEntries: []*protorekor.TransparencyLogEntry{entry},
		},
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			PayloadType: kind, Payload: []byte(statement), Signatures: []*protodsse.Signature{{Sig: signature}},
		}},
	}
}

// oldSignature signs a digest as cosign 2 does.
func (s *sigstore) oldSignature(issuer, subject, digest string) *oldSignature {
	certificate, key := s.certify(issuer, subject)
	payload := fmt.Sprintf(`{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":%q},"type":%q},"optional":null}`, digest, simpleSigningType)
	signature := signedBy(s, key, []byte(payload))
	sum := sha256.Sum256([]byte(payload))
	written := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
	body := fmt.Sprintf(`{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":"sha256","value":%q}},"signature":{"content":%q,"publicKey":{"content":%q}}}}`,
		hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(signature), base64.StdEncoding.EncodeToString([]byte(written)))
	promise := s.rekorPromise([]byte(body), time.Now().Unix(), 7)
	return &oldSignature{Payload: []byte(payload), Signature: signature, Certificate: written, RekorBundle: string(encoded(s, promise))}
}

// rekorPromise returns Rekor's signature over an entry.
func (s *sigstore) rekorPromise(body []byte, at, index int64) *rekorBundle {
	id, err := s.rekor.RekorLogID()
	must(s, err)
	signature, err := s.rekor.RekorSignPayload(tlog.RekorPayload{Body: base64.StdEncoding.EncodeToString(body), IntegratedTime: at, LogIndex: index, LogID: id})
	must(s, err)
	promise := &rekorBundle{SignedEntryTimestamp: signature}
	promise.Payload.Body, promise.Payload.IntegratedTime, promise.Payload.LogIndex, promise.Payload.LogID = body, at, index, id
	return promise
}

func signedBy(t testing.TB, key *ecdsa.PrivateKey, data []byte) []byte {
	sum := sha256.Sum256(data)
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	must(t, err)
	return signature
}

func bundleJSON(t testing.TB, bundle *protobundle.Bundle) []byte {
	data, err := protojson.Marshal(bundle)
	must(t, err)
	return json.RawMessage(data)
}
