package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/locale"
)

//go:embed templates/*.html
var templateFiles embed.FS

// Options are how a Renderer is made. The zero value is right.
type Options struct {
	// Language fixes the language of all pages: a tag (BCP 47), of which the best there is is taken. Default: each
	// browser gets what it asks for, else English.
	Language string
	// Brand is how the pages look, where not as they come.
	Brand Brand
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Renderer renders the gateway's pages. It is safe for concurrent use and keeps nothing between pages.
//
// The methods take the status to answer with. The error that they return is for the log; the answer has been sent by
// then, with status 500 and a plain line if the page could not be rendered. It never contains what the view held.
type Renderer struct {
	language string
	name     string
	logo     *Logo
	help     *help
	now      func() time.Time
	library  *library
	styles   [looks]template.HTML
	// more stands behind the style of each look.
	more string
	// scripts are those of each bundle, and policies let each have its own.
	scripts  [bundles]template.HTML
	policies [bundles]string
}

// New returns a Renderer. It panics if the templates or the catalogues that are part of the program are broken, and
// where NewThemed returns an error.
func New(options Options) *Renderer {
	r, err := NewThemed(options)
	if err != nil {
		panic(err)
	}
	return r
}

// NewThemed returns a Renderer that looks as Options.Brand says. What is wrong with the brand is a *BrandError, which
// for templates names the file and the line. It reads Brand.Templates and keeps nothing of it open.
func NewThemed(options Options) (*Renderer, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	r := &Renderer{language: options.Language, now: options.Now, library: open()}
	if err := r.wear(options.Brand); err != nil {
		return nil, err
	}
	return r, nil
}

// dress sets the styles, with what stands behind ours, and the policy that follows from it.
func (r *Renderer) dress(more string) {
	r.more = more
	var allowed []string
	for look, style := range small().styles {
		r.styles[look] = template.HTML("<style>" + style + more + "</style>") //nolint:gosec // our own file, and the operator's, which was looked at.
		allowed = append(allowed, source(style+more))
	}
	for bundle, script := range small().scripts {
		r.scripts[bundle] = template.HTML("<script>" + script + "</script>") //nolint:gosec // our own files.
		r.policies[bundle] = pagePolicy(strings.Join(allowed, " "), script)
		if asksUs(bundle) {
			r.policies[bundle] += "; connect-src 'self'"
		}
		if r.logo != nil && bundle != bundleDesk {
			r.policies[bundle] += "; img-src 'self'"
		}
	}
}

// templates are the pages by name.
type templates map[string]*template.Template

// parseTemplates binds the templates to the words of one language. The sources are those of all files in templates/, by
// name.
func parseTemplates(words *locale.Catalogue, sources map[string]string) (templates, error) {
	pages := make(templates)
	layout := template.New("layout.html").Funcs(template.FuncMap{
		"t":     words.HTML,
		"plain": words.Text,
		"wait":  words.Wait,
		"when":  words.When,
		"ago":   words.Ago,
		"clock": words.Clock,
	})
	add := func(to *template.Template, names ...string) error {
		for _, name := range names {
			part := to
			if name != to.Name() {
				part = to.New(name)
			}
			if _, err := part.Parse(sources[name]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(layout, "layout.html", "parts.html"); err != nil {
		return nil, err
	}
	for _, name := range []string{
		"challenge", "trust", "recovery", "used", "exposed", "setupstart", "setup", "setuppasskey", "setupsent", "confirm", "codes", "settings", "notice",
		"desk", "deskuser", "deskact",
	} {
		page, err := layout.Clone()
		if err != nil {
			return nil, err
		}
		if err := add(page, name+".html"); err != nil {
			return nil, err
		}
		pages[name] = page
	}
	return pages, nil
}

// edition is the language for a browser that says this in Accept-Language.
func (r *Renderer) edition(accept string) *edition {
	if r.language != "" {
		accept = r.language
	}
	return r.library.edition(accept)
}

// Policy is the Content-Security-Policy of the pages, but for those whose script is another.
func (r *Renderer) Policy() string { return r.policies[bundlePlain] }

// page is what the templates see.
type page struct {
	Common
	// View is the page's own model.
	View any
	// Language and Direction are of the words.
	Language, Direction string
	// Heading is the page's h1 and the first part of its Title.
	Heading, Title string
	// Field is the code field, if there is one.
	Field field
	// Locked says that no code is accepted until an operator acts: there is nothing to type and nothing to send.
	Locked bool
	// Help is whom to ask; nil where the operator names nobody.
	Help *help
	// Invalid says that the alert is about what the field held.
	Invalid bool
	// Changes is after how many seconds a code changes, where the alert should say so.
	Changes int64
	// Next is after how many seconds there is another code, where the alert says so.
	Next int64
	// Seconds is how long to wait, and At when that is over, where it is worth saying.
	Seconds int64
	At      template.HTML
	// Trusts says that the page can trust a browser, and Passkeys that it uses passkeys.
	Trusts, Passkeys bool
	// Desk says that it is a page of the help desk.
	Desk bool
	// SignOut puts the user's name and the form to sign out at the top.
	SignOut bool
	// Behind is the settings page, for the script to put behind a dialog, and Opener the id of the button there that
	// leads to this page. None for pages that are no dialogs.
	Behind *page
	Opener string
	// Brand is the mark at the top. Narrow pages are one column below it, without a bar: what somebody meets on the way
	// in.
	Brand  mark
	Narrow bool

	Style, Script template.HTML
}

// field is a code field.
type field struct {
	// Recovery asks for a recovery code instead of digits.
	Recovery bool
	// Focus gives the field the focus when the page opens.
	Focus bool
	// Complete has the script send the form when the code is complete.
	Complete bool
	// Either says in the hint that a recovery code will do, too.
	Either bool
	// Sent asks for a code that was sent.
	Sent   bool
	Digits int
	// Period is how long a code lasts.
	Period time.Duration
}

// render sends one page. Everything before WriteHeader works on a buffer.
func (r *Renderer) render(w http.ResponseWriter, status int, name, heading string, p page) error {
	words := r.edition(p.Languages)
	err := r.prepare(words, &p, heading)
	if err != nil {
		err = fmt.Errorf("prepare page %s: %w", name, err)
	}

	h := w.Header()
	SecurityHeaders(h, r.policies[p.bundle()])
	for _, stale := range []string{"Content-Encoding", "ETag", "Last-Modified", "Accept-Ranges"} {
		h.Del(stale)
	}
	var content []byte
	if err == nil {
		content, err = words.execute(name, p)
	}
	if content == nil {
		const line = "Internal error. Please try again.\n"
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Content-Length", strconv.Itoa(len(line)))
		w.WriteHeader(http.StatusInternalServerError)
		_, writeError := w.Write([]byte(line))
		return errors.Join(err, writeError)
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		if seconds := locale.Up(p.Wait, time.Second); seconds > 0 && h.Get("Retry-After") == "" {
			h.Set("Retry-After", strconv.FormatInt(seconds, 10))
		}
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(status)
	if _, sendError := w.Write(content); sendError != nil {
		err = errors.Join(err, fmt.Errorf("send page %s: %w", name, sendError))
	}
	return err
}

// prepare fills in what follows from the rest of the page.
func (r *Renderer) prepare(words *edition, p *page, heading string) (err error) {
	if p.Field.Digits == 0 {
		p.Field.Digits = 6
	}
	if p.Field.Period == 0 {
		p.Field.Period = 30 * time.Second
	}
	p.Language, p.Direction = words.Language, words.Direction
	p.Style, p.Script = r.styles[lookOf(*p, heading)], r.scripts[p.bundle()]
	if p.Wait > 0 && p.Alert == "" {
		p.Alert = AlertThrottled
	}
	p.Help = r.help
	if p.Locked = p.Alert == AlertStopped; p.Locked && p.Narrow {
		// The page is about nothing else, and each fact is said once.
		heading, p.Alert = "error.stopped.title", "error.stopped.happened"
	}
	switch p.Alert {
	case AlertWrongCode, AlertWrongNewCode:
		p.Invalid = true
		if !p.Field.Recovery && !p.Field.Sent {
			p.Changes = locale.Up(p.Field.Period, time.Second)
		}
	case AlertWrongRecoveryCode, AlertWrongOperatorCode, AlertNoCode:
		p.Invalid = true
	case AlertUsedCode:
		// The wait is told in the alert's own words, and is no reason not to type.
		p.Invalid, p.Next = true, locale.Up(p.Wait, time.Second)
		p.Wait = 0
		if p.Alert, err = words.Text(AlertUsedCode, p.Next); err != nil {
			return err
		}
	}
	if p.Seconds = locale.Up(p.Wait, time.Second); p.Seconds > 90 && p.Wait < 24*time.Hour {
		if p.At, err = words.Clock(r.now().Add(p.Wait)); err != nil {
			return err
		}
	}
	p.App, p.User = locale.Harmless(p.App), locale.Harmless(p.User)
	p.Heading = words.Message(heading)
	if p.Title = p.Heading; p.App != "" {
		if p.Title, err = words.Text("page.title", p.Heading, p.App); err != nil {
			return err
		}
	}
	p.Status, p.Alert = words.Message(p.Status), words.Message(p.Alert)
	if p.Status != "" {
		// What has changed is the first thing that a page says, in its title too, where no sentence ends.
		if p.Title, err = words.Text("page.title", strings.TrimRight(p.Status, ".。"), p.Title); err != nil {
			return err
		}
	}
	p.Base = strings.TrimSuffix(p.Base, "/")
	p.Brand = brandMark(r, p.Common)
	if p.Behind != nil {
		return r.prepare(words, p.Behind, "settings.title")
	}
	return nil
}

// bundle is what of the scripts the page has.
func (p *page) bundle() int {
	switch {
	case p.Desk:
		return bundleDesk
	case p.Trusts && p.Passkeys:
		return bundleBoth
	case p.Trusts:
		return bundleTrust
	case p.Passkeys:
		return bundlePasskey
	}
	return bundlePlain
}

// lookOf is the look of a page.
func lookOf(p page, heading string) int {
	switch {
	case p.Desk:
		return lookDesk
	case p.Narrow:
		return lookNarrow
	case heading == "settings.title":
		return lookSettings
	}
	return lookChange
}

// settings is the settings page, to stand behind a dialog; nil for none.
func (r *Renderer) settings(v *SettingsView) *page {
	if v == nil {
		return nil
	}
	behind := *v
	// All of it would make the page too heavy. It is a moment's background; the page itself shows the rest.
	behind.Trusted, behind.Sessions, behind.Activity = first(v.Trusted), first(v.Sessions), first(v.Activity)
	behind.Status, behind.Alert, behind.Wait = "", "", 0
	behind.Home = local(behind.Home, "/")
	return &page{Common: behind.Common, View: r.listed(behind)}
}

// first are the first few of a list.
func first[T any](list []T) []T { return list[:min(len(list), 3)] }

// local returns the address if it is a path on this site, else the fallback.
func local(address, fallback string) string {
	if !match.IsLocal(address) {
		return fallback
	}
	return address
}

// StrictPolicy is the Content-Security-Policy of an answer that is no page: redirects, JSON, problem documents.
const StrictPolicy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// SecurityHeaders sets what every answer of the gateway's own carries (contract 5.4), replacing what was there. The
// policy is the Content-Security-Policy; empty means StrictPolicy. Pages set these headers themselves.
func SecurityHeaders(h http.Header, policy string) {
	if policy == "" {
		policy = StrictPolicy
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	// Not no-referrer: by it a browser says "Origin: null" with our own forms, and one without Sec-Fetch-Site says no
	// more.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// For browsers that do not know frame-ancestors.
	h.Set("X-Frame-Options", "DENY")
}

// pagePolicy allows our styles, by their hashes, and the one script of a page by what it is, not by where it stands.
func pagePolicy(styles, script string) string {
	return "default-src 'none'; style-src " + styles + "; script-src " + source(script) +
		"; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}

// source is the CSP source expression for an inline element with this content.
func source(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
