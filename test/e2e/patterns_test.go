package e2e

import "regexp"

// csrfField is the form token of the demo app's own pages.
var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
