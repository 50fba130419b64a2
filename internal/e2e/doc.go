// Package e2e tests the gateway as a whole: it builds the program once, sets up
// installations with the commands an operator would use, and drives the running
// process from outside, over mutual TLS with signed SOAP. It kills it, starves
// it, feeds it garbage and lets programs that others wrote call it.
//
// It holds tests only and is called by nobody. What can be tested within one
// package is tested there.
package e2e
