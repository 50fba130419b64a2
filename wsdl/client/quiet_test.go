package client_test

import (
	"io"
	"log"
)

// quiet drops what net/http says about connections that tests break.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
