package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"

	// The two forms that signatures have.
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

// notationRequest asks whether a signature of an artifact is one that a trust
// policy wants.
type notationRequest struct {
	// Reference is host/name@digest, by which the policy is chosen.
	Reference string     `json:"reference"`
	Artifact  descriptor `json:"artifact"`
	// Policy is the text of trustpolicy.json.
	Policy string `json:"policy"`
	// Certificates are the trusted ones, in PEM or DER: all of them in every trust
	// store that the policy names, as with Flux.
	Certificates [][]byte `json:"certificates"`
	// Signature may be missing: then only what the policy says is answered.
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
	// resultFailed means that this signature doesn't do.
	resultFailed = "failed"
	// resultSkipped means that the policy wants no signature of this artifact.
	resultSkipped = "skipped"
	// resultTolerated means that the signer is not trusted, which the policy only wants logged.
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

// skipper is what notation asks a verifier before it looks for signatures.
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

// judge looks for what a lenient policy lets through: nothing that isn't authentic
// counts as verified.
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

// withoutIdleTrust takes out what a statement without verification names as
// trusted: notation refuses that, Flux passes over it.
func withoutIdleTrust(policy *trustpolicy.Document) {
	for i := range policy.TrustPolicies {
		statement := &policy.TrustPolicies[i]
		if statement.SignatureVerification.VerificationLevel == trustpolicy.LevelSkip.Name {
			statement.TrustStores, statement.TrustedIdentities = nil, nil
		}
	}
}

// revocationOf finds out of a certificate that names a server for revocations that
// its state is unknown: nothing is asked. A policy of the level strict refuses those.
func revocationOf(purpose purpose.Purpose) (revocation.Validator, error) {
	return revocation.NewWithOptions(revocation.Options{
		OCSPHTTPClient:   &http.Client{Transport: wire.Offline{}},
		CRLFetcher:       noRevocations{},
		CertChainPurpose: purpose,
	})
}

// trustedCertificates are those of a Secret. Each entry is DER, or PEM of which the
// first block counts, as with Flux: a file with a chain trusts its first certificate.
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

// cutOff bounds what a signature can make a message say.
func cutOff(reason string) string {
	reason = wire.Plain(reason)
	if len(reason) <= maxReasonBytes {
		return reason
	}
	return reason[:maxReasonBytes] + reasonBytesAreCutOff
}
