package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// spill is a file for data that is too large to keep in memory and is read again soon.
type spill struct {
	file *os.File
	out  *bufio.Writer
	size int64
}

func newSpill(dir string) (*spill, error) {
	f, err := os.CreateTemp(dir, "spill-")
	if err != nil {
		return nil, withoutPath(err)
	}
	return &spill{file: f, out: bufio.NewWriterSize(f, 1<<16)}, nil
}

// write appends data and returns its offset.
func (s *spill) write(data []byte) (int64, error) {
	at := s.size
	n, err := s.out.Write(data)
	s.size += int64(n)
	return at, err
}

// copy writes a part of the file to out. Reading neighbouring parts one after the other
// is fast, because the operating system reads ahead.
func (s *spill) copy(out io.Writer, at int64, size int) error {
	if err := s.out.Flush(); err != nil {
		return err
	}
	_, err := io.Copy(out, io.NewSectionReader(s.file, at, int64(size)))
	return err
}

func (s *spill) close() {
	s.file.Close()
	os.Remove(s.file.Name())
}

// writeFile writes a file completely or not at all.
func writeFile(name string, write func(*bufio.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), "part-")
	if err != nil {
		return withoutPath(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	out := bufio.NewWriterSize(f, 1<<16)
	if err := write(out); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return withoutPath(err)
	}
	return os.Rename(f.Name(), name)
}
