package doctree

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// fail turns an error of the tokenizer into a refusal with its place, the
// offending text and what to do.
func (j *jsonReader) fail(err error) error {
	if err == nil {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var syn *jsontext.SyntacticError
	if !errors.As(err, &syn) {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return j.early(j.src.text.offset(), "")
		}
		return j.src.wrap(err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return j.early(j.src.text.offset(), string(syn.JSONPointer))
	}
	off := syn.ByteOffset
	before, after := j.src.text.around(off)
	e := &Error{File: j.src.name, Pos: j.src.text.at(off), Pointer: string(syn.JSONPointer), Found: quote(after)}
	e.Expected, e.Hint = explainJSON(syn, before, after)
	return e
}

func (j *jsonReader) early(off int64, pointer string) error {
	return &Error{File: j.src.name, Pos: j.src.text.at(off), Pointer: pointer,
		Expected: "ended early: expected the rest of the JSON", Hint: "the export was cut off: export it again"}
}

// explainJSON says what is wrong at a syntax error.
func explainJSON(syn *jsontext.SyntacticError, before, after []byte) (expected, hint string) {
	prior := bytes.TrimRight(before, " \t\r\n")
	last := byte(0)
	if len(prior) > 0 {
		last = prior[len(prior)-1]
	}
	next := byte(0)
	if len(after) > 0 {
		next = after[0]
	}
	starts := func(p string) bool { return bytes.HasPrefix(after, []byte(p)) }
	switch {
	case errors.Is(syn, jsontext.ErrDuplicateName):
		return "expected each key once", "remove one of the two"
	case starts("//"), starts("/*"), next == '#':
		return "expected JSON without comments", "remove the comments"
	case last == ',' && (next == '}' || next == ']'):
		return "expected a value after the comma", "remove the trailing comma"
	case next == ',' && bytes.HasPrefix(bytes.TrimLeft(after[1:], " \t\r\n"), []byte("}")),
		next == ',' && bytes.HasPrefix(bytes.TrimLeft(after[1:], " \t\r\n"), []byte("]")):
		return "expected a value after the comma", "remove the trailing comma"
	case next == '\'':
		return "expected double quotes", "JSON has no single quotes: use double quotes"
	case starts("NaN"), starts("Infinity"), starts("-Infinity"), starts("-NaN"):
		return "expected a number that JSON knows", "NaN and Infinity are no JSON: give a number"
	case next == 0x1b:
		return "expected an export, found terminal colours", "export with -o json, not -o jsonc"
	case starts("True"), starts("False"), starts("None"):
		return "expected true, false or null", "this is Python's notation: write it with a JSON library"
	case cliMessage(after):
		return "expected an export, found messages of the command line mixed in", cliHint
	case next >= 0x80 && !validStart(after):
		return "expected UTF-8", "save the file as UTF-8"
	case next < 0x20 && next != '\n' && next != '\r' && next != '\t':
		return "expected text without control characters", ""
	default:
		return syn.Err.Error(), ""
	}
}

// trailing is the refusal of text after the top value.
func (j *jsonReader) trailing() error {
	off := j.dec.InputOffset()
	return &Error{File: j.src.name, Pos: j.src.text.at(off), Expected: "expected nothing after the JSON value"}
}

func validStart(b []byte) bool {
	r, n := utf8.DecodeRune(b)
	return r != utf8.RuneError || n > 1
}
