package main

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

func keyForTest(t *testing.T, passphrase string) (*openpgp.Entity, string) {
	t.Helper()
	entity, err := openpgp.NewEntity("Bot", "", "bot@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PrivateKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if passphrase != "" {
		if err := entity.EncryptPrivateKeys([]byte(passphrase), nil); err != nil {
			t.Fatal(err)
		}
		err = entity.SerializePrivateWithoutSigning(w, nil)
	} else {
		err = entity.SerializePrivate(w, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	return entity, text.String()
}

func TestSignaturesVerify(t *testing.T) {
	payload := base64.StdEncoding.EncodeToString([]byte("payload"))
	for _, passphrase := range []string{"", "hunter2"} {
		entity, key := keyForTest(t, passphrase)
		answer, err := signOpenPGP(&signRequest{Secret: "gpg", Key: key, Passphrase: &passphrase, Payload: &payload})
		if err != nil {
			t.Fatal(err)
		}
		ring := openpgp.EntityList{entity}
		if _, err := openpgp.CheckArmoredDetachedSignature(ring, strings.NewReader("payload"), strings.NewReader(answer.Signature), nil); err != nil {
			t.Error(err)
		}
	}
}

func TestKeysFailInTheWordsOfFlux(t *testing.T) {
	_, locked := keyForTest(t, "hunter2")
	_, other := keyForTest(t, "")
	wrong := "no"
	for want, request := range map[string]*signRequest{
		"could not read signing key from secret 's': openpgp: invalid argument: no armored data found":                              {Key: "junk"},
		"can not use passphrase protected signing key without 'passphrase' field present in secret s":                               {Key: locked},
		"could not decrypt private key of the signing key present in secret s: openpgp: invalid data: private key checksum failure": {Key: locked, Passphrase: &wrong},
		"could not read signing key from secret 's': it has more than 262144 bytes":                                                 {Key: strings.Repeat("x", 300_000)},
	} {
		request.Secret = "s"
		if _, err := signOpenPGP(request); err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := signOpenPGP(&signRequest{Key: other}); err != nil {
		t.Error(err)
	}
}
