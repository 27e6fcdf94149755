package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp"
)

// decryptor holds the private keys of one build.
type decryptor struct {
	age []age.Identity
	pgp openpgp.EntityList
}

// keyFile is an entry of the Secret with the keys.
type keyFile struct {
	// Name is the name of the entry, for messages.
	Name string `json:"name"`
	Text string `json:"text"`
}

type keysRequest struct {
	// Origin says where the keys come from, for messages.
	Origin string `json:"origin"`
	// Age has files in the format of age-keygen.
	Age []keyFile `json:"age"`
	// PGP has armored private keys without a passphrase.
	PGP []keyFile `json:"pgp"`
}

type keysAnswer struct {
	Age int `json:"age"`
	PGP int `json:"pgp"`
}

// Bounds of the keys of one build.
const (
	maxIdentities = 1000
	maxEntities   = 1000
)

// importKeys adds keys to those that were imported before. No message contains any part
// of a key.
func (d *decryptor) importKeys(r *keysRequest) (*keysAnswer, error) {
	for _, file := range r.Age {
		identities, err := parseIdentities(file.Text)
		if err != nil {
			return nil, fmt.Errorf("failed to import '%s' data from %s: failed to parse and add to age identities: %w", file.Name, r.Origin, err)
		}
		d.age = append(d.age, identities...)
	}
	for _, file := range r.PGP {
		entities, err := openpgp.ReadArmoredKeyRing(strings.NewReader(file.Text))
		if err != nil {
			return nil, fmt.Errorf("failed to import '%s' data from %s: no OpenPGP keys could be read from it", file.Name, r.Origin)
		}
		d.pgp = append(d.pgp, entities...)
	}
	if len(d.age) > maxIdentities || len(d.pgp) > maxEntities {
		return nil, fmt.Errorf("more than %d keys", maxIdentities)
	}
	return &keysAnswer{Age: len(d.age), PGP: len(d.pgp)}, nil
}

// parseIdentities reads an age key file: comments, and one identity on each line.
// Identities that name a plugin are refused, because a plugin is a program that would be
// run.
func parseIdentities(text string) ([]age.Identity, error) {
	var identities []age.Identity
	for _, line := range bytes.Split([]byte(text), []byte("\n")) {
		line := strings.TrimSuffix(string(line), "\r")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		identity, err := parseIdentity(line)
		if err != nil {
			return nil, err
		}
		identities = append(identities, identity)
	}
	return identities, nil
}

func parseIdentity(line string) (age.Identity, error) {
	var identity age.Identity
	var err error
	switch {
	case strings.HasPrefix(line, "AGE-SECRET-KEY-PQ-1"):
		identity, err = age.ParseHybridIdentity(line)
	case strings.HasPrefix(line, "AGE-SECRET-KEY-1"):
		identity, err = age.ParseX25519Identity(line)
	case strings.HasPrefix(line, "AGE-PLUGIN-"):
		return nil, errors.New("identities of age plugins can't be used: no program is run")
	default:
		return nil, errors.New("unknown identity type")
	}
	if err != nil {
		// The library's own message may quote the key.
		return nil, errors.New("malformed secret key")
	}
	return identity, nil
}
