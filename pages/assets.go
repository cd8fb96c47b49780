package pages

import (
	_ "embed"
	"sync"

	"github.com/tdewolff/minify/v2"
	"github.com/tdewolff/minify/v2/css"
	"github.com/tdewolff/minify/v2/js"
)

// The styles and scripts. brand.css is what the pages need for a logo; it is part of the style only if there is one. No
// page carries what it has no use for: behind style.css stands what is of one look.
var (
	//go:embed style.css
	styleFile string
	//go:embed narrow.css
	narrowFile string
	//go:embed settings.css
	settingsFile string
	//go:embed change.css
	changeFile string
	//go:embed desk.css
	deskStyleFile string
	//go:embed brand.css
	brandFile string
	//go:embed script.js
	scriptFile string
	//go:embed keys.js
	keysFile string
	//go:embed proof.js
	proofFile string
	//go:embed ceremony.js
	ceremonyFile string
	//go:embed passkey.js
	passkeyFile string
	//go:embed desk.js
	deskFile string
	//go:embed guard.js
	guardFile string
	//go:embed guard-dialog.js
	guardDialogFile string
	//go:embed settings-link.js
	linkFile string
	//go:embed guard.css
	guardStyleFile string
)

// The looks of pages: what somebody meets on the way in, the settings page, what changes something, over it, and the
// help desk.
const (
	lookNarrow = iota
	lookSettings
	lookChange
	lookDesk
	looks
)

// The scripts of pages: what all have; what a page has besides that can trust a browser, or that uses passkeys, or
// both; and the help desk's.
const (
	bundlePlain = iota
	bundleTrust
	bundlePasskey
	bundleBoth
	bundleDesk
	bundles
)

// asks reports whether the scripts of a bundle ask the gateway by themselves.
func asksUs(bundle int) bool { return bundle >= bundlePasskey }

// assets are the files as small as they can be made: each page carries its own, and the app's pages carry the guard.
type assets struct {
	brand, guard, guardDialog, guardStyle, link string
	styles                                      [looks]string
	scripts                                     [bundles]string
}

// small are the assets, made once.
var small = sync.OnceValue(func() assets {
	shrink := minify.New()
	shrink.AddFunc("script", js.Minify)
	shrink.AddFunc("style", css.Minify)
	made := func(kind, file string) string {
		text, err := shrink.String(kind, file)
		if err != nil {
			panic("pages: " + kind + ": " + err.Error())
		}
		return text
	}
	script, keys, ceremony := made("script", scriptFile), made("script", keysFile), made("script", ceremonyFile)
	passkey := ceremony + ";\n" + made("script", passkeyFile)
	trust := script + ";\n" + keys + ";\n" + made("script", proofFile)
	return assets{
		brand: made("style", brandFile),
		styles: [looks]string{
			lookNarrow:   made("style", styleFile+narrowFile),
			lookSettings: made("style", styleFile+settingsFile),
			lookChange:   made("style", styleFile+settingsFile+changeFile),
			lookDesk:     made("style", styleFile+settingsFile+deskStyleFile),
		},
		scripts: [bundles]string{
			bundlePlain: script, bundleTrust: trust, bundlePasskey: script + ";\n" + passkey, bundleBoth: trust + ";\n" + passkey,
			bundleDesk: made("script", deskFile),
		},
		guard: made("script", guardFile), guardDialog: keys + ";\n" + ceremony + ";\n" + made("script", guardDialogFile),
		link:       made("script", linkFile),
		guardStyle: made("style", tokens(styleFile)+guardStyleFile),
	}
})
