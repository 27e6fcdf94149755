package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	sopsage "github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/azkv"
	"github.com/getsops/sops/v3/gcpkms"
	"github.com/getsops/sops/v3/hcvault"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/kms"
	"github.com/getsops/sops/v3/pgp"
	"github.com/getsops/sops/v3/shamir"
)

// plain has a file in each format, with the value that must not be seen.
var plain = map[string]string{
	"yaml":   "a: s3cret\nb:\n    - c: 1\n    - d: true\n",
	"json":   "{\n\t\"a\": \"s3cret\",\n\t\"b\": 1.5\n}\n",
	"dotenv": "A=s3cret\nB=two\n",
	"ini":    "[section]\na = s3cret\n",
	"binary": "s3cret\x00\x01 and more",
}

func noKMS(string, any, any) error { return errors.New("nobody asks here") }

func TestDecryptsEachFormat(t *testing.T) {
	identity := newIdentity(t)
	entity, armored := newEntity(t)
	groups := map[string][]sops.KeyGroup{
		"age":                {{ageKey(t, identity.Recipient().String())}},
		"age, the second":    {{ageKey(t, newIdentity(t).Recipient().String()), ageKey(t, identity.Recipient().String())}},
		"pgp":                {{pgpKey(entity)}},
		"two of three":       {{ageKey(t, identity.Recipient().String())}, {pgpKey(entity)}, {ageKey(t, newIdentity(t).Recipient().String())}},
		"post-quantum":       {{ageKey(t, hybrid(t).Recipient().String())}},
		"a key of a service": {{vaultKey()}},
	}
	d := &decryptor{}
	importKeys(t, d, &keysRequest{
		Age: []keyFile{{"identity.agekey", "# created\n" + identity.String() + "\n" + hybrid(t).String()}},
		PGP: []keyFile{{"identity.asc", armored}},
	})
	ask := func(op string, body, answer any) error {
		r := body.(kmsRequest)
		if op != "kms" || r.Kind != "vault" || r.Address != "https://vault.example" || r.Path != "sops" || r.Name != "first" {
			t.Errorf("asked %s for %+v", op, r)
		}
		return decodeInto(answer, unwrapped(t, r.Wrapped))
	}
	for name, group := range groups {
		for format, text := range plain {
			t.Run(name+"/"+format, func(t *testing.T) {
				encrypted := encrypt(t, format, text, sops.Metadata{KeyGroups: group, ShamirThreshold: 2}, entity)
				if bytes.Contains(encrypted, []byte("s3cret")) {
					t.Fatal("nothing is encrypted")
				}
				answer, err := d.decrypt(ask, &decryptRequest{encrypted, format, format})
				if err != nil {
					t.Fatal(err)
				}
				if string(answer.Data) != text {
					t.Errorf("%q, not %q", answer.Data, text)
				}
			})
		}
	}
}

func TestEncryptedAsOneFormatWantedAsAnother(t *testing.T) {
	identity := newIdentity(t)
	d := &decryptor{age: []age.Identity{identity}}
	metadata := sops.Metadata{KeyGroups: []sops.KeyGroup{{ageKey(t, identity.Recipient().String())}}}
	encrypted := encrypt(t, "yaml", plain["yaml"], metadata, nil)
	answer, err := d.decrypt(noKMS, &decryptRequest{encrypted, "yaml", "json"})
	if err != nil || !json.Valid(answer.Data) {
		t.Errorf("%v, %s", err, answer.Data)
	}
}

func TestOnlyWhatTheRulesNameIsEncrypted(t *testing.T) {
	identity := newIdentity(t)
	d := &decryptor{age: []age.Identity{identity}}
	text := "open: 1\nstringData:\n    a: s3cret\ndata_unencrypted: x\n"
	for name, metadata := range map[string]sops.Metadata{
		"encrypted_regex":    {EncryptedRegex: "^(data|stringData)$"},
		"unencrypted_suffix": {UnencryptedSuffix: "_unencrypted"},
		"unencrypted_regex":  {UnencryptedRegex: "^open$"},
		"encrypted_suffix":   {EncryptedSuffix: "Data"},
		"mac of encrypted":   {EncryptedSuffix: "Data", MACOnlyEncrypted: true},
	} {
		t.Run(name, func(t *testing.T) {
			metadata.KeyGroups = []sops.KeyGroup{{ageKey(t, identity.Recipient().String())}}
			answer, err := d.decrypt(noKMS, &decryptRequest{encrypt(t, "yaml", text, metadata, nil), "yaml", "yaml"})
			if err != nil || string(answer.Data) != text {
				t.Errorf("%v, %q", err, answer)
			}
		})
	}
}

