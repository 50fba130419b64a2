package receipt

// What is tried with bytes from outside.
func EncodeBody(r Receipt, language string) ([]byte, error) { return r.encode(language) }

var ReadBody = readBody
