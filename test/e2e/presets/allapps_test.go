//go:build allapps

package presets

func init() {
	all = append(all, mediaWiki, phpMyAdmin, wordPress, icingaWeb2, parseDashboard, ttRSS, directus, prometheus, nodeRED, pocketBase, verdaccio)
}
