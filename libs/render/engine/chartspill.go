package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// spill is a file for what is too large to be kept in memory and is read again soon.
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

// write appends data and returns where it is.
func (s *spill) write(data []byte) (int64, error) {
	at := s.size
	n, err := s.out.Write(data)
	s.size += int64(n)
	return at, err
}

// copy writes a part that was written before. Parts that lie one after the other
// come from what the operating system has read ahead.
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

// writeFile writes a file whole or not at all.
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
