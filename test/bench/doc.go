// Package bench measures what the gateway costs, beside the same Caddy without it.
//
// Figures of a machine say little; ratios within one run say more. So everything is measured in alternation, round
// after round, against the same app, and what is told are medians of ratios of neighbours. `make bench` prints the
// table; docs/performance.md says what it means.
package bench
