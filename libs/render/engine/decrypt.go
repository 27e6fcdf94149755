package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/resource"
	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// Which files and objects are decrypted, and in which format, follows Flux's
// kustomize-controller. The engine has no keys: it asks for each plain text.

// decrypter decrypts what one build reads.
type decrypter struct {
	view *view
	ask  asker
	// visited has the folders whose kustomization files were read.
	visited map[string]bool
	count   int
}

// Bounds of one build: the size of an encrypted file in bytes (as in Flux), and the
// number of plain texts that it may ask for.
const (
	maxEncrypted  = 5 << 20
	maxDecryption = 1000
)

// markers are texts that every file of a format contains once SOPS has encrypted it.
var markers = map[string][]byte{
	"binary": []byte(`"mac": "ENC[`),
	"dotenv": []byte("sops_mac=ENC["),
	"ini":    []byte("[sops]"),
	"json":   []byte(`"mac": "ENC[`),
	"yaml":   []byte("mac: ENC["),
}

func newDecrypter(v *view, ask asker) *decrypter {
	return &decrypter{view: v, ask: ask, visited: map[string]bool{}}
}

func (d *decrypter) decrypt(data []byte, input, output string) ([]byte, error) {
	if d.count++; d.count > maxDecryption {
		return nil, fmt.Errorf("more than %d encrypted files and values", maxDecryption)
	}
	answer, err := d.ask("decrypt", map[string]any{"data": data, "input": input, "output": output})
	if err != nil {
		return nil, err
	}
	var plain struct {
		Data []byte `json:"data"`
	}
	if err := json.Unmarshal(answer, &plain); err != nil {
		return nil, errors.New("no plain text was answered")
	}
	return plain.Data, nil
}

// sources decrypts the files that secret generators and patches read, and puts the plain
// texts into the view: those of the kustomization file in the folder, and of all
// kustomization files that it refers to.
func (d *decrypter) sources(folder string) error {
	folder = clamped(folder)
	if d.visited[folder] {
		return nil
	}
	d.visited[folder] = true
	k, err := d.kustomization(folder)
	if err != nil {
		return err
	}
	for _, it := range encryptable(k) {
		path := it.path
		if !filepath.IsAbs(path) {
			path = filepath.Join(folder, path)
		}
		if err := d.file(clamped(path), it.format); err != nil {
			return err
		}
	}
	for _, ref := range slices.Concat(k.Resources, k.Components) {
		if !filepath.IsAbs(ref) {
			ref = filepath.Join(folder, ref)
		}
		// Other resources are decrypted as objects after the build, or are URLs, which
		// the build refuses.
		if ref = clamped(ref); d.view.IsDir(ref) {
			if err := d.sources(ref); err != nil {
				return err
			}
		}
	}
	return nil
}

// clamped returns a path below the mount, which ".." can't leave, as in a secure join.
func clamped(path string) string {
	if rel, ok := inside(path); ok {
		return filepath.Join(mount, rel)
	}
	return filepath.Join(mount, filepath.Clean("/"+path))
}

func (d *decrypter) kustomization(folder string) (*kustypes.Kustomization, error) {
	var found string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		path := filepath.Join(folder, name)
		if !d.view.Exists(path) {
			continue
		}
		if d.view.IsDir(path) {
			return nil, fmt.Errorf("expected %s to be a regular file", name)
		}
		if found != "" {
			return nil, errors.New("found multiple kustomization files")
		}
		found = path
	}
	if found == "" {
		return nil, errors.New("no kustomization file found")
	}
	rel, _ := inside(found)
	data, err := d.view.read(rel)
	if err != nil {
		return nil, fmt.Errorf("failed to read kustomization file: %w", err)
	}
	k := new(kustypes.Kustomization)
	if err := yaml.Unmarshal(data, k); err != nil {
		return nil, fmt.Errorf("failed to unmarshal kustomization file from '%s': %w", found, err)
	}
	return k, nil
}

// reference is a file that may be encrypted, with the format that its kustomization file
// implies.
type reference struct{ path, format string }

func encryptable(k *kustypes.Kustomization) []reference {
	var out []reference
	for _, generator := range k.SecretGenerator {
		for _, source := range generator.FileSources {
			key, path, named := strings.Cut(source, "=")
			if !named {
				path = key
			}
			out = append(out, reference{path, formatOf(key)})
		}
		for _, path := range generator.EnvSources {
			format := formatOf(path)
			if format == "binary" {
				format = "dotenv"
			}
			out = append(out, reference{path, format})
		}
	}
	for _, patch := range k.Patches {
		if patch.Path != "" && !isRemote(patch.Path) {
			out = append(out, reference{patch.Path, formatOf(patch.Path)})
		}
	}
	return out
}

