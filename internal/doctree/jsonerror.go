package doctree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// fail turns an error of the tokenizer into a refusal with its place, the
// offending text and what to do.
func (j *jsonReader) fail(err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var syn *jsontext.SyntacticError
	isSyntax := errors.As(err, &syn)
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		end := j.src.text.offset()
		return &Error{File: j.src.name, Pos: j.src.text.at(end), Pointer: j.pointerAt(end),
			Expected: "ended early: expected the rest of the JSON", Hint: "the export was cut off: export it again"}
	}
	if !isSyntax {
		return j.src.wrap(err)
	}
	off := syn.ByteOffset
	before, after := j.src.text.around(off)
	if rest := bytes.TrimLeft(after, ", \t\r\n"); len(after) > 0 && after[0] == ',' && closes(rest) {
		// Whether the comma or the bracket is at fault depends on the call.
		skip := len(after) - len(rest)
		off += int64(skip)
		before, after = append(bytes.Clone(before), after[:skip]...), rest
	}
	pointer := j.pointerAt(off)
	at := pointer // the innermost value, whatever is at fault
	pos := j.src.text.at(off)
	word := 0 // bytes of the word at the error that the tokenizer had accepted
	for word < len(before) && isWord(before[len(before)-1-word]) {
		word++
	}
	message := syn.Err.Error()
	inWord := word > 0 && !inString(message) &&
		(len(after) > 0 && isWord(after[0]) || strings.Contains(message, "number") || strings.Contains(message, "literal"))
	if strings.Contains(message, "after array element") || !inWord && strings.Contains(message, "after object value") {
		pointer = pointer[:max(strings.LastIndexByte(pointer, '/'), 0)] // the list or object is at fault
	}
	if inWord {
		pos.Column -= word
		after = append(bytes.Clone(before[len(before)-word:]), after...)
		before = before[:len(before)-word]
	}
	e := &Error{File: j.src.name, Pos: pos, Pointer: pointer, Found: found(at, after)}
	if e.Expected, e.Hint = j.explain(message, off, before, after, inWord); strings.Contains(message, "max depth") {
		e.Found, e.Expected, e.Hint = "", tooDeep(j.src.lim.Depth), depthHint
	}
	return e
}

// closes reports whether the text begins with a closing bracket.
func closes(b []byte) bool { return len(b) > 0 && (b[0] == '}' || b[0] == ']') }

