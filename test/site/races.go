package site

import "strings"

// The race detector writes its reports between two lines of this.
const raceBorder = "=================="

// races are the reports of data races in a log in which code of this project has a part. Caddy has races of its own: it
// announces events of a certificate while it still starts (2.11), which is no fault of what is tested here and nothing
// that it could mend.
func races(log string) (reports []string) {
	for block := range strings.SplitSeq(log, raceBorder) {
		if strings.Contains(block, "WARNING: DATA RACE") && strings.Contains(block, "sallyport/") {
			reports = append(reports, block)
		}
	}
	return reports
}
