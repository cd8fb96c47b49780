package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// TestFilesNameTheLine: a bad file is found only at start, but the error still names the line of its word. JSON has no
// lines; there the error names the setting.
func TestFilesNameTheLine(t *testing.T) {
	folder := t.TempDir()
	for word, want := range map[string]string{
		"logo " + filepath.Join(folder, "none.svg"):  "brand: logo: stat " + filepath.Join(folder, "none.svg"),
		"templates " + filepath.Join(folder, "none"): "brand: templates: ",
		"logo " + folder: "not a regular file",
	} {
		lines := goodLines + "\t\tbrand {\n\t\t\tname x\n\t\t\t" + word + wrongLine + "\n\t\t\tcolour \"#123\"\n\t\t}\n" + moreLines
		text, line := marked(t, "{\n\tadmin off\n\tpersist_config off\n\tstorage file_system "+folder+"\n\tlog {\n\t\toutput discard\n\t}\n\t"+secretsLine+
			"}\nexample.com {\n\tsecond_factor {\n"+lines+"\t}\n}\n")
		adapted, err := adapt(text)
		if err != nil {
			t.Fatal(err)
		}
		started := func(config []byte) error {
			var parsed caddy.Config
			if err := json.Unmarshal(config, &parsed); err != nil {
				t.Fatal(err)
			}
			return caddy.Validate(&parsed)
		}
		err = started(adapted)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), fmt.Sprintf(", at Caddyfile:%d", line)) {
			t.Errorf("%s: %v\nwant %q at line %d", word, err, want, line)
		}
		other := strings.Replace(string(adapted), `"app":"wiki"`, `"app":"written"`, 1)
		if err = started([]byte(other)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Caddyfile") {
			t.Errorf("%s, in JSON: %v", word, err)
		}
	}
}

// TestWrittenForgets: a server that gets many Caddyfiles one after the other remembers only the last ones.
func TestWrittenForgets(t *testing.T) {
	w, said := new(written), places{"app": {place{}}}
	site := func(i int) *Handler { return &Handler{App: fmt.Sprint(i)} }
	for i := range 3 * maxWritten {
		w.remember(site(i), said)
		w.remember(site(i), said)
	}
	if len(w.sites) != maxWritten || len(w.order) != maxWritten {
		t.Errorf("%d and %d", len(w.sites), len(w.order))
	}
	wrong := errors.New("wrong")
	if err := w.wrap(site(0), "app", wrong); err.Error() != "wrong" {
		t.Error(err)
	}
	if err := w.wrap(site(3*maxWritten-1), "app", wrong); !errors.Is(err, wrong) || !strings.Contains(err.Error(), ", at ") {
		t.Error(err)
	}
	if err := w.wrap(site(3*maxWritten-1), "issuer", wrong); err.Error() != "wrong" {
		t.Error(err)
	}
}
