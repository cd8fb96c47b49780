package demo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Errors of an upload. Users see their texts.
var (
	errFileName  = errors.New("the file has no usable name")
	errFileSize  = errors.New("the file is too large")
	errStoreFull = errors.New("there is no room left")
)

// file is kept whole in memory; content never changes.
type file struct {
	name    string
	content []byte
	stored  time.Time
}

// files holds the uploads of each account.
type files struct {
	fileLimit, storeLimit int64
	now                   func() time.Time
	mu                    sync.Mutex
	of                    map[string]map[string]file
}

func newFiles(fileLimit, storeLimit int64, now func() time.Time) *files {
	return &files{fileLimit: fileLimit, storeLimit: storeLimit, now: now, of: map[string]map[string]file{}}
}

// put reads a file to its end and stores it. It replaces a file of the same name.
func (fs *files) put(login, name string, content io.Reader) error {
	name = fileName(name)
	if name == "" {
		return errFileName
	}
	var buffer bytes.Buffer
	size, err := io.Copy(&buffer, io.LimitReader(content, fs.fileLimit+1))
	if err != nil {
		return fmt.Errorf("reading the upload: %w", err)
	}
	if size > fs.fileLimit {
		return errFileSize
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for other, stored := range fs.of[login] {
		if other != name {
			size += int64(len(stored.content))
		}
	}
	if size > fs.storeLimit || len(fs.of[login]) >= entryLimit {
		return errStoreFull
	}
	if fs.of[login] == nil {
		fs.of[login] = map[string]file{}
	}
	fs.of[login][name] = file{name: name, content: buffer.Bytes(), stored: fs.now()}
	return nil
}

func (fs *files) get(login, name string) (file, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	found, ok := fs.of[login][name]
	return found, ok
}

// list returns the account's files in the order of their names.
func (fs *files) list(login string) []file {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var all []file
	for _, stored := range fs.of[login] {
		all = append(all, stored)
	}
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return all
}

// fileName makes a client's file name harmless: it keeps the last part of a path of either kind, without characters
// that do not print or that change the direction of writing, and at most 100 characters. It is empty if nothing is
// left.
func fileName(name string) string {
	if at := strings.LastIndexAny(name, `/\`); at >= 0 {
		name = name[at+1:]
	}
	name = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	if runes := []rune(name); len(runes) > 100 {
		name = strings.Trim(string(runes[:100]), " .")
	}
	return name
}

type filesView struct {
	common
	Files []fileView
	Limit string
}

type fileView struct{ Name, Size, Stored string }

func (a *App) showFiles(w http.ResponseWriter, r *http.Request, who visitor) {
	a.filesPage(w, r, who, http.StatusOK, "")
}

func (a *App) filesPage(w http.ResponseWriter, r *http.Request, who visitor, status int, alert string) {
	view := filesView{common: a.common(w, r, "Files"), Limit: formatSize(a.options.FileLimit)}
	view.Alert = alert
	for _, f := range a.files.list(who.login) {
		view.Files = append(view.Files, fileView{f.name, formatSize(int64(len(f.content))), f.stored.UTC().Format("2006-01-02 15:04")})
	}
	a.render(w, r, status, "files", view)
}

// upload reads the form as it arrives. The token comes before the files (or in the header X-Csrf-Token), so that a
// forged form stores nothing.
func (a *App) upload(w http.ResponseWriter, r *http.Request, who visitor) {
	parts, err := r.MultipartReader()
	if err != nil {
		a.filesPage(w, r, who, http.StatusBadRequest, "Not stored: choose a file.")
		return
	}
	trusted := a.sameToken(r, who, r.Header.Get("X-Csrf-Token"))
	for stored := 0; ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) && stored > 0 {
			http.Redirect(w, r, "/files", http.StatusSeeOther)
			return
		}
		if errors.Is(err, io.EOF) {
			a.filesPage(w, r, who, http.StatusBadRequest, "Not stored: choose a file.")
			return
		}
		if err != nil {
			a.filesPage(w, r, who, http.StatusBadRequest, "Not stored: the upload broke off.")
			return
		}
		switch part.FormName() {
		case "csrf":
			token, err := io.ReadAll(io.LimitReader(part, 200))
			trusted = trusted || err == nil && a.sameToken(r, who, string(token))
		case "file":
			if !trusted {
				a.filesPage(w, r, who, http.StatusForbidden, "The form has expired. Please try again.")
				return
			}
			if err := a.files.put(who.login, part.FileName(), part); err != nil {
				status, words := uploadFailure(err)
				a.filesPage(w, r, who, status, "Not stored: "+words+".")
				return
			}
			stored++
		}
	}
}

// uploadFailure returns the status and the text for a failed upload, without the details of a broken connection.
func uploadFailure(err error) (status int, words string) {
	for known, status := range map[error]int{
		errFileName: http.StatusUnprocessableEntity, errFileSize: http.StatusRequestEntityTooLarge,
		errStoreFull: http.StatusInsufficientStorage,
	} {
		if errors.Is(err, known) {
			return status, known.Error()
		}
	}
	return http.StatusBadRequest, "the upload broke off"
}

// download serves an upload in a way in which browsers never show it as a page of this app.
func (a *App) download(w http.ResponseWriter, r *http.Request, who visitor) {
	found, ok := a.files.get(who.login, r.PathValue("name"))
	if !ok {
		a.message(w, r, http.StatusNotFound, "Not found", "There is no such file.")
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": found.name}))
	header.Set("Content-Security-Policy", "sandbox")
	http.ServeContent(w, r, "", found.stored, bytes.NewReader(found.content))
}

func formatSize(bytes int64) string {
	switch {
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", bytes)
}
