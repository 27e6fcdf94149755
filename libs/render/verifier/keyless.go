package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"weir/render/wire"
)

// keylessRequest asks whether somebody with one of the identities has signed an artifact.
// The certificate must come from a Fulcio that the trusted root names and be recorded in
// a log of certificates, and a Rekor or a time stamp must confirm the time.
type keylessRequest struct {
	// Digest is that of the artifact's manifest: sha256:<hex>.
	Digest string `json:"digest"`
	// TrustedRoot is the text of trusted_root.json.
	TrustedRoot string `json:"trustedRoot"`
	// Identities are those of which one must match. If there are none, any identity that
	// the root's Fulcio has certified will do.
	Identities []identity `json:"identities"`
	// Bundle is what cosign 3 attaches to an artifact. Without it, Signature is what
	// cosign 2 attaches.
	Bundle    []byte        `json:"bundle"`
	Signature *oldSignature `json:"signature"`
}

type keylessAnswer struct {
	Verified bool   `json:"verified"`
	Reason   string `json:"reason,omitempty"`
}

const (
	maxRootBytes   = 1 << 20
	maxBundleBytes = 1 << 20
	maxIdentities  = 100
)

// signed is a signature of either layout, ready to be verified.
type signed struct {
	entity verify.SignedEntity
	// artifact says what the signature has to be of.
	artifact verify.ArtifactPolicyOption
}

func verifyKeyless(r *keylessRequest) (*keylessAnswer, error) {
	trusted, policy, err := r.trust()
	if err != nil {
		return nil, wire.Invalid(err)
	}
	signature, err := r.signed()
	if err == nil {
		err = signature.verify(trusted, policy)
	}
	if err != nil {
		return &keylessAnswer{Reason: cutOff(err.Error())}, nil
	}
	return &keylessAnswer{Verified: true}, nil
}

// trust reads what the user wrote. An error in it is the user's.
func (r *keylessRequest) trust() (root.TrustedMaterial, []verify.PolicyOption, error) {
	if len(r.TrustedRoot) > maxRootBytes {
		return nil, nil, fmt.Errorf("trusted_root.json of %d bytes is too long: %d at most", len(r.TrustedRoot), maxRootBytes)
	}
	if len(r.Identities) > maxIdentities {
		return nil, nil, fmt.Errorf("%d identities are too many: %d at most", len(r.Identities), maxIdentities)
	}
	trusted, err := root.NewTrustedRootFromJSON([]byte(r.TrustedRoot))
	if err != nil {
		return nil, nil, fmt.Errorf("unable to parse trusted root: %w", err)
	}
	if len(r.Identities) == 0 {
		return trusted, []verify.PolicyOption{verify.WithoutIdentitiesUnsafe()}, nil
	}
	var policy []verify.PolicyOption
	for _, identity := range r.Identities {
		known, err := identity.compile()
		if err != nil {
			return nil, nil, err
		}
		policy = append(policy, verify.WithCertificateIdentity(known))
	}
	return trusted, policy, nil
}

func (r *keylessRequest) signed() (*signed, error) {
	digest, err := r.digest()
	if err != nil {
		return nil, err
	}
	if r.Bundle == nil {
		if r.Signature == nil {
			return nil, errors.New("there is no signature")
		}
		return r.Signature.signed(r.Digest)
	}
	if len(r.Bundle) > maxBundleBytes {
		return nil, fmt.Errorf("a bundle of %d bytes is too long: %d at most", len(r.Bundle), maxBundleBytes)
	}
	entity := new(bundle.Bundle)
	if err := entity.UnmarshalJSON(r.Bundle); err != nil {
		return nil, err
	}
	// A manifest is signed by a statement about it. cosign does not accept a signature
	// over the bare digest.
	if entity.GetDsseEnvelope() == nil {
		return nil, errors.New("the bundle has no DSSE envelope")
	}
	return &signed{entity, verify.WithArtifactDigest("sha256", digest)}, nil
}

func (r *keylessRequest) digest() ([]byte, error) {
	encoded, ok := strings.CutPrefix(r.Digest, "sha256:")
	if !ok {
		return nil, fmt.Errorf("only SHA-256 digests can be signed without a key: %q", r.Digest)
	}
	return hex.DecodeString(encoded)
}

func (s *signed) verify(trusted root.TrustedMaterial, policy []verify.PolicyOption) error {
	times, err := s.times()
	if err != nil {
		return err
	}
	verifier, err := verify.NewVerifier(trusted, times, verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1))
	if err != nil {
		return err
	}
	content, err := s.entity.VerificationContent()
	if err != nil {
		return err
	}
	if content.Certificate() == nil {
		return errors.New("the signature has no certificate: it was made with a key")
	}
	_, err = verifier.Verify(s.entity, verify.NewPolicy(s.artifact, policy...))
	return err
}

// times returns what has to confirm the time of the signature: for a log of Rekor 1 the
// log's entry. An entry of Rekor 2 has no time, so a time stamp is required.
func (s *signed) times() (verify.VerifierOption, error) {
	entries, err := s.entity.TlogEntries()
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !entry.IntegratedTime().IsZero() {
			return verify.WithIntegratedTimestamps(1), nil
		}
	}
	return verify.WithSignedTimestamps(1), nil
}
