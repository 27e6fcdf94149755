package main

import (
	"strconv"
	"strings"
)

// readSimple reads a document in the simplest form of YAML, as most templates write it:
// maps and lists over several lines, texts that need no quotes or are quoted without
// escapes, whole numbers, and texts of several lines. It takes a fifth of the time of a
// complete YAML reader. ok is false for anything else, valid or not.
func readSimple(document string) (fields map[string]any, ok bool) {
	for i := range len(document) {
		if c := document[i]; c < ' ' && c != '\n' || c >= 0x7f {
			return nil, false
		}
	}
	r := simpleReader{endsInBreak: strings.HasSuffix(document, "\n")}
	raw := strings.Split(strings.TrimSuffix(document, "\n"), "\n")
	r.lines = make([]simpleLine, len(raw))
	for i, line := range raw {
		text := strings.TrimLeft(line, " ")
		r.lines[i] = simpleLine{len(line) - len(text), text}
	}
	if !r.skip() || r.lines[r.at].indent != 0 {
		return nil, false
	}
	fields, ok = r.fields(0)
	return fields, ok && !r.skip()
}

type simpleLine struct {
	indent int
	// text is what follows the indentation, including spaces at its end.
	text string
}

type simpleReader struct {
	lines       []simpleLine
	at          int
	endsInBreak bool
}

// skip goes to the next line with content; it returns false at the end.
func (r *simpleReader) skip() bool {
	for r.at < len(r.lines) {
		if text := r.lines[r.at].text; text != "" && text[0] != '#' {
			return true
		}
		r.at++
	}
	return false
}

// fields reads a map whose keys have this indentation.
func (r *simpleReader) fields(indent int) (map[string]any, bool) {
	fields := map[string]any{}
	for r.skip() && r.lines[r.at].indent == indent && !isItem(r.lines[r.at].text) {
		key, rest, ok := strings.Cut(r.lines[r.at].text, ":")
		if !ok || !isPlainText(key) || len(key) > 100 || rest != "" && rest[0] != ' ' {
			return nil, false
		}
		if _, isTwice := fields[key]; isTwice {
			return nil, false
		}
		r.at++
		value, ok := r.value(strings.Trim(rest, " "), indent, indent)
		if !ok {
			return nil, false
		}
		fields[key] = value
	}
	// A line that is indented more is part of something that isn't simple.
	return fields, len(fields) > 0 && (r.at == len(r.lines) || r.lines[r.at].indent <= indent)
}

// items reads a list whose dashes have this indentation.
func (r *simpleReader) items(indent int) ([]any, bool) {
	list := []any{}
	for r.skip() && r.lines[r.at].indent == indent && isItem(r.lines[r.at].text) {
		rest := r.lines[r.at].text[2:]
		if rest == "" || rest[0] == ' ' {
			return nil, false
		}
		// What follows a dash is read as if it was on the next line, below it.
		r.lines[r.at] = simpleLine{indent + 2, rest}
		item, ok := r.item(indent)
		if !ok || item == nil {
			return nil, false
		}
		list = append(list, item)
	}
	return list, r.at == len(r.lines) || r.lines[r.at].indent <= indent
}

func (r *simpleReader) item(indent int) (any, bool) {
	line := r.lines[r.at]
	if isItem(line.text) {
		return r.items(line.indent)
	}
	if key, _, ok := strings.Cut(line.text, ":"); ok && isPlainText(key) {
		rest := line.text[len(key)+1:]
		if rest == "" || rest[0] == ' ' {
			return r.fields(line.indent)
		}
	}
	r.at++
	return r.value(strings.TrimRight(line.text, " "), indent, indent+1)
}

// value reads what follows a key or a dash. text is what follows on the same line. A
// value on the next lines is indented by more than outer, or by at least listFrom if it
// is a list.
func (r *simpleReader) value(text string, outer, listFrom int) (any, bool) {
	switch text {
	case "":
		return r.below(outer, listFrom)
	case "{}":
		return map[string]any{}, true
	case "[]":
		return []any{}, true
	case "|", "|-":
		return r.literal(outer, text == "|")
	}
	value, ok := simpleScalar(text)
	// A text may continue on the next line.
	return value, ok && (!r.skip() || r.lines[r.at].indent <= outer)
}

// below reads the value in the lines below a key.
func (r *simpleReader) below(outer, listFrom int) (any, bool) {
	if !r.skip() {
		return nil, true
	}
	switch line := r.lines[r.at]; {
	case isItem(line.text) && line.indent >= listFrom:
		return r.items(line.indent)
	case line.indent > outer:
		return r.fields(line.indent)
	}
	return nil, true
}

// literal reads the lines of a text, without the empty ones at its end.
func (r *simpleReader) literal(outer int, withBreak bool) (any, bool) {
	if r.at == len(r.lines) || r.lines[r.at].text == "" || r.lines[r.at].indent <= outer {
		return nil, false
	}
	indent := r.lines[r.at].indent
	var out strings.Builder
	empty := 0
	for ; r.at < len(r.lines); r.at++ {
		line := r.lines[r.at]
		if line.text == "" {
			if line.indent > indent {
				return nil, false
			}
			empty++
			continue
		}
		if line.indent <= outer {
			break
		}
		if line.indent < indent {
			return nil, false
		}
		if out.Len() > 0 {
			empty++
		}
		for range empty {
			out.WriteByte('\n')
		}
		empty = 0
		for range line.indent - indent {
			out.WriteByte(' ')
		}
		out.WriteString(line.text)
	}
	if r.at == len(r.lines) && !r.endsInBreak {
		return nil, false
	}
	if withBreak {
		out.WriteByte('\n')
	}
	text := out.String()
	return text, isStable(text)
}

func isItem(text string) bool { return strings.HasPrefix(text, "- ") }

// simpleScalar returns the value of a text on one line.
func simpleScalar(text string) (any, bool) {
	switch text {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	if isPlainText(text) {
		return text, true
	}
	first, last := text[0], text[len(text)-1]
	if (first == '"' || first == '\'') && len(text) > 1 {
		inner := text[1 : len(text)-1]
		return inner, last == first && !strings.ContainsAny(inner, `"'\`)
	}
	if first == '/' && isPlainText("x"+text) {
		return text, true
	}
	if first >= '1' && first <= '9' || text == "0" {
		return simpleNumber(text)
	}
	return nil, false
}

// simpleNumber reads whole numbers, and texts that begin with a digit but can't be a
// number, a time or a date.
func simpleNumber(text string) (any, bool) {
	if number, err := strconv.ParseInt(text, 10, 64); err == nil {
		return number, true
	}
	if !isPlainText("x"+text) || strings.Contains(text, ":") {
		return nil, false
	}
	isText := strings.Count(text, ".") > 1 || strings.ContainsAny(text, "acdfghijklmnpqrsuvwyACDFGHIJKLMNPQRSUVWY")
	return text, isText && !strings.Contains(text, "_")
}
