package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"

	"sigs.k8s.io/yaml"
)

// blockReader reads an index in YAML of the layout that Helm and other tools write:
//
//	apiVersion: v1
//	entries:
//	  app:
//	  - name: app
//	    version: 1.0.0
//
// It cuts the index into pieces at lines of known indentation: one piece for each version
// of a chart, and one for everything else. A YAML library reads each piece, so this
// reader need not understand scalars and the like. A piece that was cut in the wrong
// place, for example within a quoted text over several lines that aren't indented, is not
// valid YAML. Then, as for anything else unexpected, the whole index is read at once.
type blockReader struct {
	index *index
	// head has the lines outside of the charts.
	head []byte
	// keyIndent and itemIndent are the indentations of a chart's name and of its
	// versions; -1 until they are known.
	keyIndent, itemIndent int
	inCharts, hadCharts   bool
	// key is the line with the name of the current chart, and name is the name in it.
	key  []byte
	name string
	// item has the lines of the current version.
	item []byte
}

var (
	entriesLine = regexp.MustCompile(`^entries:[ \t]*(#.*)?$`)
	topLine     = regexp.MustCompile(`^[A-Za-z]+:([ \t].*)?$`)
	// A plain name that YAML can only read as a text, or a quoted one.
	chartLine = regexp.MustCompile(`^ *([A-Za-z0-9][A-Za-z0-9._-]*|"[A-Za-z0-9._-]*"|'[A-Za-z0-9._-]*'):[ \t]*(#.*)?$`)
)

func readBlockIndex(in io.Reader, i *index) error {
	b := &blockReader{index: i, keyIndent: -1, itemIndent: -1}
	lines := bufio.NewReaderSize(in, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if err := b.line(line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return b.end()
		}
		if err != nil {
			return err
		}
	}
}

func (b *blockReader) line(line []byte) error {
	text := bytes.TrimRight(line, "\r\n")
	content := bytes.TrimLeft(text, " ")
	indent := len(text) - len(content)
	switch {
	case len(content) == 0 || content[0] == '#':
		b.keep(line)
		return nil
	case content[0] == '\t':
		return errOtherLayout
	case indent == 0:
		return b.topLevel(text, line)
	case !b.inCharts:
		b.head = append(b.head, line...)
		return nil
	}
	return b.below(indent, content, text, line)
}

// keep adds a line that may be part of a text, or empty.
func (b *blockReader) keep(line []byte) {
	if !b.inCharts {
		b.head = append(b.head, line...)
	} else if b.item != nil {
		b.item = append(b.item, line...)
	}
}

func (b *blockReader) topLevel(text, line []byte) error {
	if err := b.endItem(); err != nil {
		return err
	}
	b.key = nil
	b.inCharts = entriesLine.Match(text)
	if b.inCharts {
		if b.hadCharts {
			return errOtherLayout
		}
		b.hadCharts = true
		return nil
	}
	isStart := string(text) == "---" && len(bytes.TrimSpace(b.head)) == 0 && !b.hadCharts
	isItem := bytes.HasPrefix(text, []byte("- ")) && len(b.head) > 0
	if !isStart && !isItem && !topLine.Match(text) {
		return errOtherLayout
	}
	b.head = append(b.head, line...)
	return nil
}

// below reads a line of the charts.
func (b *blockReader) below(indent int, content, text, line []byte) error {
	isItem := content[0] == '-' && (len(content) == 1 || content[1] == ' ')
	if b.keyIndent < 0 {
		b.keyIndent = indent
	}
	if indent == b.keyIndent && !isItem {
		return b.beginChart(text, line)
	}
	if b.key == nil || indent < b.keyIndent {
		return errOtherLayout
	}
	if isItem && b.itemIndent < 0 {
		b.itemIndent = indent
	}
	switch {
	case isItem && indent == b.itemIndent:
		if err := b.endItem(); err != nil {
			return err
		}
		b.item = append([]byte{}, line...)
		return nil
	case b.item == nil || indent <= b.itemIndent:
		return errOtherLayout
	}
	b.item = append(b.item, line...)
	return nil
}

func (b *blockReader) beginChart(text, line []byte) error {
	if err := b.endItem(); err != nil {
		return err
	}
	if !chartLine.Match(text) {
		return errOtherLayout
	}
	var parsed map[string]any
	if err := yaml.UnmarshalStrict(line, &parsed); err != nil || len(parsed) != 1 {
		return errOtherLayout
	}
	for name := range parsed {
		if b.index.charts[name] != nil {
			return errOtherLayout
		}
		b.name = name
		b.index.begin(name, true)
	}
	b.key = append([]byte{}, line...)
	b.itemIndent = -1
	return nil
}

// endItem reads the version whose lines were collected.
func (b *blockReader) endItem() error {
	if b.item == nil {
		return nil
	}
	var parsed map[string][]*indexVersion
	text := append(append([]byte{}, b.key...), b.item...)
	b.item = nil
	if err := yaml.UnmarshalStrict(text, &parsed); err != nil || len(parsed) != 1 || len(parsed[b.name]) != 1 {
		return errOtherLayout
	}
	b.index.charts[b.name].isNull = false
	return b.index.add(b.name, parsed[b.name][0])
}

func (b *blockReader) end() error {
	if err := b.endItem(); err != nil {
		return err
	}
	if len(bytes.TrimSpace(b.head)) == 0 {
		return errOtherLayout
	}
	if err := yaml.UnmarshalStrict(b.head, &b.index.head); err != nil {
		return errOtherLayout
	}
	b.index.hasCharts = b.index.hasCharts || len(b.index.charts) > 0
	return nil
}
