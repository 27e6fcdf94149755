package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// decryptor stands in for the service. In these tests an encrypted text is the plain text
// with a marker of SOPS in front.
func decryptor(t *testing.T, asked *[]string) asker {
	t.Helper()
	return func(op string, body any) (json.RawMessage, error) {
		r := body.(map[string]any)
		data := string(r["data"].([]byte))
		*asked = append(*asked, fmt.Sprintf("%s %s as %s", op, r["input"], r["output"]))
		if strings.Contains(data, "wrong key") {
			return nil, errors.New("cannot get sops data key: no key fits")
		}
		plain := []byte(data[strings.Index(data, "\n")+1:])
		if r["input"] == "json" && r["output"] == "json" && strings.Contains(data, `"kind"`) {
			object := map[string]any{}
			if err := json.Unmarshal([]byte(data), &object); err != nil {
				t.Fatal(err)
			}
			delete(object, "sops")
			object["stringData"] = map[string]any{"password": "s3cret"}
			plain, _ = json.Marshal(object)
		}
		return json.Marshal(map[string][]byte{"data": plain})
	}
}

func buildEncrypted(t *testing.T, f files) (*buildAnswer, []string) {
	t.Helper()
	var asked []string
	e := &engine{artifacts: newArtifacts(defaultLimits)}
	e.artifacts.keep("d", f.tree(t))
	answer, err := e.build(&buildRequest{Digest: "d", Path: "a", Decrypt: true}, decryptor(t, &asked))
	if err != nil {
		t.Fatal(err)
	}
	return answer, asked
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestDecryptsWhatABuildReads(t *testing.T) {
	answer, asked := buildEncrypted(t, files{
		"a/kustomization.yaml": "resources: [cm.yaml, ../b]\npatches: [{path: patch.yaml}]\n" +
			"secretGenerator:\n- name: made\n  options: {disableNameSuffixHash: true}\n  files: [config.json, key=blob]\n  envs: [.env]\n",
		"a/cm.yaml":            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n",
		"a/patch.yaml":         "# mac: ENC[\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {a: b}\n",
		"a/config.json":        `{"mac": "ENC["}` + "\n{}",
		"a/blob":               "not encrypted",
		"a/.env":               "sops_mac=ENC[\nUSER=me\n",
		"b/kustomization.yaml": "resources: [secret.yaml, single.yaml, left.yaml]\n",
		"b/secret.yaml":        "apiVersion: v1\nkind: Secret\nmetadata: {name: whole}\nsops: {mac: 'ENC['}\n",
		"b/single.yaml":        "apiVersion: v1\nkind: Secret\nmetadata: {name: single}\ndata: {a.yaml: " + encoded("mac: ENC[\nx: 1\n") + ", b: " + encoded("open") + ", c: '***'}\n",
		"b/left.yaml":          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: left, annotations: {kustomize.toolkit.fluxcd.io/decrypt: Disabled}}\nsops: {mac: 'ENC['}\n",
	})
	// A value that isn't base64 is left to the API server, which refuses it.
	data, _ := json.Marshal(answer.Objects)
	if answer.Failed != nil || !strings.Contains(string(data), `"***"`) {
		t.Errorf("%+v %s", answer.Failed, data)
	}
	want := "decrypt json as json, decrypt dotenv as dotenv, decrypt yaml as yaml, decrypt json as json, decrypt yaml as yaml"
	if got := strings.Join(asked, ", "); got != want {
		t.Errorf("asked %s", got)
	}
}

func TestDecryptedObjects(t *testing.T) {
	answer, _ := buildEncrypted(t, files{
		"a/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: whole}\nsops: {mac: 'ENC['}\n",
		"a/single.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: single}\ndata: {a.yaml: " + encoded("mac: ENC[\nx: 1\n") + "}\n",
	})
	if answer.Failed != nil || len(answer.Objects) != 2 {
		t.Fatalf("%+v", answer)
	}
	data, _ := json.Marshal(answer.Objects)
	for _, want := range []string{`"password":"` + encoded("s3cret"), `"a.yaml":"` + encoded("x: 1\n")} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s is not in %s", want, data)
		}
	}
	// The trace that is kept of a build is about the encrypted files.
	trace, _ := json.Marshal(answer.Trace)
	if strings.Contains(string(trace), "s3cret") {
		t.Errorf("%s", trace)
	}
}

func TestFailuresOfDecryption(t *testing.T) {
	kustomization := "secretGenerator: [{name: a, files: [x.yaml]}]\n"
	for name, it := range map[string]struct {
		files  files
		wanted string
	}{
		"a key that doesn't fit a file":    {files{"a/kustomization.yaml": kustomization, "a/x.yaml": "mac: ENC[ wrong key"}, "error decrypting sources: a/x.yaml: cannot get sops data key: no key fits"},
		"a key that doesn't fit a Secret":  {files{"a/x.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\nsops: {mac: wrong key}\n"}, "decryption failed for 'Secret.v1.[noGrp]/a': failed to decrypt and format 'b/a' Secret data: cannot get sops data key"},
		"a file that is missing":           {files{"a/kustomization.yaml": kustomization}, "error decrypting sources: lstat a/x.yaml: no such file or directory"},
		"a file outside":                   {files{"a/kustomization.yaml": strings.Replace(kustomization, "x.yaml", "../../../etc/passwd", 1)}, "error decrypting sources: lstat etc/passwd: no such file or directory"},
		"a folder without a kustomization": {files{"a/kustomization.yaml": "resources: [../b]\n", "b/x.yaml": ""}, "error decrypting sources: no kustomization file found"},
		"a large file":                     {files{"a/kustomization.yaml": kustomization, "a/x.yaml": "mac: ENC[" + strings.Repeat("a", maxEncrypted)}, "exceeding limit (5242880)"},
	} {
		t.Run(name, func(t *testing.T) {
			answer, _ := buildEncrypted(t, it.files)
			if answer.Failed == nil || answer.Failed.Reason != "BuildFailed" || !strings.Contains(answer.Failed.Message, it.wanted) {
				t.Errorf("%+v", answer.Failed)
			}
		})
	}
}

func TestPlainTextsOfOneBuildAreBounded(t *testing.T) {
	values := make([]string, maxDecryption+1)
	for i := range values {
		values[i] = fmt.Sprintf("k%d: %s", i, encoded("mac: ENC[\nx"))
	}
	answer, asked := buildEncrypted(t, files{
		"a/x.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {" + strings.Join(values, ", ") + "}\n",
	})
	if answer.Failed == nil || !strings.Contains(answer.Failed.Message, "more than 1000") || len(asked) != maxDecryption {
		t.Errorf("%d: %+v", len(asked), answer.Failed)
	}
}
