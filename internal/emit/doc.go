// Package emit writes edits as what an engineer runs or deploys: az CLI, Az
// PowerShell, ARM template, Bicep, Terraform, and the lines of a guest's
// configuration.
//
// Names come from other people's files. Each form quotes them so that they are
// data and nothing else, whatever they hold; a character that does not print
// is written as an escape of the form. A name that a form cannot take is an
// error, never a guess.
package emit
