package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"sigs.k8s.io/yaml"
)

// wholeIndex is an index as Helm reads it: as a whole.
type wholeIndex struct {
	indexHead
	Entries map[string][]*indexVersion `json:"entries"`
}

// readWholeIndex reads an index into memory, whatever its layout. Its errors are those
// that Flux shows.
func readWholeIndex(in io.Reader, i *index) error {
	data, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return errors.New("empty index.yaml file")
	}
	var whole wholeIndex
	if json.Valid(data) {
		err = json.Unmarshal(data, &whole)
	} else {
		err = yaml.UnmarshalStrict(data, &whole)
	}
	if err != nil {
		return err
	}
	i.head = whole.indexHead
	i.hasCharts = whole.Entries != nil
	for name, versions := range whole.Entries {
		i.begin(name, versions == nil)
		for _, v := range versions {
			if err := i.add(name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// readJSONIndex reads an index in JSON, one version at a time. Anything unexpected is
// left to readWholeIndex, which returns the right message for it.
func readJSONIndex(in io.Reader, i *index) error {
	buffered := bufio.NewReaderSize(in, 1<<16)
	if first, err := firstByte(buffered); err != nil || first != '{' {
		return errOtherLayout
	}
	decoder := json.NewDecoder(buffered)
	head := map[string]json.RawMessage{}
	err := eachField(decoder, func(key string) error {
		if !strings.EqualFold(key, "entries") {
			var value json.RawMessage
			err := decoder.Decode(&value)
			head[key] = value
			return err
		}
		return readJSONCharts(decoder, i)
	})
	if err == nil {
		// Nothing may follow.
		if _, end := decoder.Token(); end != io.EOF {
			err = errOtherLayout
		}
	}
	if err != nil {
		return errOtherLayout
	}
	data, err := json.Marshal(head)
	if err != nil {
		return errOtherLayout
	}
	if err := json.Unmarshal(data, &i.head); err != nil {
		return errOtherLayout
	}
	return nil
}

func readJSONCharts(decoder *json.Decoder, i *index) error {
	return eachField(decoder, func(name string) error {
		i.begin(name, false)
		opening, err := decoder.Token()
		if err != nil {
			return err
		}
		if opening == nil {
			i.begin(name, true)
			return nil
		}
		if opening != json.Delim('[') {
			return errOtherLayout
		}
		for decoder.More() {
			var v *indexVersion
			if err := decoder.Decode(&v); err != nil {
				return err
			}
			if err := i.add(name, v); err != nil {
				return err
			}
		}
		_, err = decoder.Token()
		return err
	})
}

// eachField calls back at the value of each field of the object that comes next.
func eachField(decoder *json.Decoder, read func(key string) error) error {
	opening, err := decoder.Token()
	if err != nil {
		return err
	}
	if opening != json.Delim('{') {
		return errOtherLayout
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return errOtherLayout
		}
		if err := read(name); err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	return err
}

func firstByte(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		if b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return b, in.UnreadByte()
		}
	}
}
