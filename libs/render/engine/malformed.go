package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// For a file that isn't YAML, Kustomize's error begins with the path to it, a line for
// each folder, and counts lines from the start of a document. This code puts the file,
// and the line in it, first.

// notYAML is how go-yaml's error for a text that isn't YAML begins.
const notYAML = "yaml: line "

// separator matches a line between two documents, as Kustomize splits them.
var separator = regexp.MustCompile(`\n---.*\n`)

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)

// locate puts the file that isn't YAML, the line and the reason in front of an error
// about it. Other errors stay as they are.
func (i *inspector) locate(err error) error {
	text := err.Error()
	if !strings.Contains(text, notYAML) {
		return err
	}
	// The file on which a build fails is one of the last that it read.
	for n := len(i.files) - 1; n >= 0; n-- {
		file := i.files[n]
		if where, ok := file.malformed(text); ok {
			return fmt.Errorf("%s: %w", where, err)
		}
	}
	return err
}

// readFile is a file that a build read.
type readFile struct {
	name string
	data []byte
}

// malformed returns where the file isn't YAML, if the text is about that.
func (f readFile) malformed(text string) (where string, ok bool) {
	data := bytes.ReplaceAll(f.data, []byte("\r\n"), []byte("\n"))
	start := 0
	for _, end := range append(separator.FindAllIndex(data, -1), []int{len(data), len(data)}) {
		line, reason, ok := malformedLine(data[start:end[0]], text)
		if ok {
			line += bytes.Count(data[:start], []byte("\n"))
			if tab := tabbedLine(data[:end[0]], line, reason); tab > 0 {
				line, reason = tab, "found a tab, YAML is indented with spaces"
			}
			return fmt.Sprintf("%s:%d: %s", f.name, line, reason), true
		}
		start = end[1]
	}
	return "", false
}

// malformedLine parses one document, and returns the line and the reason of its error if
// the text contains that error.
func malformedLine(document []byte, text string) (line int, reason string, ok bool) {
	err := yaml.NewDecoder(bytes.NewReader(document)).Decode(&yaml.Node{})
	if err == nil || errors.Is(err, io.EOF) || !strings.Contains(text, err.Error()) {
		return 0, "", false
	}
	parts := yamlLine.FindStringSubmatch(err.Error())
	if parts == nil {
		return 0, "", false
	}
	line, err = strconv.Atoi(parts[1])
	return line, parts[2], err == nil
}

// tabbedLine returns the line that is indented by a tab, if the reason is about that, and
// otherwise 0. For one of its two errors about tabs, go-yaml names the line where the
// indented block begins.
func tabbedLine(data []byte, line int, reason string) int {
	lines := bytes.Split(data, []byte("\n"))
	last := 0
	switch reason {
	case "found character that cannot start any token":
		last = min(line, len(lines))
	case "found a tab character that violates indentation":
		last = len(lines)
	}
	for ; line > 0 && line <= last; line++ {
		text := lines[line-1]
		if bytes.ContainsRune(text[:len(text)-len(bytes.TrimLeft(text, " \t"))], '\t') {
			return line
		}
	}
	return 0
}
