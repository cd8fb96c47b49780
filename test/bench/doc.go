// Package bench measures the cost of the gateway, compared with the same Caddy without it.
//
// Absolute figures depend on the machine; ratios within one run say more. So everything is measured in turn, round
// after round, against the same app, and the results are medians of the ratios within each round. `make bench` prints
// the table; docs/performance.md explains it.
package bench
