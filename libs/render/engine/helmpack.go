package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sync"
)

// A gzip stream can be put together from texts that were packed one by one, as long as
// what each refers to is in front of it. One that stays is packed once.

// packedText is a part of a stream.
type packedText struct {
	packed []byte
	crc    uint32
	bytes  int
}

var (
	// gzipHead is of a stream that is packed as well as can be, without name and time, as Go writes it.
	gzipHead = []byte{0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 2, 0xff}
	// deflateEnd is the last block, an empty one.
	deflateEnd = []byte{0x01, 0, 0, 0xff, 0xff}
)

// flateWriters are kept, as each takes 0.8 MB.
var flateWriters = sync.Pool{New: func() any {
	writer, err := flate.NewWriter(nil, flate.BestCompression)
	if err != nil {
		panic(err)
	}
	return writer
}}

// packText packs JSON that follows other text in a stream, to which it may refer; nil
// for what has to refer to nothing. It begins and ends with a whole byte.
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

// gzipOf is the stream of packed texts, which are of this checksum and length together.
func gzipOf(packed [][]byte, crc uint32, bytes int) []byte {
	stream := slices.Concat(gzipHead, slices.Concat(packed...), deflateEnd)
	stream = binary.LittleEndian.AppendUint32(stream, crc)
	return binary.LittleEndian.AppendUint32(stream, uint32(bytes))
}
