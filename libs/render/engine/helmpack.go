package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sync"
)

// A gzip stream can be assembled from texts that were packed one by one, if each refers
// only to text in front of it. A text that doesn't change is packed once.

// packedText is a part of a stream.
type packedText struct {
	packed []byte
	crc    uint32
	bytes  int
}

var (
	// gzipHead is the header that Go writes for the best compression, without a name and
	// a time.
	gzipHead = []byte{0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 2, 0xff}
	// deflateEnd is the last block of a stream, which is empty.
	deflateEnd = []byte{0x01, 0, 0, 0xff, 0xff}
)

// flateWriters are reused, as each takes 0.8 MB.
var flateWriters = sync.Pool{New: func() any {
	writer, err := flate.NewWriter(nil, flate.BestCompression)
	if err != nil {
		panic(err)
	}
	return writer
}}

// packText packs JSON that follows the text before in a stream, and may refer to that
// text; with nil it refers to nothing. The result begins and ends at a whole byte.
func packText(before, text []byte) (packedText, error) {
	var packed bytes.Buffer
	writer := flateWriters.Get().(*flate.Writer)
	defer flateWriters.Put(writer)
	writer.Reset(&packed)
	for _, one := range [][]byte{before[max(0, len(before)-partBytes):], text} {
		packed.Reset()
		if _, err := writer.Write(one); err != nil {
			return packedText{}, err
		}
		if err := writer.Flush(); err != nil {
			return packedText{}, err
		}
	}
	return packedText{packed.Bytes(), crc32.ChecksumIEEE(text), len(text)}, nil
}

// gzipOf assembles the stream of packed texts. crc and bytes are the checksum and the
// length of all texts together.
func gzipOf(packed [][]byte, crc uint32, bytes int) []byte {
	stream := slices.Concat(gzipHead, slices.Concat(packed...), deflateEnd)
	stream = binary.LittleEndian.AppendUint32(stream, crc)
	return binary.LittleEndian.AppendUint32(stream, uint32(bytes))
}
