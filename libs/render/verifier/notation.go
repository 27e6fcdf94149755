package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"

	// These are the two formats of signatures.
	_ "github.com/notaryproject/notation-core-go/signature/cose"
	_ "github.com/notaryproject/notation-core-go/signature/jws"

	"github.com/notaryproject/notation-core-go/revocation"
	"github.com/notaryproject/notation-core-go/revocation/purpose"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"weir/render/wire"
)

// notationRequest asks whether a signature of an artifact satisfies a trust policy.
type notationRequest struct {
	// Reference is host/name@digest, by which the policy's statement is chosen.
	Reference string     `json:"reference"`
	Artifact  descriptor `json:"artifact"`
	// Policy is the text of trustpolicy.json.
	Policy string `json:"policy"`
	// Certificates are the trusted ones, in PEM or DER. As in Flux, each trust store that
	// the policy names has all of them.
	Certificates [][]byte `json:"certificates"`
	// Signature may be missing. Then the answer only says what the policy requires.
	Signature *envelope `json:"signature"`
}

type descriptor struct {
	MediaType string        `json:"mediaType"`
	Digest    digest.Digest `json:"digest"`
	Size      int64         `json:"size"`
}

type envelope struct {
	MediaType string `json:"mediaType"`
	Content   []byte `json:"content"`
}

type notationAnswer struct {
	// Result is one of the constants below.
	Result string `json:"result"`
	Reason string `json:"reason,omitempty"`
}

const (
	resultVerified = "verified"
	// resultFailed means that this signature is not accepted.
	resultFailed = "failed"
	// resultSkipped means that the policy requires no signature of this artifact.
	resultSkipped = "skipped"
	// resultTolerated means that the signer is not trusted, and that the policy says only
	// to log this.
	resultTolerated = "tolerated"
)

// Bounds of a request.
const (
	maxPolicyBytes       = 256 << 10
	maxCertificates      = 200
	maxEnvelopeBytes     = 256 << 10
	maxReasonBytes       = 1 << 10
	reasonBytesAreCutOff = " ..."
)

// skipper is the interface by which notation asks a verifier whether signatures are
// needed at all.
type skipper interface {
	SkipVerify(context.Context, notation.VerifierVerifyOptions) (bool, *trustpolicy.VerificationLevel, error)
}

func verifyNotation(r *notationRequest) (*notationAnswer, error) {
	if err := r.check(); err != nil {
		return nil, wire.Invalid(err)
	}
	verifier, err := r.verifier()
	if err != nil {
		return nil, wire.Invalid(err)
	}
	options := notation.VerifierVerifyOptions{ArtifactReference: r.Reference}
	ctx := context.Background()
	if skip, ok := verifier.(skipper); ok {
		skips, _, err := skip.SkipVerify(ctx, options)
		if err != nil {
			return nil, wire.Invalid(err)
		}
		if skips {
			return &notationAnswer{Result: resultSkipped}, nil
		}
	}
	if r.Signature == nil {
		return &notationAnswer{Result: resultFailed, Reason: "there is no signature"}, nil
	}
	options.SignatureMediaType = r.Signature.MediaType
	artifact := ocispec.Descriptor{MediaType: r.Artifact.MediaType, Digest: r.Artifact.Digest, Size: r.Artifact.Size}
	outcome, err := verifier.Verify(ctx, artifact, r.Signature.Content, options)
	if err == nil && outcome != nil && outcome.Error != nil {
		err = outcome.Error
	}
	if err != nil {
		return &notationAnswer{Result: resultFailed, Reason: cutOff(err.Error())}, nil
	}
	return judge(outcome), nil
}

// judge finds failures that a lenient policy ignores: only an authentic signature counts
// as verified.
func judge(outcome *notation.VerificationOutcome) *notationAnswer {
	for _, result := range outcome.VerificationResults {
		if result.Error != nil && result.Type == trustpolicy.TypeAuthenticity {
			return &notationAnswer{Result: resultTolerated, Reason: cutOff(result.Error.Error())}
		}
	}
	return &notationAnswer{Result: resultVerified}
}

func (r *notationRequest) check() error {
	if len(r.Policy) > maxPolicyBytes {
		return fmt.Errorf("trustpolicy.json of %d bytes is too long: %d at most", len(r.Policy), maxPolicyBytes)
	}
	if len(r.Certificates) > maxCertificates {
		return fmt.Errorf("%d certificates are too many: %d at most", len(r.Certificates), maxCertificates)
	}
	if r.Signature != nil && len(r.Signature.Content) > maxEnvelopeBytes {
		return fmt.Errorf("a signature of %d bytes is too long: %d at most", len(r.Signature.Content), maxEnvelopeBytes)
	}
	return r.Artifact.Digest.Validate()
}

func (r *notationRequest) verifier() (notation.Verifier, error) {
	policy := new(trustpolicy.Document)
	if err := json.Unmarshal([]byte(r.Policy), policy); err != nil {
		return nil, fmt.Errorf("error occurred while parsing trustpolicy.json: %w", err)
	}
	withoutIdleTrust(policy)
	signing, err := revocationOf(purpose.CodeSigning)
	if err != nil {
		return nil, err
	}
	timestamping, err := revocationOf(purpose.Timestamping)
	if err != nil {
		return nil, err
	}
	options := verifier.VerifierOptions{RevocationCodeSigningValidator: signing, RevocationTimestampingValidator: timestamping}
	return verifier.NewWithOptions(policy, trustedCertificates(r.Certificates), nil, options)
}

// withoutIdleTrust removes the trust stores and identities of a statement without
// verification: notation refuses these, and Flux ignores them.
func withoutIdleTrust(policy *trustpolicy.Document) {
	for i := range policy.TrustPolicies {
		statement := &policy.TrustPolicies[i]
		if statement.SignatureVerification.VerificationLevel == trustpolicy.LevelSkip.Name {
			statement.TrustStores, statement.TrustedIdentities = nil, nil
		}
	}
}

// revocationOf returns a validator that sends no request: the state of a certificate that
// names a revocation server is unknown. Policies of the level strict refuse such
// certificates.
func revocationOf(purpose purpose.Purpose) (revocation.Validator, error) {
	return revocation.NewWithOptions(revocation.Options{
		OCSPHTTPClient:   &http.Client{Transport: wire.Offline{}},
		CRLFetcher:       noRevocations{},
		CertChainPurpose: purpose,
	})
}

// trustedCertificates are the certificates of a Secret. Each entry is DER, or PEM whose
// first block counts, as in Flux: of a file with a chain, only the first certificate is
// trusted.
type trustedCertificates [][]byte

func (t trustedCertificates) GetCertificates(_ context.Context, _ truststore.Type, store string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, data := range t {
		if block, _ := pem.Decode(data); block != nil {
			data = block.Bytes
		}
		certificates, err := x509.ParseCertificates(data)
		if err != nil {
			return nil, fmt.Errorf("failed to parse certificate '%s': %s", store, err)
		}
		all = append(all, certificates...)
	}
	if len(all) > maxCertificates {
		return nil, errors.New("there are too many certificates in the trust store")
	}
	return all, nil
}

// cutOff bounds how much text a signature can put into a message.
func cutOff(reason string) string {
	reason = wire.Plain(reason)
	if len(reason) <= maxReasonBytes {
		return reason
	}
	return reason[:maxReasonBytes] + reasonBytesAreCutOff
}
