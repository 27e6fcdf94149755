package wire

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMessagesAreBounded(t *testing.T) {
	failed := (&Server{}).failed(&incoming{}, errors.New("what is wrong: "+strings.Repeat("ä", maxMessage)+": the cause"))
	message := failed.Error.Message
	if len(message) > maxMessage || !utf8.ValidString(message) {
		t.Errorf("%d bytes", len(message))
	}
	if !strings.HasPrefix(message, "what is wrong: ä") || !strings.HasSuffix(message, "ä: the cause") {
		t.Errorf("%.100s", message)
	}
}

func TestMessagesReadTheSameInEveryBuild(t *testing.T) {
	if message := Shorten("proto:\u00a0syntax error"); message != "proto: syntax error" {
		t.Errorf("%q", message)
	}
}
