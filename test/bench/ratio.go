package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Sample is the result of one measurement.
type Sample struct {
	// Rate is work in a second: requests, bytes, messages. More is better.
	Rate float64
	// P99 is the 99th percentile of the latency, in seconds; zero if it was not measured.
	P99 float64
}

// Series are the samples of one contestant, one for each round.
type Series struct {
	Name    string
	Samples []Sample
}

// Ratio compares a contestant with another one, round by round.
type Ratio struct {
	// Median, Low and High are of the rounds.
	Median, Low, High float64
}

func (r Ratio) String() string { return fmt.Sprintf("%.3f (%.3f–%.3f)", r.Median, r.Low, r.High) }

// Compare divides each sample by the other series' sample of the same round. Both must have the same number of samples,
// and not zero.
func Compare(series, beside Series, of func(Sample) float64) Ratio {
	ratios := make([]float64, len(series.Samples))
	for i, s := range series.Samples {
		ratios[i] = of(s) / of(beside.Samples[i])
	}
	slices.Sort(ratios)
	return Ratio{Median: median(ratios), Low: ratios[0], High: ratios[len(ratios)-1]}
}

// median returns the median of a sorted list.
func median(sorted []float64) float64 {
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func rate(s Sample) float64 { return s.Rate }
func p99(s Sample) float64  { return s.P99 }

// Print writes one table, in which the other series are compared with the first.
func Print(to io.Writer, title, unit string, all []Series) error {
	if _, err := fmt.Fprintf(to, "\n%s\n%s\n", title, strings.Repeat("-", len(title))); err != nil {
		return err
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\t%[1]s (median)\tof %[2]s (lowest–highest round)\tp99 of %[2]s\n", unit, all[0].Name)
	for _, series := range all {
		rates := make([]float64, 0, len(series.Samples))
		for _, s := range series.Samples {
			rates = append(rates, s.Rate)
		}
		slices.Sort(rates)
		tails := "-"
		if all[0].Samples[0].P99 > 0 {
			tails = Compare(series, all[0], p99).String()
		}
		fmt.Fprintf(table, "%s\t%.0f\t%s\t%s\n", series.Name, median(rates), Compare(series, all[0], rate), tails)
	}
	return table.Flush()
}
