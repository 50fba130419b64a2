package checkout

// What is tried with bytes from outside.
var (
	ParseAccount = parseAccount
	MayBeCard    = mayBeCard
	MarkOf       = markOf
)
