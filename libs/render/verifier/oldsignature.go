package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// oldSignature is what cosign 2 stores under the tag sha256-<digest>.sig: a payload that
// names the manifest, and the annotations of its layer (cosign, specs/SIGNATURE_SPEC.md).
type oldSignature struct {
	Payload []byte `json:"payload"`
	// Signature is the signature of the payload.
	Signature []byte `json:"signature"`
	// Certificate is in PEM.
	Certificate string `json:"certificate"`
	// RekorBundle is the log's signed promise to include the signature, as JSON.
	RekorBundle string `json:"rekorBundle"`
	// Timestamp comes from a time stamping authority, as JSON; it may be empty.
	Timestamp string `json:"timestamp"`
}

// rekorBundle is the annotation dev.sigstore.cosign/bundle.
type rekorBundle struct {
	SignedEntryTimestamp []byte
	Payload              struct {
		Body           []byte `json:"body"`
		IntegratedTime int64  `json:"integratedTime"`
		LogIndex       int64  `json:"logIndex"`
		LogID          string `json:"logID"`
	}
}

// simpleSigning has the fields of the payload that are checked.
type simpleSigning struct {
	Critical struct {
		Type  string `json:"type"`
		Image struct {
			Digest string `json:"docker-manifest-digest"`
		} `json:"image"`
	} `json:"critical"`
}

const (
	simpleSigningType = "cosign container image signature"
	// oldBundle is the version of bundles in which the log's promise suffices as proof.
	oldBundle = "application/vnd.dev.sigstore.bundle+json;version=0.1"
)

// signed makes a bundle of the signature, which is then verified like any other, after
// checking that the payload is about the manifest.
func (s *oldSignature) signed(digest string) (*signed, error) {
	if len(s.Payload) > maxBundleBytes || len(s.RekorBundle) > maxBundleBytes {
		return nil, fmt.Errorf("a signature of more than %d bytes is too long", maxBundleBytes)
	}
	var payload simpleSigning
	if err := json.Unmarshal(s.Payload, &payload); err != nil {
		return nil, fmt.Errorf("the payload is no JSON: %w", err)
	}
	if payload.Critical.Type != simpleSigningType || payload.Critical.Image.Digest != digest {
		return nil, errors.New("the signature is of something else")
	}
	material, err := s.material()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(s.Payload)
	entity, err := bundle.NewBundle(&protobundle.Bundle{
		MediaType:            oldBundle,
		VerificationMaterial: material,
		Content: &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]},
			Signature:     s.Signature,
		}},
	})
	if err != nil {
		return nil, err
	}
	return &signed{entity, verify.WithArtifact(bytes.NewReader(s.Payload))}, nil
}

func (s *oldSignature) material() (*protobundle.VerificationMaterial, error) {
	block, _ := pem.Decode([]byte(s.Certificate))
	if block == nil {
		return nil, errors.New("the signature has no certificate")
	}
	entry, err := s.entry()
	if err != nil {
		return nil, err
	}
	certificate := &protocommon.X509Certificate{RawBytes: block.Bytes}
	material := &protobundle.VerificationMaterial{
		Content: &protobundle.VerificationMaterial_X509CertificateChain{
			X509CertificateChain: &protocommon.X509CertificateChain{Certificates: []*protocommon.X509Certificate{certificate}},
		},
		TlogEntries: []*protorekor.TransparencyLogEntry{entry},
	}
	if s.Timestamp != "" {
		var stamp struct{ SignedRFC3161Timestamp []byte }
		if err := json.Unmarshal([]byte(s.Timestamp), &stamp); err != nil {
			return nil, fmt.Errorf("the time stamp is no JSON: %w", err)
		}
		material.TimestampVerificationData = &protobundle.TimestampVerificationData{
			Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: stamp.SignedRFC3161Timestamp}},
		}
	}
	return material, nil
}

func (s *oldSignature) entry() (*protorekor.TransparencyLogEntry, error) {
	if s.RekorBundle == "" {
		return nil, errors.New("the signature has no entry of a transparency log with it")
	}
	var kept rekorBundle
	if err := json.Unmarshal([]byte(s.RekorBundle), &kept); err != nil {
		return nil, fmt.Errorf("the entry of the transparency log is no JSON: %w", err)
	}
	var kind struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
	}
	if err := json.Unmarshal(kept.Payload.Body, &kind); err != nil {
		return nil, fmt.Errorf("the entry of the transparency log is no JSON: %w", err)
	}
	log, err := hex.DecodeString(kept.Payload.LogID)
	if err != nil {
		return nil, fmt.Errorf("the id of the transparency log: %w", err)
	}
	return &protorekor.TransparencyLogEntry{
		LogIndex:          kept.Payload.LogIndex,
		LogId:             &protocommon.LogId{KeyId: log},
		KindVersion:       &protorekor.KindVersion{Kind: kind.Kind, Version: kind.APIVersion},
		IntegratedTime:    kept.Payload.IntegratedTime,
		InclusionPromise:  &protorekor.InclusionPromise{SignedEntryTimestamp: kept.SignedEntryTimestamp},
		CanonicalizedBody: kept.Payload.Body,
	}, nil
}
