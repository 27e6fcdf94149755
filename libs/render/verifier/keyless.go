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

// keylessRequest asks whether somebody with one of the identities has signed an
// artifact: with a certificate of a Fulcio that the trusted root names, which a log
// of certificates has seen, at a time that a Rekor or a time stamp vouches for.
type keylessRequest struct {
	// Digest of the artifact's manifest: sha256:<hex>.
	Digest string `json:"digest"`
	// TrustedRoot is the text of trusted_root.json.
	TrustedRoot string `json:"trustedRoot"`
	// Identities of which one must match; any identity of the root's Fulcio without.
	Identities []identity `json:"identities"`
	// Bundle is what cosign 3 attaches; without it Signature is what cosign 2 does.
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

// signed is a signature in either layout, ready to be verified.
type signed struct {
	entity verify.SignedEntity
	// artifact is what the signature is of.
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

// trust is what the user wrote, so that an error in it is the user's.
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
	// What signs a manifest is a statement about it. A signature over the bare digest
	// is not what cosign looks for beside an artifact.
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

// times says who vouches for the time of the signature: a log of Rekor 1 by its
// entry, but one of Rekor 2 has no time in it, so that a time stamp is wanted.
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