func TestCommentsSayWhatIsEncrypted(t *testing.T) {
	identity := newIdentity(t)
	d := &decryptor{age: []age.Identity{identity}}
	text := "stringData:\n    # hide this\n    a: s3cret\n    # show this\n    b: open\n"
	for name, metadata := range map[string]sops.Metadata{
		"encrypted_comment_regex":   {EncryptedCommentRegex: "hide"},
		"unencrypted_comment_regex": {UnencryptedCommentRegex: "show"},
	} {
		t.Run(name, func(t *testing.T) {
			metadata.KeyGroups = []sops.KeyGroup{{ageKey(t, identity.Recipient().String())}}
			encrypted := encrypt(t, "yaml", text, metadata, nil)
			if bytes.Contains(encrypted, []byte("s3cret")) || !bytes.Contains(encrypted, []byte("b: open")) {
				t.Fatalf("%s", encrypted)
			}
			answer, err := d.decrypt(noKMS, &decryptRequest{encrypted, "yaml", "yaml"})
			if err != nil || string(answer.Data) != text {
				t.Errorf("%v, %q", err, answer)
			}
		})
	}
}

func TestFailuresShowNoSecret(t *testing.T) {
	identity := newIdentity(t)
	entity, _ := newEntity(t)
	metadata := sops.Metadata{KeyGroups: []sops.KeyGroup{{ageKey(t, identity.Recipient().String()), pgpKey(entity)}}}
	good := string(encrypt(t, "yaml", plain["yaml"], metadata, entity))
	half := strings.Replace(good, "a: ENC[", "z: s3cret\na: ENC[", 1)
	with := func(identities ...age.Identity) *decryptor { return &decryptor{age: identities} }
	for name, it := range map[string]struct {
		decryptor *decryptor
		data      string
		wanted    string
	}{
		"no keys":           {with(), good, "the Kustomization has none"},
		"other keys":        {with(newIdentity(t)), good, "identity did not match any of the recipients"},
		"encrypted by half": {with(identity), half, "Input string <redacted> does not match sops' data format"},
		"a changed value":   {with(identity), strings.Replace(good, "ENC[AES256_GCM,data:", "ENC[AES256_GCM,data:AAAA", 1), "error decrypting sops tree"},
		"no metadata":       {with(identity), "a: 1\n", "failed to load encrypted YAML data"},
		"no YAML":           {with(identity), "{[", "failed to load encrypted YAML data"},
		"an empty file":     {with(identity), "", "failed to load encrypted YAML data"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := it.decryptor.decrypt(noKMS, &decryptRequest{[]byte(it.data), "yaml", "yaml"})
			if err == nil || !strings.Contains(err.Error(), it.wanted) {
				t.Errorf("%v", err)
			}
			for _, secret := range []string{"s3cret", identity.String()} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the message shows %q: %v", secret, err)
				}
			}
		})
	}
}

