// Package redact rewrites exported Azure state so that it can be shown to
// others: names and addresses are replaced, everything that is not needed for a
// verdict is taken out, and the verdicts stay what they were.
//
// The same name is replaced by the same name, everywhere. Addresses keep the
// prefixes that they share ([Addresses]). Strings are taken out unless they are
// words of Azure's own vocabulary: what is kept is listed, not what is removed.
package redact