// formatOf returns the format for a file's name, by its extension.
func formatOf(name string) string {
	switch {
	case strings.HasSuffix(name, ".yaml"), strings.HasSuffix(name, ".yml"):
		return "yaml"
	case strings.HasSuffix(name, ".json"), strings.HasSuffix(name, ".dockerconfigjson"):
		return "json"
	case strings.HasSuffix(name, ".env"):
		return "dotenv"
	case strings.HasSuffix(name, ".ini"):
		return "ini"
	}
	return "binary"
}

// file puts the plain text of a file into the view if the file is encrypted.
func (d *decrypter) file(path, format string) error {
	rel, _ := inside(path)
	if _, done := d.view.overlay[rel]; done {
		return nil
	}
	switch found, err := d.view.Stat(path); {
	case err != nil:
		return asLookup(err)
	case found.IsDir():
		return errors.New("cannot decrypt irregular file as it has file mode type bits set")
	}
	data, err := d.view.read(rel)
	if err != nil {
		return err
	}
	if len(data) > maxEncrypted {
		return fmt.Errorf("cannot decrypt file with size (%d bytes) exceeding limit (%d)", len(data), maxEncrypted)
	}
	if !bytes.Contains(data, markers[format]) {
		return nil
	}
	plain, err := d.decrypt(data, format, format)
	if err != nil {
		return fmt.Errorf("%s: %w", rel, err)
	}
	d.view.overlay[rel] = plain
	return nil
}

// asLookup words the error of a missing file as Flux does, which looks up the file itself
// and not the target of a link.
func asLookup(err error) error {
	if missing := new(fs.PathError); errors.As(err, &missing) {
		return &fs.PathError{Op: "lstat", Path: missing.Path, Err: missing.Err}
	}
	return err
}

// object replaces an encrypted object, or the encrypted values of a Secret, by the plain
// text. It reports whether it replaced anything.
func (d *decrypter) object(res *resource.Resource) (bool, error) {
	if isLeftAlone(res.GetAnnotations()) {
		return false, nil
	}
	if isEncryptedObject(res) {
		return true, d.whole(res)
	}
	if res.GetKind() != "Secret" {
		return false, nil
	}
	return true, d.values(res)
}

func (d *decrypter) whole(res *resource.Resource) error {
	data, err := res.MarshalJSON()
	if err != nil {
		return err
	}
	if data, err = d.decrypt(data, "json", "json"); err != nil {
		return fmt.Errorf("failed to decrypt and format '%s/%s' %s data: %w", res.GetNamespace(), res.GetName(), res.GetKind(), err)
	}
	if err := res.UnmarshalJSON(data); err != nil {
		// The error itself could quote the plain text.
		return fmt.Errorf("failed to unmarshal decrypted '%s/%s' %s to JSON", res.GetNamespace(), res.GetName(), res.GetKind())
	}
	return nil
}

func (d *decrypter) values(res *resource.Resource) error {
	values := res.GetDataMap()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		data, err := base64.StdEncoding.DecodeString(values[key])
		if err != nil {
			// The API server refuses such a value, with its own message.
			continue
		}
		input := encryptedAs(data)
		if input == "" {
			continue
		}
		plain, err := d.decrypt(data, input, formatOf(key))
		if err != nil {
			return fmt.Errorf("failed to decrypt and format '%s/%s' Secret field '%s': %w", res.GetNamespace(), res.GetName(), key, err)
		}
		values[key] = base64.StdEncoding.EncodeToString(plain)
	}
	res.SetDataMap(values)
	return nil
}

// encryptedAs returns the format of a value that SOPS encrypted, or the empty text. A
// value encrypted as binary is JSON.
func encryptedAs(data []byte) string {
	for _, format := range []string{"yaml", "json", "dotenv", "ini"} {
		if bytes.Contains(data, markers[format]) {
			return format
		}
	}
	return ""
}

func isEncryptedObject(res *resource.Resource) bool {
	field := res.Field("sops")
	return !field.IsNilOrEmpty() && !field.Value.Field("mac").IsNilOrEmpty()
}

// isLeftAlone reports whether the annotations say that an object must not be decrypted.
func isLeftAlone(annotations map[string]string) bool {
	return strings.EqualFold(annotations["kustomize.toolkit.fluxcd.io/decrypt"], "disabled")
}
