package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/filestore"
)

func moveCommand() command {
	return command{
		name:  "move",
		usage: "--from file:<path>|vault --to vault|file:<path> [--key-file <path>] [--config <file>] [--delete-source] [--allow-empty]",
		short: "Moves second factors from the embedded file to Vault, or back",
		long: `Copies every user's record, one after the other, and reads each copy back. It can be stopped at any time and started again. A record
that is at the destination already with another content is left alone, and said.

Where the source is not there, nothing is made at either end. One without a record is an error unless --allow-empty says that it is meant:
it is what a wrong path or a volume that is not mounted looks like.

Vault is reached as the configuration's ` + "`secrets vault`" + ` says. The file must not be in use: stop the gateway first.

With --delete-source each record is deleted at its source once its copy has been read back; a file that is then empty is removed
together with its key.`,
		set: func(made *cobra.Command) {
			configFlags(made)
			made.Flags().String("from", "", "where the records are: file:<path> or vault")
			made.Flags().String("to", "", "where they go: vault or file:<path>")
			made.Flags().String("key-file", "", "the file's key; default: its path with .key at the end")
			made.Flags().Bool("delete-source", false, "delete each record at its source once it was copied")
			made.Flags().Bool("allow-empty", false, "the source may be without a record")
			made.RunE = func(made *cobra.Command, _ []string) error { return moveSecrets(made) }
		},
	}
}

// listedStore is a store that can list the keys of its records.
type listedStore interface {
	factor.Store
	Keys(ctx context.Context) ([]factor.Key, error)
}

// end is one end of a move.
type end struct {
	store listedStore
	// close closes the store; remove deletes what is left of it once it is empty.
	close  func() error
	remove func() error
}

// errEmpty is returned if the source has no records: perhaps it is not the intended one.
var errEmpty = errors.New("holds no record: is it the right place? --allow-empty moves nothing")

func moveSecrets(command *cobra.Command) (err error) {
	flags := command.Flags()
	from, _ := flags.GetString("from")
	to, _ := flags.GetString("to")
	keyFile, _ := flags.GetString("key-file")
	allowEmpty, _ := flags.GetBool("allow-empty")
	deleteSource, err := flags.GetBool("delete-source")
	if err != nil {
		return err
	}
	if strings.HasPrefix(from, "file:") == strings.HasPrefix(to, "file:") {
		return errors.New("want --from file:<path> --to vault, or --from vault --to file:<path>")
	}
	source, err := openEnd(command, "from", from, filestore.Options{KeyFile: keyFile, Existing: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.close()) }()
	// Opening the destination may create it, so it is opened only if there is something to move.
	keys, err := source.store.Keys(command.Context())
	if err != nil {
		return fmt.Errorf("listing the records at the source: %w", err)
	}
	if len(keys) == 0 && !allowEmpty {
		return fmt.Errorf("%s %w", from, errEmpty)
	}
	destination, err := openEnd(command, "to", to, filestore.Options{KeyFile: keyFile})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, destination.close()) }()
	err = moveAll(command.Context(), keys, source.store, destination.store, deleteSource, command.OutOrStdout())
	if err != nil || !deleteSource {
		return err
	}
	return source.remove()
}

// openEnd opens the store that --from or --to names.
func openEnd(command *cobra.Command, flag, place string, options filestore.Options) (end, error) {
	if path, ok := strings.CutPrefix(place, "file:"); ok {
		if path == "" {
			return end{}, fmt.Errorf("--%s: the file's path is missing", flag)
		}
		store, err := filestore.Open(path, options)
		if err != nil {
			return end{}, fmt.Errorf("--%s: %w", flag, err)
		}
		return end{store: store, close: store.Close, remove: func() error { return filestore.Remove(store) }}, nil
	}
	if place != "vault" {
		return end{}, fmt.Errorf("--%s: want file:<path> or vault", flag)
	}
	opened, err := openConfigured(command)
	if err != nil {
		return end{}, err
	}
	return end{
		store:  opened.store,
		close:  func() error { opened.connection.Close(); return nil },
		remove: func() error { return nil },
	}, nil
}

// moveAll copies, or moves, the records of those keys and prints what it does. An error with one record does not stop
// the others.
func moveAll(ctx context.Context, keys []factor.Key, source, destination factor.Store, deleteSource bool, out io.Writer) error {
	failed := 0
	for i, key := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		done, err := moveOne(ctx, source, destination, key, deleteSource)
		if err != nil {
			failed++
			done = "NOT MOVED: " + err.Error()
		}
		if _, err := fmt.Fprintf(out, "%d/%d  %q of %q: %s\n", i+1, len(keys), key.User, key.App, done); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d records were not moved", failed, len(keys))
	}
	_, err := fmt.Fprintf(out, "%d records are at the destination.\n", len(keys))
	return err
}

// errDiffers says that a record must not be overwritten.
var errDiffers = errors.New("another record of this user is at the destination already; disable one of the two first")

// moveOne copies one record, reads the copy back and deletes the source at the version that was copied. If the source
// changes meanwhile, it is copied again.
func moveOne(ctx context.Context, source, destination factor.Store, key factor.Key, deleteSource bool) (done string, err error) {
	var copied factor.Version
	for range 10 {
		record, version, err := source.Get(ctx, key)
		if errors.Is(err, factor.ErrNotFound) {
			return "gone", nil
		}
		if err != nil {
			return "", fmt.Errorf("at the source: %w", err)
		}
		present, at, err := destination.Get(ctx, key)
		switch {
		case errors.Is(err, factor.ErrNotFound) || err == nil && at == copied:
			if copied, err = destination.Put(ctx, key, record, at); err != nil {
				return "", fmt.Errorf("at the destination: %w", err)
			}
			done = "copied"
			if present, _, err = destination.Get(ctx, key); err != nil {
				return "", fmt.Errorf("reading the copy back: %w", err)
			}
		case err != nil:
			return "", fmt.Errorf("at the destination: %w", err)
		default:
			done = "there already"
		}
		if same, err := sameRecord(record, present); err != nil {
			return "", err
		} else if !same {
			return "", errDiffers
		}
		if !deleteSource {
			return done, nil
		}
		switch err := source.Delete(ctx, key, version); {
		case err == nil || errors.Is(err, factor.ErrNotFound):
			return done + ", and deleted at the source", nil
		case !errors.Is(err, factor.ErrConflict):
			return "", fmt.Errorf("deleting at the source: %w", err)
		}
	}
	return "", errors.New("the record at the source does not stop changing: stop the gateway first")
}

// sameRecord reports whether two records are stored as the same bytes.
func sameRecord(a, b factor.Record) (bool, error) {
	first, err := factor.EncodeRecord(a)
	if err != nil {
		return false, err
	}
	second, err := factor.EncodeRecord(b)
	return string(first) == string(second), err
}