func TestKeysThatCannotBeUsed(t *testing.T) {
	secret := newIdentity(t).String()
	for name, r := range map[string]*keysRequest{
		"a plugin":           {Age: []keyFile{{"a.agekey", "AGE-PLUGIN-SH-1QQPQX"}}},
		"a cut key":          {Age: []keyFile{{"a.agekey", secret[:40]}}},
		"another text":       {Age: []keyFile{{"a.agekey", "password: " + secret}}},
		"no armor":           {PGP: []keyFile{{"a.asc", secret}}},
		"more than are used": {Age: []keyFile{{"a.agekey", strings.Repeat(secret+"\n", maxIdentities+1)}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := new(decryptor).importKeys(r)
			if err == nil || strings.Contains(err.Error(), secret[20:40]) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestKeysThatOneFileMayName(t *testing.T) {
	identity := newIdentity(t)
	var group sops.KeyGroup
	for range maxKeys + 1 {
		group = append(group, ageKey(t, identity.Recipient().String()))
	}
	encrypted := encrypt(t, "json", plain["json"], sops.Metadata{KeyGroups: []sops.KeyGroup{group}}, nil)
	d := &decryptor{age: []age.Identity{identity}}
	if _, err := d.decrypt(noKMS, &decryptRequest{encrypted, "json", "json"}); err == nil || !strings.Contains(err.Error(), "the limit is 100") {
		t.Errorf("%v", err)
	}
}

func vaultKey() keys.MasterKey {
	return &hcvault.MasterKey{VaultAddress: "https://vault.example", EnginePath: "sops", KeyName: "first"}
}

// wrapped stands for what a transit engine makes of a key: its bytes in base64.
func wrapped(key []byte) string {
	return "vault:v1:" + base64.StdEncoding.EncodeToString(key)
}

func unwrapped(t *testing.T, text string) []byte {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "vault:v1:"))
	if err != nil {
		t.Error(err)
	}
	return key
}

// decodeInto answers a question for a data key.
func decodeInto(answer any, key []byte) error {
	data, err := json.Marshal(map[string][]byte{"key": key})
	if err != nil {
		return err
	}
	return json.Unmarshal(data, answer)
}

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

var sharedHybrid *age.HybridIdentity

func hybrid(t *testing.T) *age.HybridIdentity {
	t.Helper()
	if sharedHybrid == nil {
		identity, err := age.GenerateHybridIdentity()
		if err != nil {
			t.Fatal(err)
		}
		sharedHybrid = identity
	}
	return sharedHybrid
}

func newEntity(t *testing.T) (*openpgp.Entity, string) {
	t.Helper()
	entity, err := openpgp.NewEntity("tester", "", "tester@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	writer, err := armor.Encode(&text, openpgp.PrivateKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(entity.SerializePrivate(writer, nil), writer.Close()); err != nil {
		t.Fatal(err)
	}
	return entity, text.String()
}

func ageKey(t *testing.T, recipient string) keys.MasterKey {
	t.Helper()
	key, err := sopsage.MasterKeyFromRecipient(recipient)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pgpKey(entity *openpgp.Entity) keys.MasterKey {
	return pgp.NewMasterKeyFromFingerprint(strings.ToUpper(entity.PrimaryKey.KeyIdString()))
}

func importKeys(t *testing.T, d *decryptor, r *keysRequest) {
	t.Helper()
	if _, err := d.importKeys(r); err != nil {
		t.Fatal(err)
	}
}

// encrypt does what `sops encrypt` does, without running programs or using the network.
func encrypt(t *testing.T, format, text string, metadata sops.Metadata, entity *openpgp.Entity) []byte {
	t.Helper()
	loader, err := storeFor(format)
	if err != nil {
		t.Fatal(err)
	}
	branches, err := loader.(sops.PlainFileLoader).LoadPlainFile([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	dataKey := bytes.Repeat([]byte{7}, 32)
	shares := [][]byte{dataKey}
	if len(metadata.KeyGroups) > 1 {
		if shares, err = shamir.Split(dataKey, len(metadata.KeyGroups), metadata.ShamirThreshold); err != nil {
			t.Fatal(err)
		}
	} else {
		metadata.ShamirThreshold = 0
	}
	for i, group := range metadata.KeyGroups {
		for _, key := range group {
			switch it := key.(type) {
			case *hcvault.MasterKey:
				it.EncryptedKey = wrapped(shares[i])
			case *kms.MasterKey:
				it.EncryptedKey = cloudWrapped(base64.StdEncoding, it.Arn, shares[i])
			case *gcpkms.MasterKey:
				it.EncryptedKey = cloudWrapped(base64.StdEncoding, it.ResourceID, shares[i])
			case *azkv.MasterKey:
				it.EncryptedKey = cloudWrapped(base64.RawURLEncoding, it.Name, shares[i])
			case *pgp.MasterKey:
				it.EncryptedKey = encryptForEntity(t, entity, shares[i])
			default:
				if err := key.Encrypt(shares[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	metadata.Version, metadata.LastModified = "3.13.2", time.Unix(1_700_000_000, 0).UTC()
	tree := sops.Tree{Branches: branches, Metadata: metadata}
	cipher := aes.NewCipher()
	mac, err := tree.Encrypt(dataKey, cipher)
	if err != nil {
		t.Fatal(err)
	}
	tree.Metadata.MessageAuthenticationCode, err = cipher.Encrypt(mac, dataKey, tree.Metadata.LastModified.Format(time.RFC3339))
	if err != nil {
		t.Fatal(err)
	}
	out, err := loader.(sops.EncryptedFileEmitter).EmitEncryptedFile(tree)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func encryptForEntity(t *testing.T, entity *openpgp.Entity, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	armored, err := armor.Encode(&out, "PGP MESSAGE", nil)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := openpgp.Encrypt(armored, []*openpgp.Entity{entity}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(writer.Close(), armored.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