// pointerAt is the pointer of the innermost value at an offset inside the
// value that could not be read. The tokenizer's own is not always right when
// a value is read in pieces.
func (j *jsonReader) pointerAt(off int64) string {
	b := j.dec.UnreadBuffer()
	b = b[:min(max(off-j.dec.InputOffset(), 0), int64(len(b)))]
	type level struct {
		object, keyed bool
		key           string
		index         int
	}
	var open []level
scan:
	for i := 0; i < len(b); i++ {
		top := &level{}
		if len(open) > 0 {
			top = &open[len(open)-1]
		}
		switch b[i] {
		case '{':
			open = append(open, level{object: true})
		case '[':
			open = append(open, level{})
		case '}', ']':
			if len(open) == 0 {
				break scan
			}
			open = open[:len(open)-1]
		case ',':
			top.keyed = false
			top.index++
		case '"':
			end := i + 1
			for end < len(b) && b[end] != '"' {
				if b[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(b) {
				break scan
			}
			if top.object && !top.keyed {
				key, _ := jsontext.AppendUnquote(nil, b[i:end+1])
				top.key, top.keyed = string(key), true
			}
			i = end
		}
	}
	p := j.pointer
	for _, l := range open {
		switch {
		case l.object && l.keyed:
			p += "/" + escapePointer(l.key)
		case !l.object:
			p += "/" + strconv.Itoa(l.index)
		}
		if len(p) > 1000 {
			break
		}
	}
	return shortPointer(p)
}

// inString reports whether the error is inside a text.
func inString(message string) bool {
	return strings.Contains(message, "UTF-8") || strings.Contains(message, "in string") ||
		strings.Contains(message, "surrogate") || strings.Contains(message, "escape sequence")
}

// explainWord says what is wrong with a number or literal that other notations
// know and JSON does not.
func explainWord(text string) (expected, hint string) {
	end := 0
	for end < len(text) && isWord(text[end]) {
		end++
	}
	switch word := text[:end]; {
	case word == "NaN", word == "Infinity", word == "-Infinity", word == "-NaN":
		return "expected a number", "JSON has no NaN and no Infinity"
	case word == "True", word == "False", word == "None":
		return "expected true, false or null", "write JSON, not Python"
	case word != "" && strings.IndexByte("+-.0123456789", word[0]) >= 0:
		return "expected a number as JSON writes it", "no leading zero, no plus sign, no other base"
	default:
		return "expected a value", "text needs double quotes"
	}
}

// explain says what was expected at a syntax error, and what to do about the
// mistakes people make: the text before and after it shows which. With inWord
// the text after it begins with a word that the tokenizer had begun to accept.
func (j *jsonReader) explain(message string, off int64, before, after []byte, inWord bool) (expected, hint string) {
	prior := bytes.TrimRight(before, " \t\r\n")
	next := byte(' ')
	if len(after) > 0 {
		next = after[0]
	}
	switch {
	case strings.Contains(message, "invalid UTF-8"):
		return fmt.Sprintf("expected UTF-8 at byte %d", off), "save the file as UTF-8"
	case strings.Contains(message, "surrogate"):
		return "expected whole characters, not half of a surrogate pair", ""
	case strings.Contains(message, "escape sequence"):
		return "expected a valid escape", `a backslash is written \\`
	case strings.Contains(message, "in string"):
		return "expected text without control characters", `a line break inside a text is written \n`
	case next == 0x1b:
		return colours, coloursHint
	case cliMessage(after):
		return mixedIn, cliHint
	case bytes.HasPrefix(after, []byte("//")), bytes.HasPrefix(after, []byte("/*")), next == '#':
		return "expected JSON without comments", "remove the comments"
	case bytes.HasSuffix(prior, []byte(",")) && closes(after):
		return "expected a value after the comma", "remove the trailing comma"
	case next == '\'':
		return "expected double quotes", "JSON has no single quotes"
	case inWord:
		return explainWord(string(after))
	case strings.Contains(message, "at start of string"), j.key && strings.Contains(message, "at start of value"):
		return "expected a key in double quotes", "YAML in brackets must begin with a line of ---"
	case strings.Contains(message, "after object name"):
		return "expected a colon after the key", ""
	case strings.Contains(message, "after object value"):
		return "expected a comma or } after the value", ""
	case strings.Contains(message, "after array element"):
		return "expected a comma or ] after the value", ""
	case isWord(next):
		return explainWord(string(after))
	}
	return "expected a value", ""
}

func isWord(c byte) bool {
	return c == '-' || c == '+' || c == '.' || c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// trailing is the refusal of what follows the top value, which ends at the
// offset.
func (j *jsonReader) trailing(end int64, kind jsontext.Kind) error {
	_, after := j.src.text.around(end)
	rest := bytes.TrimLeft(after, " \t\r\n")
	e := &Error{File: j.src.name, Pos: j.src.text.at(end + int64(len(after)-len(rest))), Found: found("", rest),
		Expected: "expected nothing after the JSON value"}
	switch {
	case cliMessage(rest):
		e.Expected, e.Hint = mixedIn, cliHint
	case kind == '{':
		e.Hint = "JSON Lines are not read here: put the objects into one list, or into files of their own"
	case len(rest) > 0 && (rest[0] == '/' || rest[0] == '#'):
		e.Expected, e.Hint = "expected JSON without comments", "remove the comments"
	case bytes.HasPrefix(rest, []byte("\x1b")):
		e.Expected, e.Hint = colours, coloursHint
	case len(rest) > 0 && !utf8.FullRune(rest[:min(len(rest), utf8.UTFMax)]):
		e.Expected, e.Hint = "expected UTF-8", "save the file as UTF-8"
	}
	return e
}
