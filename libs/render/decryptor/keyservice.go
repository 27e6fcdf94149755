package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	agearmor "filippo.io/age/armor"
	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/getsops/sops/v3/keyservice"
	"google.golang.org/grpc"

	"weir/render/wire"
)

// keyService unwraps data keys with the build's own keys, or by asking the service that
// started this process, which calls the key management service.
type keyService struct {
	keys *decryptor
	ask  wire.Ask
}

// maxDataKey bounds an unwrapped key, in bytes. Those of SOPS have 32, and a share of one
// has 33.
const maxDataKey = 4096

func (k keyService) Decrypt(_ context.Context, r *keyservice.DecryptRequest, _ ...grpc.CallOption) (*keyservice.DecryptResponse, error) {
	plaintext, err := k.unwrap(r.Key, r.Ciphertext)
	if err != nil {
		return nil, err
	}
	return &keyservice.DecryptResponse{Plaintext: plaintext}, nil
}

func (keyService) Encrypt(context.Context, *keyservice.EncryptRequest, ...grpc.CallOption) (*keyservice.EncryptResponse, error) {
	return nil, errors.New("nothing is encrypted here")
}

func (k keyService) unwrap(key *keyservice.Key, wrapped []byte) ([]byte, error) {
	switch it := key.KeyType.(type) {
	case *keyservice.Key_AgeKey:
		return k.keys.unwrapWithAge(wrapped)
	case *keyservice.Key_PgpKey:
		return k.keys.unwrapWithPGP(wrapped)
	case *keyservice.Key_VaultKey:
		return k.askFor(kmsRequest{Kind: "vault", Address: it.VaultKey.VaultAddress, Path: it.VaultKey.EnginePath, Name: it.VaultKey.KeyName, Wrapped: string(wrapped)})
	case *keyservice.Key_KmsKey:
		return k.askFor(kmsRequest{Kind: "aws", Name: it.KmsKey.Arn, Role: it.KmsKey.Role, Context: it.KmsKey.Context, Wrapped: string(wrapped)})
	case *keyservice.Key_GcpKmsKey:
		return k.askFor(kmsRequest{Kind: "gcp", Name: it.GcpKmsKey.ResourceId, Wrapped: string(wrapped)})
	case *keyservice.Key_AzureKeyvaultKey:
		return k.askFor(kmsRequest{Kind: "azure", Address: it.AzureKeyvaultKey.VaultUrl, Name: it.AzureKeyvaultKey.Name, Version: it.AzureKeyvaultKey.Version, Wrapped: string(wrapped)})
	}
	return nil, errors.New("no key of this type can be used")
}

// kmsRequest asks for the plain text of a data key that a key management service wrapped.
// All fields are as in the encrypted file.
type kmsRequest struct {
	Kind    string            `json:"kind"`
	Address string            `json:"address,omitempty"`
	Path    string            `json:"path,omitempty"`
	Name    string            `json:"name"`
	Version string            `json:"version,omitempty"`
	Role    string            `json:"role,omitempty"`
	Context map[string]string `json:"context,omitempty"`
	Wrapped string            `json:"wrapped"`
}

func (k keyService) askFor(r kmsRequest) ([]byte, error) {
	var answer struct {
		Key []byte `json:"key"`
	}
	if err := k.ask("kms", r, &answer); err != nil {
		return nil, err
	}
	if len(answer.Key) == 0 || len(answer.Key) > maxDataKey {
		return nil, errors.New("the key management service gave no data key")
	}
	return answer.Key, nil
}

func (d *decryptor) unwrapWithAge(wrapped []byte) ([]byte, error) {
	if len(d.age) == 0 {
		return nil, errors.New("failed to load age identities: the Kustomization has none")
	}
	reader, err := age.Decrypt(agearmor.NewReader(bytes.NewReader(wrapped)), d.age...)
	if err != nil {
		return nil, fmt.Errorf("failed to create reader for decrypting sops data key with age: %w", err)
	}
	return readKey(reader)
}

func (d *decryptor) unwrapWithPGP(wrapped []byte) ([]byte, error) {
	if len(d.pgp) == 0 {
		return nil, errors.New("failed to decrypt sops data key with pgp: the Kustomization has no OpenPGP keys")
	}
	block, err := armor.Decode(strings.NewReader(string(wrapped)))
	if err != nil {
		return nil, errors.New("failed to decrypt sops data key with pgp: it is not armored")
	}
	noPassphrase := func([]openpgp.Key, bool) ([]byte, error) {
		return nil, errors.New("keys with a passphrase can't be used")
	}
	message, err := openpgp.ReadMessage(block.Body, d.pgp, noPassphrase, nil)
	if err != nil {
		return nil, fmt.Errorf("failed to decrypt sops data key with pgp: %w", err)
	}
	return readKey(message.UnverifiedBody)
}

func readKey(reader io.Reader) ([]byte, error) {
	key, err := io.ReadAll(io.LimitReader(reader, maxDataKey+1))
	if err != nil {
		return nil, fmt.Errorf("failed to decrypt sops data key: %w", err)
	}
	if len(key) > maxDataKey {
		return nil, fmt.Errorf("a data key of more than %d bytes", maxDataKey)
	}
	return key, nil
}
