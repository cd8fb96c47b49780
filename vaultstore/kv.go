package vaultstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"sallyport.example/sallyport/factor"
)

// Names in the custom metadata of a record.
const (
	customApp        = "app"
	customUser       = "user"
	customGeneration = "generation"
)

// maxAnswer bounds how much of an answer is read. A record is at most 64 KiB, and base64 and JSON add to it.
const maxAnswer = 1 << 20

// engine makes KV v2 calls to one mount. It decides nothing.
type engine struct {
	connection *Connection
	mount      string
	timeout    time.Duration
	// turns bounds the number of concurrent calls: hundreds at once would only make each of them slow. A call's timeout
	// begins when it gets its turn.
	turns chan struct{}
}

// maxCalls is how many calls one gateway makes at the same time.
const maxCalls = 64

// stored is one version of a document as KV v2 returns it.
type stored struct {
	content []byte
	number  int64
	custom  map[string]string
	// age is how old the version is, by Vault's own clock.
	age time.Duration
	// expires: the mount or the metadata make Vault delete the version by itself.
	expires bool
}

// call makes one call within the timeout. If Vault refuses a token that has died, it gets another one and repeats the
// call: a refused call was not carried out.
func (e *engine) call(ctx context.Context, doing string, do func(context.Context, *api.Client) error) error {
	select {
	case e.turns <- struct{}{}:
		defer func() { <-e.turns }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return &CallError{doing: doing, kind: ErrTimeout, cause: err, detail: "waiting for its turn: " + err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	client, err := e.connection.client(ctx)
	if err != nil {
		return classify(doing, err)
	}
	err = do(ctx, client)
	if isDenied(err) && e.connection.denied(ctx, client) {
		if client, err = e.connection.client(ctx); err != nil {
			return classify(doing, err)
		}
		err = do(ctx, client)
	}
	if errors.Is(err, factor.ErrNotFound) || errors.Is(err, factor.ErrCorrupt) || errors.Is(err, errNoCheckAndSet) {
		return err
	}
	return classify(doing, err)
}

func (e *engine) data(place string) string     { return e.mount + "/data/" + place }
func (e *engine) metadata(place string) string { return e.mount + "/metadata/" + place }

// read returns the current version. The error is factor.ErrNotFound only for a clean 404: Vault's own, with no errors
// and no data in it.
func (e *engine) read(ctx context.Context, place string) (found stored, err error) {
	err = e.call(ctx, "reading a record", func(ctx context.Context, client *api.Client) error {
		response, err := client.Logical().ReadRawWithContext(ctx, e.data(place))
		if response == nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		body, readErr := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if readErr != nil {
			return readErr
		}
		if err != nil {
			if response.StatusCode == http.StatusNotFound {
				return notFound(body, err)
			}
			return err
		}
		found, err = present(body, vaultTime(response.Header))
		return err
	})
	return found, err
}

// notFound judges a 404: nothing there, a version that was deleted, or no such mount (the answer's own error).
func notFound(body []byte, err error) error {
	var answer struct {
		Errors *[]string `json:"errors"`
		Data   *struct {
			Metadata json.RawMessage `json:"metadata"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return err
	}
	switch {
	case answer.Data != nil:
		return corrupt("its present version was deleted in Vault; undelete it, or delete its metadata to disable the user's second factor")
	case answer.Errors != nil && len(*answer.Errors) == 0:
		return factor.ErrNotFound
	}
	return err
}

// present reads an answer that has a document.
func present(body []byte, now time.Time) (stored, error) {
	var answer struct {
		Data *struct {
			Data     json.RawMessage `json:"data"`
			Metadata *struct {
				Version int64             `json:"version"`
				Created time.Time         `json:"created_time"`
				Deletes string            `json:"deletion_time"`
				Custom  map[string]string `json:"custom_metadata"`
			} `json:"metadata"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Data == nil || answer.Data.Metadata == nil {
		return stored{}, corrupt("vault's answer is not one of KV version 2")
	}
	content := answer.Data.Data
	if len(content) == 0 || string(content) == "null" {
		return stored{}, corrupt("there is no data in its present version")
	}
	return stored{
		content: content, number: answer.Data.Metadata.Version, custom: answer.Data.Metadata.Custom,
		age: now.Sub(answer.Data.Metadata.Created), expires: answer.Data.Metadata.Deletes != "",
	}, nil
}

// write is a check-and-set; number 0 creates. errNoCheckAndSet says that the document is at another version.
func (e *engine) write(ctx context.Context, place string, content any, number int64) (written stored, err error) {
	err = e.call(ctx, "writing a record", func(ctx context.Context, client *api.Client) error {
		secret, err := client.Logical().WriteWithContext(ctx, e.data(place), map[string]any{
			"data":    content,
			"options": map[string]any{"cas": number},
		})
		var answer *api.ResponseError
		if errors.As(err, &answer) && answer.StatusCode == http.StatusBadRequest && strings.Contains(strings.Join(answer.Errors, " "), "check-and-set") {
			return errNoCheckAndSet
		}
		if err != nil {
			return err
		}
		if secret == nil {
			return errors.New("an empty answer to a write")
		}
		if written.number, err = wholeNumber(secret.Data["version"]); err != nil {
			return err
		}
		written.custom = texts(secret.Data["custom_metadata"])
		return nil
	})
	return written, err
}

// describe sets the metadata: keep only one version, require check-and-set of everybody, and the custom metadata.
func (e *engine) describe(ctx context.Context, place string, custom map[string]string) error {
	return e.call(ctx, "writing a record's metadata", func(ctx context.Context, client *api.Client) error {
		_, err := client.Logical().WriteWithContext(ctx, e.metadata(place), map[string]any{
			"max_versions": 1, "cas_required": true, "custom_metadata": custom,
		})
		return err
	})
}

// erase deletes all versions and the metadata.
func (e *engine) erase(ctx context.Context, place string) error {
	return e.call(ctx, "deleting a record", func(ctx context.Context, client *api.Client) error {
		_, err := client.Logical().DeleteWithContext(ctx, e.metadata(place))
		return err
	})
}

// purge destroys every version below number. `max_versions 1` alone is not enough: if the mount's own setting is
// higher, KV uses that.
func (e *engine) purge(ctx context.Context, place string, number int64) error {
	var old []int64
	err := e.call(ctx, "looking for old versions", func(ctx context.Context, client *api.Client) error {
		secret, err := client.Logical().ReadWithContext(ctx, e.metadata(place))
		if err != nil || secret == nil {
			return err
		}
		versions, _ := secret.Data["versions"].(map[string]any)
		for name, about := range versions {
			version, err := strconv.ParseInt(name, 10, 64)
			if err != nil {
				return fmt.Errorf("an unknown version: %w", err)
			}
			destroyed, _ := about.(map[string]any)["destroyed"].(bool)
			if version < number && !destroyed {
				old = append(old, version)
			}
		}
		return nil
	})
	if err != nil || len(old) == 0 {
		return err
	}
	return e.destroy(ctx, place, old)
}

func (e *engine) destroy(ctx context.Context, place string, versions []int64) error {
	return e.call(ctx, "destroying old versions", func(ctx context.Context, client *api.Client) error {
		_, err := client.Logical().WriteWithContext(ctx, e.mount+"/destroy/"+place, map[string]any{"versions": versions})
		return err
	})
}

// list returns the names directly in a folder; those of folders end with a slash. A folder that does not exist is
// empty.
func (e *engine) list(ctx context.Context, place string) (names []string, err error) {
	err = e.call(ctx, "listing records", func(ctx context.Context, client *api.Client) error {
		response, err := client.Logical().ReadRawWithDataWithContext(ctx, e.metadata(place), map[string][]string{"list": {"true"}})
		if response == nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		body, readErr := io.ReadAll(response.Body)
		if readErr != nil {
			return readErr
		}
		if err != nil {
			if response.StatusCode == http.StatusNotFound {
				return notFound(body, err)
			}
			return err
		}
		var answer struct{ Data struct{ Keys []string } }
		if err := json.Unmarshal(body, &answer); err != nil {
			return errors.New("the answer is no list")
		}
		names = answer.Data.Keys
		return nil
	})
	if errors.Is(err, factor.ErrNotFound) {
		return nil, nil
	}
	return names, err
}

// verifyMount checks that the mount is KV v2. On a KV v1 mount a clean 404 would mean nothing, and check-and-set would
// be silently ignored.
func (e *engine) verifyMount(ctx context.Context) error {
	return e.call(ctx, "looking at the mount "+e.mount, func(ctx context.Context, client *api.Client) error {
		secret, err := client.Logical().ReadWithContext(ctx, "sys/internal/ui/mounts/"+e.mount)
		if err != nil {
			return err
		}
		var kind, version string
		if secret != nil {
			kind, _ = secret.Data["type"].(string)
			version = texts(secret.Data["options"])["version"]
		}
		if kind != "kv" || version != "2" {
			return &CallError{
				doing: "looking at the mount " + e.mount, kind: ErrMount, detail: "it is not a KV engine of version 2", cause: ErrMount,
			}
		}
		return nil
	})
}

// vaultTime returns the time by Vault's clock, to the second.
func vaultTime(header http.Header) time.Time {
	if now, err := http.ParseTime(header.Get("Date")); err == nil {
		return now
	}
	return time.Now()
}

func wholeNumber(value any) (int64, error) {
	if number, ok := value.(json.Number); ok {
		return number.Int64()
	}
	return 0, errors.New("no version in the answer to a write")
}

func texts(value any) map[string]string {
	values, _ := value.(map[string]any)
	out := make(map[string]string, len(values))
	for name, value := range values {
		if text, ok := value.(string); ok {
			out[name] = text
		}
	}
	return out
}
