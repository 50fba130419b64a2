package main

import (
	"fmt"
	"net"
	"slices"
	"strconv"
)

// The doors of the sandbox.
const (
	doorPortal = "portal"
	doorShop   = "shop"
	doorPage   = "page"
	doorSOAP   = "soap"
	doorOps    = "ops"

	doorWorkplace     = "workplace"
	doorWorkplaceSOAP = "workplace-soap"
	doorWorkplaceOps  = "workplace-ops"
	doorBridge        = "card-bridge"
	doorOrganisation  = "organisation"
)

// sandboxDoors are all of them in the order of their ports, so that each has its
// port whatever parts run.
var sandboxDoors = slices.Concat(payDoors, workplaceDoors)

var (
	payDoors       = []string{doorPortal, doorShop, doorPage, doorSOAP, doorOps, sandboxAltyn, sandboxKumis}
	workplaceDoors = []string{doorWorkplace, doorWorkplaceSOAP, doorWorkplaceOps, doorBridge, doorOrganisation}
)

// doors are listeners by their names.
type doors map[string]net.Listener

// open listens at doors, from a port on, or wherever there is room if it is 0.
func (d doors) open(first int, names []string) error {
	for _, name := range names {
		port := 0
		if first != 0 {
			port = first + slices.Index(sandboxDoors, name)
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return fmt.Errorf("%s: %w; --ports auto takes ports that are free", name, err)
		}
		d[name] = l
	}
	return nil
}

// address is where a door is reached: browsers trust the name localhost.
func (d doors) address(scheme, host, door string) string {
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(d[door].Addr().(*net.TCPAddr).Port))
}

func (d doors) browser(door string) string { return d.address("http", "localhost", door) }

func (d doors) program(door, path string) string { return d.address("https", "127.0.0.1", door) + path }

// at hands a gateway the listener of an address that it is to listen at.
func (d doors) at(_, address string) (net.Listener, error) {
	for _, l := range d {
		if l.Addr().String() == address {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no door at %s", address)
}
