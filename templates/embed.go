// Package templates holds crieur's own templates, styles and message catalogues as
// they are built into the binary. It does not parse or run them: render, web and
// sandbox do, after laying an owner's files of the same names over these.
package templates

import "embed"

// FS holds the folders email, social, web and locale.
//
//go:embed all:email all:social all:web all:locale
var FS embed.FS
