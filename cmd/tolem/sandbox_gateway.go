package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tolem/config"
	"tolem/internal/pki"
	"tolem/signing/trust"
)

// sandboxGateway is a gateway of the sandbox with its folder and its
// certification authority.
type sandboxGateway struct {
	dir, database string
	origin        string               // of its archive
	country       string               // of its authority; empty: Kazakhstan
	settings      func(*config.Config) // what its configuration says besides
	doors
	failed chan error // of whatever ended that should run

	authority *pki.PKI
	config    *config.Config
	node      *node
	started   bool
	logs      []*os.File
}

// file is the configuration, for other commands.
func (w *sandboxGateway) file() string { return filepath.Join(w.dir, configName) }

// install makes the folder, or takes the one that is there, and reads its
// configuration.
func (w *sandboxGateway) install(context.Context) (err error) {
	if _, err := os.Stat(w.file()); errors.Is(err, os.ErrNotExist) {
		in := installation{dir: w.dir, database: w.database, testPKI: true, country: w.country, origin: w.origin, settings: w.settings}
		if in.database == "" {
			in.database = "sqlite:tolem.db"
		} else if err := in.anchorDatabase(); err != nil {
			return err
		}
		if _, err := in.write(); err != nil {
			return err
		}
	} else if err != nil {
		return err
	} else if w.database != "" {
		return fmt.Errorf("%w: a database is named for a new folder; %s has its database", errUsage, w.dir)
	}
	if w.config, err = loadConfig(w.file()); err != nil {
		return err
	}
	w.settings(w.config)
	if w.authority, err = pki.Open(filepath.Join(w.dir, pkiDir), pki.Options{Country: w.country}); err != nil {
		return err
	}
	return w.writeLists()
}

func (w *sandboxGateway) writeLists() error {
	return w.authority.WriteCRLs(filepath.Join(w.dir, pkiDir), time.Time{})
}

// openTrust is whom a system beside the gateway believes: a store of its own, of
// the same authority.
func (w *sandboxGateway) openTrust(ctx context.Context) (*trust.Store, error) {
	c := w.config.Trust
	return trust.Open(ctx, trust.Config{Anchors: c.Anchors, Intermediates: c.Intermediates, CRLs: c.CRLs}, nil)
}

// log opens a file for what a part of the sandbox has to say.
func (w *sandboxGateway) log(name string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(w.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		w.logs = append(w.logs, f)
	}
	return f, err
}

func (w *sandboxGateway) closeLogs() error {
	var errs []error
	for _, f := range w.logs {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

func (w *sandboxGateway) openNode(ctx context.Context) error {
	f, err := w.log("gateway")
	if err != nil {
		return err
	}
	if w.node, err = openNode(ctx, w.config, newLog(f, w.config.Log)); err != nil {
		return err
	}
	w.node.listen = w.at
	return nil
}

func (w *sandboxGateway) startNode(ctx context.Context) error {
	if err := w.node.directory.Refresh(ctx); err != nil {
		return err
	}
	if err := w.node.start(ctx); err != nil {
		return err
	}
	w.started = true
	go func() {
		select {
		case err := <-w.node.failed:
			w.failed <- err
		case <-ctx.Done():
		}
	}()
	return nil
}

func (w *sandboxGateway) closeNode() error {
	switch {
	case w.started:
		return w.node.stop()
	case w.node != nil:
		return w.node.db.Close()
	}
	return nil
}
