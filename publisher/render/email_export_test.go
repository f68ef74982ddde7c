package render

// For tests of what letters are made with.
var (
	WrapText     = wrapText
	InlineStyles = inlineStyles
	Accents      = accents
	OneLine      = oneLine
)

const TextColumns = textColumns

// TextWidth gives the columns of a line of plain text.
func TextWidth(s string) int { return textWidth(s) }
