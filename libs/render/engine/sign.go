package main

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// signRequest asks for an OpenPGP signature. The messages of failures are those of
// image-automation-controller, which reads its keys with the same library.
type signRequest struct {
	// Secret is the name of the key's Secret, for messages.
	Secret string `json:"secret"`
	// Key is armored.
	Key string `json:"key"`
	// Passphrase is null if the Secret has none.
	Passphrase *string `json:"passphrase"`
	// Payload is the base64 of what to sign; null if only the key is to be checked.
	Payload *string `json:"payload"`
}

type signAnswer struct {
	// Signature is armored; empty without a payload.
	Signature string `json:"signature"`
}

const (
	reasonSigningKey   = "SigningKeyInvalid"
	maxSigningKeyBytes = 256 << 10
)

func signOpenPGP(r *signRequest) (*signAnswer, error) {
	if len(r.Key) > maxSigningKeyBytes {
		return nil, badKey("could not read signing key from secret '%s': it has more than %d bytes", r.Secret, maxSigningKeyBytes)
	}
	entities, err := openpgp.ReadArmoredKeyRing(bytes.NewReader([]byte(r.Key)))
	if err != nil {
		return nil, badKey("could not read signing key from secret '%s': %w", r.Secret, err)
	}
	if len(entities) > 1 {
		return nil, badKey("multiple entities read from secret '%s', could not determine which signing key to use", r.Secret)
	}
	entity := entities[0]
	if entity.PrivateKey == nil {
		return nil, badKey("could not read signing key from secret '%s': it holds no private key", r.Secret)
	}
	if err := unlock(entity, r); err != nil {
		return nil, err
	}
	if r.Payload == nil {
		return &signAnswer{}, nil
	}
	payload, err := base64.StdEncoding.DecodeString(*r.Payload)
	if err != nil {
		return nil, fail(reasonInvalid, err)
	}
	var signature bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&signature, entity, bytes.NewReader(payload), nil); err != nil {
		return nil, badKey("could not sign with the key from secret '%s': %w", r.Secret, err)
	}
	return &signAnswer{Signature: signature.String()}, nil
}

// unlock decrypts the key and those of its subkeys that may sign.
func unlock(entity *openpgp.Entity, r *signRequest) error {
	if !entity.PrivateKey.Encrypted {
		return nil
	}
	if r.Passphrase == nil {
		return badKey("can not use passphrase protected signing key without 'passphrase' field present in secret %s", r.Secret)
	}
	if err := entity.PrivateKey.Decrypt([]byte(*r.Passphrase)); err != nil {
		return badKey("could not decrypt private key of the signing key present in secret %s: %w", r.Secret, err)
	}
	for _, subkey := range entity.Subkeys {
		if subkey.PrivateKey == nil || !subkey.PrivateKey.Encrypted {
			continue
		}
		if err := subkey.PrivateKey.Decrypt([]byte(*r.Passphrase)); err != nil {
			return badKey("could not decrypt a subkey of the signing key present in secret %s: %w", r.Secret, err)
		}
	}
	return nil
}

func badKey(format string, args ...any) error {
	return fail(reasonSigningKey, fmt.Errorf(format, args...))
}
