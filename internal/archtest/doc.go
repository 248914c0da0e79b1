// Package archtest holds the rules of docs/architecture.md as tests: which
// room may import which, where a dependency may appear, what the packages
// below cmd must not touch. It has no code of its own.
package archtest
