package site

import "strings"

// The race detector writes each report between two of these lines.
const raceBorder = "=================="

// races returns the reports of data races in a log that involve code of this project. Caddy has data races of its own,
// which do not count: version 2.11 announces events of a certificate while it still starts.
func races(log string) (reports []string) {
	for block := range strings.SplitSeq(log, raceBorder) {
		if strings.Contains(block, "WARNING: DATA RACE") && strings.Contains(block, "sallyport/") {
			reports = append(reports, block)
		}
	}
	return reports
}
