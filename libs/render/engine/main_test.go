package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	goOffline()
	os.Exit(m.Run())
}

// files is a small artifact: path to content.
type files map[string]string

func (f files) with(more files) files {
	all := files{}
	for name, content := range f {
		all[name] = content
	}
	for name, content := range more {
		all[name] = content
	}
	return all
}

func (f files) tree(t testing.TB) *tree {
	t.Helper()
	data := map[string][]byte{}
	for name, content := range f {
		data[name] = []byte(content)
	}
	built, err := newTree(data)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// write puts the files on a disk, to compare with code that needs one.
func (f files) write(t testing.TB) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range f {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// relativeTo removes from a message the folder that files were written to.
func (files) relativeTo(message, root string) string {
	return strings.ReplaceAll(strings.ReplaceAll(message, root+"/", ""), root, ".")
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: registry.example/web:1.0.0
        ports:
        - containerPort: 8080
`

const service = `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
  - port: 80
`

const config = `apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  region: ${region}
  zone: ${zone:=a}
`
