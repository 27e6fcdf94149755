package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/keyservice"
	"github.com/getsops/sops/v3/stores/dotenv"
	"github.com/getsops/sops/v3/stores/ini"
	"github.com/getsops/sops/v3/stores/json"
	"github.com/getsops/sops/v3/stores/yaml"

	"weir/render/wire"
)

// formatNames are the names of formats in messages, as in Flux.
var formatNames = map[string]string{
	"binary": "binary", "dotenv": "dotenv", "ini": "INI", "json": "JSON", "yaml": "YAML",
}

type store interface {
	sops.EncryptedFileLoader
	sops.PlainFileEmitter
}

func storeFor(format string) (store, error) {
	c := config.NewStoresConfig()
	switch format {
	case "binary":
		return json.NewBinaryStore(&c.JSONBinary), nil
	case "dotenv":
		return dotenv.NewStore(&c.Dotenv), nil
	case "ini":
		return ini.NewStore(&c.INI), nil
	case "json":
		return json.NewStore(&c.JSON), nil
	case "yaml":
		return yaml.NewStore(&c.YAML), nil
	}
	return nil, wire.Invalid(fmt.Errorf("unknown format %q", format))
}

type decryptRequest struct {
	Data []byte `json:"data"`
	// Input and Output are formats: the plain text may be wanted in a format other than
	// that of the encrypted text.
	Input  string `json:"input"`
	Output string `json:"output"`
}

type decryptAnswer struct {
	Data []byte `json:"data"`
}

// maxKeys bounds the keys that one file names, because each may cost a call to a key
// management service.
const maxKeys = 100

// decrypt returns the plain text. As in Flux, the message authentication code is not
// checked: it does not cover what Kustomize adds to an object.
func (d *decryptor) decrypt(ask wire.Ask, r *decryptRequest) (answer *decryptAnswer, err error) {
	defer func() {
		// SOPS panics on some malformed files.
		if cause := recover(); cause != nil {
			answer, err = nil, fmt.Errorf("failed to emit encrypted %s file as decrypted %s: it is malformed", formatNames[r.Input], formatNames[r.Output])
		}
	}()
	in, err := storeFor(r.Input)
	if err != nil {
		return nil, err
	}
	out, err := storeFor(r.Output)
	if err != nil {
		return nil, err
	}
	tree, err := in.LoadEncryptedFile(r.Data)
	if err != nil {
		return nil, explained(fmt.Sprintf("failed to load encrypted %s data", formatNames[r.Input]), err)
	}
	if count := tree.Metadata.MasterKeyCount(); count > maxKeys {
		return nil, fmt.Errorf("cannot get sops data key: %d keys are named, the limit is %d", count, maxKeys)
	}
	services := []keyservice.KeyServiceClient{keyService{d, ask}}
	key, err := tree.Metadata.GetDataKeyWithKeyServices(services, sops.DefaultDecryptionOrder)
	if err != nil {
		return nil, explained("cannot get sops data key", err)
	}
	if _, err := tree.Decrypt(key, aes.NewCipher()); err != nil {
		return nil, explained("error decrypting sops tree", withoutValues(err))
	}
	plain, err := out.EmitPlainFile(tree.Branches)
	if err != nil {
		return nil, fmt.Errorf("failed to emit encrypted %s file as decrypted %s: %w", formatNames[r.Input], formatNames[r.Output], withoutContent(err))
	}
	return &decryptAnswer{plain}, nil
}

// explained returns the message that SOPS has for users, if there is one.
func explained(what string, err error) error {
	var user sops.UserError
	if errors.As(err, &user) {
		return fmt.Errorf("%s: %s", what, user.UserError())
	}
	return fmt.Errorf("%s: %w", what, err)
}

// withoutContent removes a library's message about a file that it can't write, as the
// message may quote the plain text. Messages that users need are kept.
func withoutContent(err error) error {
	const noData = "no binary data found in tree"
	if strings.HasSuffix(err.Error(), noData) {
		return errors.New("error emitting binary store: " + noData)
	}
	return errors.New("it can't be written in that format")
}

var quotedValue = regexp.MustCompile(`(?s)Input string .* does not match sops' data format`)

// withoutValues removes the value that SOPS quotes: in a file that is only partly
// encrypted, it may be one that should have been encrypted.
func withoutValues(err error) error {
	return errors.New(quotedValue.ReplaceAllLiteralString(err.Error(), "Input string <redacted> does not match sops' data format"))
}
