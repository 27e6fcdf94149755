package main

import (
	"bytes"
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/azkv"
	"github.com/getsops/sops/v3/gcpkms"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/kms"
)

// The samples are encrypted files in testdata that tests of the whole product use, such
// as users of SOPS have in Git. `go test -run TestSamples -update .` creates those that
// are missing.
var update = flag.Bool("update", false, "encrypt the samples that testdata lacks")

const secretText = `apiVersion: v1
kind: Secret
metadata:
    name: whole
stringData:
    password: s3cret
    user: admin
`

// samples are the plain texts by file name. The first part of a name says which key
// encrypts it.
var samples = map[string]string{
	"age.secret.yaml":   secretText,
	"pgp.secret.yaml":   secretText,
	"both.secret.yaml":  secretText,
	"age.values.env":    "USER=admin\nPASSWORD=s3cret\n",
	"age.config.json":   "{\n\t\"password\": \"s3cret\",\n\t\"retries\": 3\n}\n",
	"age.config.ini":    "[database]\npassword = s3cret\n",
	"age.config.yaml":   "password: s3cret\nlist:\n    - a\n    - b\n",
	"age.blob":          "s3cret\x00\x01\n",
	"age.patch.yaml":    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n    name: patched\ndata:\n    password: s3cret\n",
	"vault.secret.yaml": secretText,
	"aws.secret.yaml":   secretText,
	"role.secret.yaml":  secretText,
	"gcp.secret.yaml":   secretText,
	"azure.secret.yaml": secretText,
}

// rules say which part of a sample is encrypted: all of it if the sample isn't listed
// here.
var rules = map[string]string{
	"secret.yaml": "^(data|stringData)$",
	"patch.yaml":  "^data$",
}

func TestSamples(t *testing.T) {
	if *update {
		writeSamples(t)
	}
	d := new(decryptor)
	importKeys(t, d, &keysRequest{
		Age: []keyFile{{"identity.agekey", read(t, "identity.agekey")}},
		PGP: []keyFile{{"identity.asc", read(t, "identity.asc")}},
	})
	ask := answering(t)
	for name, want := range samples {
		answer, err := d.decrypt(ask, &decryptRequest{[]byte(read(t, name)), formatOf(name), formatOf(name)})
		if err != nil || string(answer.Data) != want {
			t.Errorf("%s: %v, %q", name, err, answer)
		}
	}
}

// answering stands in for key management services, whose wrapped keys are plain in these
// tests.
func answering(t *testing.T) func(string, any, any) error {
	t.Helper()
	return func(_ string, body, answer any) error {
		r := body.(kmsRequest)
		switch r.Kind {
		case "vault":
			return decodeInto(answer, unwrapped(t, r.Wrapped))
		case "azure":
			return decodeInto(answer, cloudUnwrapped(t, base64.RawURLEncoding, r))
		}
		return decodeInto(answer, cloudUnwrapped(t, base64.StdEncoding, r))
	}
}

// cloudWrapped stands for what a cloud's service makes of a key: its name, and the key.
func cloudWrapped(encoding *base64.Encoding, name string, key []byte) string {
	return encoding.EncodeToString(append([]byte(name+"\n"), key...))
}

func cloudUnwrapped(t *testing.T, encoding *base64.Encoding, r kmsRequest) []byte {
	t.Helper()
	data, err := encoding.DecodeString(r.Wrapped)
	key, ours := bytes.CutPrefix(data, []byte(r.Name+"\n"))
	if err != nil || !ours {
		t.Errorf("%v, %+v", err, r)
	}
	return key
}

func writeSamples(t *testing.T) {
	t.Helper()
	identity := newIdentity(t)
	entity, armored := newEntity(t)
	if !exists("identity.agekey") {
		write(t, "identity.agekey", "# A key of tests: it protects nothing.\n"+identity.String()+"\n")
		write(t, "identity.asc", armored)
	}
	for name, text := range samples {
		if exists(name) {
			continue
		}
		with, rest, _ := strings.Cut(name, ".")
		metadata := sops.Metadata{EncryptedRegex: rules[rest], KeyGroups: groupsFor(t, with, identity, entity), ShamirThreshold: 2}
		write(t, name, string(encrypt(t, formatOf(name), text, metadata, entity)))
	}
}

func groupsFor(t *testing.T, with string, identity *age.X25519Identity, entity *openpgp.Entity) []sops.KeyGroup {
	t.Helper()
	one := sops.KeyGroup{ageKey(t, identity.Recipient().String())}
	other := sops.KeyGroup{pgpKey(entity)}
	switch with {
	case "pgp":
		return []sops.KeyGroup{other}
	case "both":
		return []sops.KeyGroup{one, other}
	case "vault":
		return []sops.KeyGroup{{vaultKey()}}
	case "aws":
		return []sops.KeyGroup{{awsKey("")}}
	case "role":
		return []sops.KeyGroup{{awsKey("arn:aws:iam::1234:role/sops")}}
	case "gcp":
		return []sops.KeyGroup{{gcpkms.NewMasterKeyFromResourceID("projects/p/locations/global/keyRings/r/cryptoKeys/k")}}
	case "azure":
		return []sops.KeyGroup{{azkv.NewMasterKey("https://weir.vault.azure.net", "k", "1")}}
	}
	return []sops.KeyGroup{one}
}

func awsKey(role string) keys.MasterKey {
	app := "shop"
	return kms.NewMasterKey("arn:aws:kms:eu-central-1:1234:key/abc-def", role, map[string]*string{"app": &app})
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join("testdata", name))
	return err == nil
}

func formatOf(name string) string {
	switch filepath.Ext(name) {
	case ".yaml":
		return "yaml"
	case ".json":
		return "json"
	case ".env":
		return "dotenv"
	case ".ini":
		return "ini"
	}
	return "binary"
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if strings.Contains(text, "s3cret") {
		t.Fatalf("%s is not encrypted", name)
	}
	if err := os.WriteFile(filepath.Join("testdata", name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
