package samples

import (
	"net/http"
	"strings"
	"time"

	"sallyport.example/sallyport/pages"
)

// exposed are the pages that tell users that somebody knows their password.
func exposed(r *pages.Renderer, common, hostile pages.Common, settings pages.SettingsView) []Sample {
	thief := pages.ExposedLine{At: Used, Browser: "Chrome, Windows", Address: "198.51.100.23"}
	show := func(name string, view pages.ExposedView) Sample {
		return Sample{Name: name, Show: func(w http.ResponseWriter) error { return view.Show(r, w, http.StatusOK) }}
	}
	many := pages.ExposedView{Common: common, SignIns: []pages.ExposedLine{thief}}
	for i := range 15 {
		many.SignIns = append(many.SignIns, pages.ExposedLine{At: Used.Add(-time.Duration(i) * time.Hour), Address: "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"})
	}
	odd := pages.ExposedLine{At: Since, Browser: strings.Repeat("B", 80), Address: strings.Repeat("9", 80)}
	settings.Exposed = true
	return []Sample{
		show("exposed", pages.ExposedView{Common: common, SignIns: []pages.ExposedLine{thief, {At: Used.Add(-26 * time.Hour), Address: "2001:db8::7"}}}),
		show("exposed-many", many),
		show("exposed-hostile", pages.ExposedView{Common: hostile, SignIns: []pages.ExposedLine{odd}}),
		show("exposed-change", pages.ExposedView{Common: common, Change: "/account/password"}),
		show("exposed-change-nowhere", pages.ExposedView{Common: common}),
		{Name: "settings-exposed", Show: func(w http.ResponseWriter) error { return r.Settings(w, http.StatusOK, settings) }},
	}
}
