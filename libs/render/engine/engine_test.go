package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestServe(t *testing.T) {
	in, toEngine := io.Pipe()
	fromEngine, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- (&engine{artifacts: newArtifacts(defaultLimits)}).serve(in, out) }()
	answers := bufio.NewReader(fromEngine)
	ask := func(request string) *answer {
		t.Helper()
		header := binary.BigEndian.AppendUint32(nil, uint32(len(request)))
		if _, err := toEngine.Write(append(header, request...)); err != nil {
			t.Fatal(err)
		}
		return readAnswer(t, answers)
	}

	f := ask(`{"type":"request","id":7,"op":"semver","body":{"range":"1.x","versions":["1.0.0"]}}`)
	if f.Type != "response" || f.ID != 7 || string(f.Body) != `{"sorted":["1.0.0"],"highest":["1.0.0"]}` {
		t.Errorf("got %+v", f)
	}
	digest, name := pack(t, regular("a/x.yaml", service))
	body, _ := json.Marshal(loadRequest{Digest: digest, File: name})
	if f := ask(`{"type":"request","id":8,"op":"load","body":` + string(body) + `}`); !strings.Contains(string(f.Body), `"files":1`) {
		t.Errorf("got %+v", f)
	}
	for request, reason := range map[string]string{
		`{"type":"request","id":9,"op":"nothing","body":{}}`:             "InvalidRequest",
		`{"type":"request","id":9,"op":"build","body":"no object"}`:      "InvalidRequest",
		`{"type":"request","id":9,"op":"build","body":{"file":"/none"}}`: "ArtifactFailed",
	} {
		if f := ask(request); f.Error == nil || f.Error.Reason != reason || f.ID != 9 {
			t.Errorf("%s: got %+v", request, f)
		}
	}

	if err := toEngine.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it goes on without input")
	}
}

func TestServeRefusesWhatIsNoRequest(t *testing.T) {
	for _, input := range []string{"\x00\x00\x00\x02{}", "\xff\xff\xff\xff", "\x00\x00\x00\x03abc", "\x00\x00\x00\x09{}"} {
		if err := (&engine{}).serve(strings.NewReader(input), io.Discard); err == nil {
			t.Errorf("%q is taken", input)
		}
	}
}

func TestAnswerOverTheLimit(t *testing.T) {
	paths := strings.Repeat(`"`+strings.Repeat("x", 1<<20)+`",`, 64)
	request := `{"type":"request","id":3,"op":"ignore","body":{"paths":[` + paths + `"y"]}}`
	in, toEngine := io.Pipe()
	fromEngine, out := io.Pipe()
	go func() { _ = (&engine{}).serve(in, out) }()
	go func() {
		header := binary.BigEndian.AppendUint32(nil, uint32(len(request)))
		_, _ = toEngine.Write(append(header, request...))
	}()
	f := readAnswer(t, bufio.NewReader(fromEngine))
	if f.Error == nil || f.Error.Reason != "BuildFailed" || !strings.HasSuffix(f.Error.Message, "the limit is 67108864: split it up") {
		t.Errorf("got %+v", f)
	}
	if err := toEngine.Close(); err != nil {
		t.Error(err)
	}
}

// answer is a frame that comes back over the pipe.
type answer struct {
	Type  string          `json:"type"`
	ID    uint64          `json:"id"`
	Body  json.RawMessage `json:"body"`
	Error *wireError      `json:"error"`
}

func readAnswer(t *testing.T, in *bufio.Reader) *answer {
	t.Helper()
	var header [4]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, binary.BigEndian.Uint32(header[:]))
	if _, err := io.ReadFull(in, data); err != nil {
		t.Fatal(err)
	}
	got := new(answer)
	if err := json.Unmarshal(data, got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestPanicIsAnswered(t *testing.T) {
	err := recovered("engine panic", func() error { panic("no") })
	if got := toWire(err); got.Reason != "InternalError" || got.Message != "recovered from engine panic: no" {
		t.Errorf("got %+v", got)
	}
}

func TestOffline(t *testing.T) {
	if _, err := http.Get("http://127.0.0.1:1/x"); err == nil || !strings.Contains(err.Error(), noRemote) {
		t.Errorf("got %v", err)
	}
	if _, err := exec.LookPath("git"); err == nil {
		t.Error("git is found")
	}
}
