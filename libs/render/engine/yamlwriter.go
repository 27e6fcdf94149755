package main

import (
	"bytes"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/yaml"
)

// yamlText writes an object as Kustomize's and Helm's writers do, one after the other:
// sorted keys, two spaces, lists not indented, and quotes around texts that a reader
// would take for something else. It returns an error for a text that these writers can't
// write.
func yamlText(object map[string]any) (string, error) {
	w := yamlWriter{}
	w.fields(object, 0, false)
	return w.out.String(), w.err
}

type yamlWriter struct {
	out bytes.Buffer
	err error
}

// fields writes a map's fields. The first field of a list's item follows the dash.
func (w *yamlWriter) fields(m map[string]any, indent int, behindDash bool) {
	for i, key := range yamlOrder(m) {
		if i > 0 || !behindDash {
			w.spaces(indent)
		}
		w.key(key)
		w.out.WriteByte(':')
		w.value(m[key], indent, false)
	}
}

// value writes what follows a key or a dash.
func (w *yamlWriter) value(value any, indent int, inList bool) {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			w.out.WriteString(" {}\n")
		} else if inList {
			w.out.WriteByte(' ')
			w.fields(v, indent+2, true)
		} else {
			w.out.WriteByte('\n')
			w.fields(v, indent+2, false)
		}
	case []any:
		if len(v) == 0 {
			w.out.WriteString(" []\n")
			return
		}
		if inList {
			w.out.WriteByte(' ')
			w.items(v, indent+2, true)
			return
		}
		w.out.WriteByte('\n')
		w.items(v, indent, false)
	case string:
		w.text(v, indent)
	case nil:
		w.out.WriteString(" null\n")
	case bool:
		w.scalar(strconv.FormatBool(v))
	case int64:
		w.scalar(strconv.FormatInt(v, 10))
	case uint64:
		w.scalar(strconv.FormatUint(v, 10))
	case float64:
		w.scalar(strconv.FormatFloat(v, 'g', -1, 64))
	}
}

func (w *yamlWriter) items(list []any, indent int, behindDash bool) {
	for i, item := range list {
		if i > 0 || !behindDash {
			w.spaces(indent)
		}
		w.out.WriteByte('-')
		w.value(item, indent, true)
	}
}

func (w *yamlWriter) scalar(text string) {
	w.out.WriteByte(' ')
	w.out.WriteString(text)
	w.out.WriteByte('\n')
}

// text writes a string. A string of several lines follows its header on new lines,
// indented by two more spaces.
func (w *yamlWriter) text(text string, indent int) {
	if isPlainText(text) {
		w.scalar(text)
		return
	}
	lines, err := scalarText(text)
	if err != nil {
		w.err = err
		return
	}
	w.scalar(lines[0])
	for _, line := range lines[1:] {
		if line != "" {
			w.spaces(indent)
		}
		w.out.WriteString(line)
		w.out.WriteByte('\n')
	}
}

func (w *yamlWriter) spaces(count int) {
	for range count {
		w.out.WriteByte(' ')
	}
}

// isPlainText reports whether a text is of the most common form that needs no quotes.
func isPlainText(text string) bool {
	if text == "" || !isLetter(text[0]) || notPlain[strings.ToLower(text)] {
		return false
	}
	for i := range len(text) {
		c := text[i]
		isInner := c == ':' && i+1 < len(text) && text[i+1] != ' '
		if !isLetter(c) && (c < '0' || c > '9') && !strings.ContainsRune("-_./", rune(c)) && !isInner {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// notPlain has words that some reader of YAML takes for something other than a text.
var notPlain = map[string]bool{
	"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true, "true": true, "false": true,
	"null": true, "nan": true, "inf": true,
}

// texts keeps the written form of texts, as lines: most documents have the same ones.
var texts = memo[[]string]{limit: 1 << 20, weigh: func(key string, lines []string) int { return 2*len(key) + 64 }}

// scalarText lets Kustomize's and Helm's own writers write a text, as the value of a key.
func scalarText(text string) ([]string, error) {
	return texts.get(text, func() ([]string, error) {
		written, err := rewritten(map[string]any{"k": text})
		return strings.Split(strings.TrimSuffix(strings.TrimPrefix(written, "k: "), "\n"), "\n"), err
	})
}

var keys = memo[string]{limit: 1 << 18, weigh: func(key, written string) int { return 2*len(key) + 64 }}

// key writes a key.
func (w *yamlWriter) key(key string) {
	if isPlainText(key) {
		w.out.WriteString(key)
		return
	}
	written, err := keys.get(key, func() (string, error) {
		written, err := rewritten(map[string]any{key: "v"})
		return strings.TrimSuffix(written, ": v\n"), err
	})
	if err != nil {
		w.err = err
	}
	w.out.WriteString(written)
}

// rewritten returns what Kustomize writes, read and written once more as Helm does.
func rewritten(value map[string]any) (string, error) {
	written, err := yaml.Marshal(value)
	if err != nil {
		return "", err
	}
	nodes, err := kio.FromBytes(written)
	if err != nil {
		return "", err
	}
	return kio.StringAll(nodes)
}

// yamlOrder returns a map's keys in the order of go-yaml: other characters before
// letters, and numbers within keys by their value. go-yaml's order has circles (a2, a10,
// a1b), and sorts such keys in any order; here the same keys always have the same order.
func yamlOrder(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	sort.SliceStable(keys, func(i, j int) bool { return yamlLess(keys[i], keys[j]) })
	return keys
}

func yamlLess(a, b string) bool {
	ar, br := []rune(a), []rune(b)
	at := 0
	for at < len(ar) && at < len(br) && ar[at] == br[at] {
		at++
	}
	if at == len(ar) || at == len(br) {
		return len(ar) < len(br)
	}
	aLetter, bLetter := unicode.IsLetter(ar[at]), unicode.IsLetter(br[at])
	if aLetter && bLetter {
		return ar[at] < br[at]
	}
	if aLetter || bLetter {
		return bLetter
	}
	// A zero inside a number counts as one of its digits.
	start := int64(0)
	if ar[at] == '0' || br[at] == '0' {
		for i := at - 1; i >= 0 && unicode.IsDigit(ar[i]); i-- {
			if ar[i] != '0' {
				start = 1
				break
			}
		}
	}
	aNumber, aEnd := digitsFrom(ar, at, start)
	bNumber, bEnd := digitsFrom(br, at, start)
	if aNumber != bNumber {
		return aNumber < bNumber
	}
	if aEnd != bEnd {
		return aEnd < bEnd
	}
	return ar[at] < br[at]
}

func digitsFrom(text []rune, at int, number int64) (int64, int) {
	for at < len(text) && unicode.IsDigit(text[at]) {
		number = number*10 + int64(text[at]-'0')
		at++
	}
	return number, at
}
