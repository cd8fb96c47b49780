package pages

import (
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// folder is an operator's folder with these files.
func folder(files map[string]string) fstest.MapFS {
	all := fstest.MapFS{}
	for name, content := range files {
		all[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return all
}

// built is a template of the gateway's own with a change in it.
func built(t *testing.T, name, old, change string) string {
	t.Helper()
	sources, err := templateSources()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(sources[name], old) {
		t.Fatalf("%s does not hold %q", name, old)
	}
	return strings.Replace(sources[name], old, change, 1)
}

// line is the number of the challenge's line that holds this, and so many more.
func line(t *testing.T, part string, more int) string {
	t.Helper()
	before, _, _ := strings.Cut(built(t, "challenge.html", part, part), part)
	return strconv.Itoa(strings.Count(before, "\n") + 1 + more)
}

// TestOverrides: a file takes the place of the one of its name, in every language, and the rest stays.
func TestOverrides(t *testing.T) {
	r, err := NewThemed(Options{Brand: Brand{Templates: folder(map[string]string{
		"challenge.html":        built(t, "challenge.html", "</section>", `<p class="help"><a href="https://help.example.com/">Help desk</a></p></section>`),
		"style.css":             ":root { --ground: #fffaf0; }\n.help { font-size: 1.2rem; }\n",
		"..data/challenge.html": "a mounted volume's own",
		".challenge.html.swp":   "an editor's",
	})}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range samples(r) {
		body := answer(t, s).Body.String()
		if got, want := strings.Contains(body, "help.example.com"), strings.HasPrefix(s.name, "challenge"); got != want {
			t.Errorf("%s has the help desk: %v", s.name, got)
		}
		root := parse(t, body)
		style := one(t, root, "style", "", "").FirstChild.Data
		if !strings.HasSuffix(style, ".help { font-size: 1.2rem; }\n") || !strings.Contains(r.Policy(), source(style)) {
			t.Errorf("%s: the style is not the operator's, or the policy is another's", s.name)
		}
	}
	for _, s := range samplesIn(r, "de") {
		if s.name == "challenge" && !strings.Contains(answer(t, s).Body.String(), "Help desk") {
			t.Error("German has the old page")
		}
	}
	if r := New(Options{}); strings.Contains(r.Policy(), source(small().styles[lookNarrow]+":root")) {
		t.Error("one renderer's style is another's")
	}
}

// TestOverridesOfEverything: the gateway's own templates pass where they stand as overrides; so what an operator copies
// and does not change is no error.
func TestOverridesOfEverything(t *testing.T) {
	sources, err := templateSources()
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewThemed(Options{Brand: Brand{Templates: folder(sources), Logo: []byte(sampleLogo), Colour: "#7a1f6b", Name: "Brand"}})
	if err != nil {
		t.Fatal(err)
	}
	plain := New(Options{Brand: Brand{Logo: []byte(sampleLogo), Colour: "#7a1f6b", Name: "Brand"}})
	wanted := samples(plain)
	for i, s := range samples(r) {
		if got, want := answer(t, s).Body.String(), answer(t, wanted[i]).Body.String(); got != want {
			t.Errorf("%s differs", s.name)
		}
	}
}

// TestBadOverrides: what is wrong in an override is an error at start that names the file and, where there is one, the
// line.
func TestBadOverrides(t *testing.T) {
	challenge := func(old, change string) map[string]string {
		return map[string]string{"challenge.html": built(t, "challenge.html", old, change)}
	}
	const end = "</section>"
	for name, test := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"unknown name":      {map[string]string{"chalenge.html": ""}, []string{"chalenge.html", "challenge.html"}},
		"a folder":          {map[string]string{"extra/challenge.html": ""}, []string{"extra"}},
		"too large":         {map[string]string{"notice.html": strings.Repeat("x", maxOverride+1)}, []string{"notice.html", "64 KiB"}},
		"no template":       {challenge(end, "{{if}}"+end), []string{"challenge.html:END:", "if"}},
		"not closed":        {challenge("{{- end}}", ""), []string{"challenge.html:", "unexpected <define>"}},
		"unknown function":  {challenge(end, "\n{{readFile \"/etc/passwd\"}}"+end), []string{"challenge.html:NEXT:", "readFile"}},
		"unknown field":     {challenge(end, "{{.Passwort}}"+end), []string{"challenge.html:END:", "Passwort"}},
		"field of one view": {map[string]string{"confirm.html": built(t, "confirm.html", "</form>", "{{if .View.Recovery}}{{.View.Nope}}{{end}}</form>")}, []string{"confirm.html:", "Nope"}},
		"in one language":   {challenge(end, `{{if eq .Language "ja"}}{{.Nope}}{{end}}`+end), []string{"challenge.html:END:", "Nope"}},
		"unknown message":   {challenge(end, `{{t "no.such"}}`+end), []string{"challenge.html:END:", "no.such"}},
		"unknown template":  {challenge(end, `{{template "nope"}}`+end), []string{"nope"}},
		"endless template":  {challenge(end, `{{define "loop"}}x{{template "loop"}}{{end}}`+end), []string{"challenge.html"}},
		"endless recursion": {map[string]string{"challenge.html": built(t, "challenge.html", end, `{{template "loop"}}`+end) + `{{define "loop"}}x{{template "loop"}}{{end}}`}, []string{"challenge.html", "depth"}},
		"endless loop":      {challenge(end, `{{range 100000000000}}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{end}}`+end), []string{"1 MiB"}},
		"a context":         {challenge(end, `<a href={{.User}} x="`+end), []string{"page challenge"}},
		"no page at all":    {map[string]string{"challenge.html": `{{define "contents"}}{{end}}`}, []string{"page challenge", `method="post" to /base/challenge is missing`, `name="code"`, `role="alert"`}},

		"style":               {challenge(end, "\n<p style=\"color: red\">"+end), []string{"challenge.html:NEXT:", "style="}},
		"style over lines":    {challenge(end, "\n<p\n  class=\"x\"\n  style=\"color: red\">\n"+end), []string{"challenge.html:NEXT:", "style="}},
		"style after action":  {challenge(end, "<p{{if .User}} class=\"a\"{{end}} STYLE='x'>"+end), []string{"challenge.html:END:", "style="}},
		"handler":             {challenge(end, `<p onclick="alert(1)">`+end), []string{"challenge.html:END:", "onclick="}},
		"script":              {challenge(end, "<SCRIPT>alert(1)</SCRIPT>"+end), []string{"challenge.html:END:", "<script>"}},
		"style element":       {challenge(end, "<style>p {}</style>"+end), []string{"challenge.html:END:", "<style>"}},
		"somebody's picture":  {challenge(end, `<img src="https://cdn.example/x.png">`+end), []string{"challenge.html:END:", "asks nobody"}},
		"without a scheme":    {challenge(end, `<img src="//cdn.example/x.png">`+end), []string{"challenge.html:END:", "asks nobody"}},
		"spelled oddly":       {challenge(end, "<img src=\"/\t\\cdn.example/x.png\">"+end), []string{"challenge.html:END:", "asks nobody"}},
		"data":                {challenge(end, `<img src="data:image/gif;base64,R0">`+end), []string{"challenge.html:END:", "asks nobody"}},
		"picture of the site": {challenge(end, `<img src="/static/x.png">`+end), []string{"page challenge", "<img>"}},
		"stylesheet":          {challenge(end, `<link rel="stylesheet" href="/x.css">`+end), []string{"challenge.html:END:", "<link>"}},
		"frame":               {challenge(end, `<iframe src="/x"></iframe>`+end), []string{"challenge.html:END:", "<iframe>"}},
		"base":                {map[string]string{"layout.html": built(t, "layout.html", "<title>", `<base href="/x"><title>`)}, []string{"layout.html:", "<base>"}},
		"refresh":             {map[string]string{"layout.html": built(t, "layout.html", "<title>", `<meta http-equiv="refresh" content="0"><title>`)}, []string{"layout.html:", "http-equiv="}},
		"use of elsewhere":    {challenge(end, `<svg><use xlink:href="https://x/#a"/></svg>`+end), []string{"challenge.html:END:", "asks nobody"}},
		"javascript":          {challenge(end, `<a href="javascript:alert(1)">`+end), []string{"challenge.html:END:", "javascript"}},
		"http":                {challenge(end, `<a href="http://help.example">`+end), []string{"challenge.html:END:"}},
		"form to elsewhere":   {challenge(`action="{{.Base}}/challenge"`, `action="https://evil.example/{{.Base}}"`), []string{"challenge.html:8:", "asks nobody"}},
		"from a value":        {challenge(end, `<img src="{{.User}}">`+end), []string{"page challenge", "<img>"}},

		"style in pieces":     {map[string]string{"challenge.html": built(t, "challenge.html", end, `<p{{template "piece"}}>`+end) + `{{define "piece"}} style="color: red"{{end}}`}, []string{"page challenge", "style="}},
		"script in pieces":    {map[string]string{"challenge.html": built(t, "challenge.html", end, `<scr{{template "piece"}}>x()</scr{{template "piece"}}>`+end) + `{{define "piece"}}ipt{{end}}`}, []string{"page challenge", "<script>"}},
		"get":                 {challenge(`method="post"`, `method="get"`), []string{"page challenge", `the form to /base/challenge lacks method="post"`}},
		"no token":            {challenge(`{{template "csrf" .}}`, ""), []string{"page challenge", "/base/challenge lacks the hidden field csrf_token"}},
		"shown token":         {challenge(`{{template "csrf" .}}`, `<input name="csrf_token" value="{{.Form}}">`), []string{"page challenge", "csrf_token"}},
		"other token":         {challenge(`{{template "csrf" .}}`, `<input type="hidden" name="csrf_token" value="1">`), []string{"page challenge", "csrf_token"}},
		"other address":       {challenge(`action="{{.Base}}/challenge"`, `action="{{.Base}}/recovery"`), []string{"page challenge", "to /base/challenge is missing", "posts to /base/recovery"}},
		"no code":             {challenge(`{{template "input" .}}`, ""), []string{"page challenge", `name="code"`}},
		"other field":         {challenge(`{{template "input" .}}`, `<input name="code" autocomplete="off">`), []string{"page challenge", `autocomplete="off" inputmode=""`, `autocomplete="one-time-code" inputmode="numeric"`}},
		"two fields":          {challenge(`{{template "input" .}}`, `{{template "input" .}}{{template "input" .}}`), []string{"page challenge", "two fields"}},
		"field outside":       {challenge(`<form method`, `{{template "input" .}}<form method`), []string{"page challenge", `name="code" stands where no code is asked for`}},
		"no proof":            {challenge(`id="proof"`, `id="other"`), []string{"page challenge", `id="proof"`, "missing"}},
		"another proof":       {challenge(`data-key="{{.View.Key}}"`, ``), []string{"page challenge", `id="proof"`, `data-key=""`}},
		"no messages":         {challenge(`{{template "messages" .}}`, ""), []string{"page challenge", `role="alert"`}},
		"always an alert":     {challenge(`{{template "messages" .}}`, `<p role="alert">Watch out. {{.Alert}}</p>{{with .Status}}<p role="status">{{.}}</p>{{end}}`), []string{"page challenge", "no message"}},
		"an alert of its own": {challenge(`{{template "messages" .}}`, `{{if .Alert}}<p role="alert">Wrong.</p>{{end}}{{with .Status}}<p role="status">{{.}}</p>{{end}}`), []string{"page challenge", "does not say"}},
		"no sign-out":         {challenge(`{{template "account" .}}`, ""), []string{"page challenge", "/base/logout is missing"}},
		"no QR code":          {map[string]string{"setup.html": built(t, "setup.html", "{{.View.QR}}", "")}, []string{"page setup", `id="qr"`}},
		"no link":             {map[string]string{"setup.html": built(t, "setup.html", `<a id="otpauth" href="{{.View.Link}}">`, "<a>")}, []string{"page setup", `id="otpauth"`}},
		"no key":              {map[string]string{"setup.html": built(t, "setup.html", `id="secret"`, "")}, []string{"page setup", `id="secret"`}},
		"key in a paragraph":  {map[string]string{"setup.html": built(t, "setup.html", `<code id="secret" class="unseen">{{.View.Key}}</code>`, `<span id="secret">{{.View.Key}}</span>`)}, []string{"page setup", `id="secret"`, "<code>"}},
		"no recovery codes":   {map[string]string{"codes.html": built(t, "codes.html", `<li><code>{{.}}</code></li>`, "<li></li>")}, []string{"page codes", `id="recovery-codes"`}},
		"parts, half":         {map[string]string{"parts.html": `{{define "csrf"}}{{end}}`}, []string{"page challenge", "no such template"}},

		"style.css ends":    {map[string]string{"style.css": "p { color: red }\n</style><script>"}, []string{"style.css:2:", "<"}},
		"style.css asks":    {map[string]string{"style.css": "p { background: URL(x.png) }"}, []string{"style.css:1:", "url("}},
		"style.css imports": {map[string]string{"style.css": "@import 'x.css';"}, []string{"style.css:1:", "@import"}},
		"style.css escapes": {map[string]string{"style.css": `p { background: u\72l(x.png) }`}, []string{"style.css:1:", `\`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewThemed(Options{Brand: Brand{Templates: folder(test.files)}})
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range append(test.want, "templates: ") {
				want = strings.NewReplacer("END", line(t, end, 0), "NEXT", line(t, end, 1)).Replace(want)
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v: does not say %q", err, want)
				}
			}
		})
	}
}

// TestOverridesOfARealFolder: links of a mounted volume are followed inside the folder; a folder that is not there is
// an error.
func TestOverridesOfARealFolder(t *testing.T) {
	mounted := t.TempDir()
	for _, err := range []error{
		os.Mkdir(filepath.Join(mounted, "..2026"), 0o700),
		os.WriteFile(filepath.Join(mounted, "..2026", "style.css"), []byte(".mounted { margin: 0 }"), 0o600),
		os.Symlink("..2026", filepath.Join(mounted, "..data")),
		os.Symlink("..data/style.css", filepath.Join(mounted, "style.css")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := NewThemed(Options{Brand: Brand{Templates: os.DirFS(mounted)}})
	if err != nil || !strings.Contains(string(r.styles[lookNarrow]), ".mounted") {
		t.Errorf("a mounted volume: %v", err)
	}
	if _, err := NewThemed(Options{Brand: Brand{Templates: os.DirFS(filepath.Join(mounted, "none"))}}); err == nil {
		t.Error("a folder that is not there")
	}
}

// TestOverrideThatFailsLater: a template that passes the trial and fails for one user's page locks nobody out: the page
// is the gateway's own, whole, and the error goes to the log.
func TestOverrideThatFailsLater(t *testing.T) {
	r, err := NewThemed(Options{Brand: Brand{Templates: folder(map[string]string{
		"challenge.html": built(t, "challenge.html", "<section", `half a page{{if eq .User "ada"}}{{index .User 99}}{{end}}<section`),
	})}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	err = r.Challenge(w, 200, ChallengeView{Common: Common{App: "App", Base: "/base", User: "ada", Form: "token"}})
	if err == nil || !strings.Contains(err.Error(), "challenge.html:2:") {
		t.Errorf("error %v", err)
	}
	body := w.Body.String()
	if w.Code != http.StatusOK || strings.Contains(body, "half a page") || len(all(parse(t, body), "input", "name", "code")) != 1 {
		t.Errorf("%d %s", w.Code, body)
	}
}

// TestExecuteSurvives: a template that panics is an error.
func TestExecuteSurvives(t *testing.T) {
	// Package template hands on what panics in itself; a broken tree stands for a defect there.
	broken := template.Must(template.New("broken").Parse("x"))
	broken.Tree.Root.Nodes = append(broken.Tree.Root.Nodes, nil)
	if content, err := execute(broken, page{}); err == nil || content != nil || !strings.Contains(err.Error(), "panic") {
		t.Errorf("%q %v", content, err)
	}
}

// FuzzOverride: whatever an operator writes is an error, or a page that has what the gateway's own has.
func FuzzOverride(f *testing.F) {
	sources, err := templateSources()
	if err != nil {
		f.Fatal(err)
	}
	for _, source := range sources {
		f.Add(source)
	}
	for _, seed := range []string{"", "{{", "{{define \"content\"}}{{end}}", "<script>{{.Script}}</script>", "{{.Style}}", "<p style={{.User}}>", "{{range 5}}{{end}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if strings.Contains(source, "range") {
			return // an operator can make the server count
		}
		r, err := NewThemed(Options{Language: "en", Brand: Brand{Templates: folder(map[string]string{"notice.html": source})}})
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		if err := r.Error(w, 400, ErrorView{Common: Common{Base: "/base"}, Kind: ErrorForm}); err != nil {
			t.Fatal(err)
		}
		if len(all(parse(t, w.Body.String()), "", "role", "alert")) == 0 {
			t.Error(fmt.Sprint("no alert: ", w.Body.String()))
		}
	})
}
