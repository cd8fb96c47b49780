package session

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func benchmarkTokens(b *testing.B, count int) (*Manager, []string) {
	b.Helper()
	memory := newMemory(b, MemoryOptions{})
	m := NewShared(memory).Manager(Config{App: "wiki.example.com"})
	data := verified(b)
	data.Checked = time.Now()
	tokens := make([]string, count)
	for i := range tokens {
		tokens[i] = mustCreate(b, m, data)
	}
	return m, tokens
}

// BenchmarkLoad measures what each verified request costs (contract 8): at most 6 allocations.
func BenchmarkLoad(b *testing.B) {
	m, tokens := benchmarkTokens(b, 1000)
	ctx := context.Background()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if data, err := m.Load(ctx, tokens[i%len(tokens)]); data == nil || err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkLoadParallel(b *testing.B) {
	m, tokens := benchmarkTokens(b, 1000)
	ctx := context.Background()
	b.ReportAllocs()
	var starts atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for i := int(starts.Add(97)); pb.Next(); i++ {
			if data, err := m.Load(ctx, tokens[i%len(tokens)]); data == nil || err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkUpdate(b *testing.B) {
	m, tokens := benchmarkTokens(b, 1000)
	ctx := context.Background()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := m.update(ctx, tokens[i%len(tokens)], keep); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkRenew(b *testing.B) {
	m, tokens := benchmarkTokens(b, 1)
	ctx := context.Background()
	b.ReportAllocs()
	token := tokens[0]
	for b.Loop() {
		var err error
		if token, _, err = m.renew(ctx, token, keep); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemoryPerSession reports how much memory 100 000 verified sessions take, with and without their cookies: at
// most 2 KiB each beyond the app's own cookies (contract 8).
func BenchmarkMemoryPerSession(b *testing.B) {
	const count = 100_000
	for b.Loop() {
		all, beyond := memoryPerSession(b, count)
		b.ReportMetric(all, "B/session")
		b.ReportMetric(beyond, "B/session-without-cookies")
	}
}

// memoryPerSession fills a store as logins do, so that the tombstones of the renewals are counted too.
func memoryPerSession(t testing.TB, count int) (all, beyond float64) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	memory := newMemory(t, MemoryOptions{})
	m := NewShared(memory).Manager(Config{App: "wiki.example.com"})
	data := verified(t)
	data.Next, data.Granted = "/some/page?with=query", []string{"theme", "lang"}
	ctx := context.Background()
	for i := range count {
		data.Identity = fmt.Sprint("alice", i) // each account has a bound, and a place in the index
		token := mustCreate(t, m, data)
		for range 2 {
			var err error
			if token, _, err = m.renew(ctx, token, keep); err != nil {
				t.Fatal(err)
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if memory.Len() != count {
		t.Fatalf("%d sessions", memory.Len())
	}
	all = float64(after.HeapAlloc-before.HeapAlloc) / float64(count)
	cookies := len(data.Held.Encode(nil))
	runtime.KeepAlive(memory)
	return all, all - float64(cookies)
}

// TestSpeedPromises checks the two numbers of contract 8 that do not depend on the machine.
func TestSpeedPromises(t *testing.T) {
	f := newFixture(t)
	data := verified(t)
	data.Granted = []string{"theme"}
	token := mustCreate(t, f.Manager, data)
	ctx := context.Background()
	if allocations := testing.AllocsPerRun(200, func() { _, _ = f.Load(ctx, token) }); allocations > 6 {
		t.Errorf("Load makes %v allocations", allocations)
	}
	if _, beyond := memoryPerSession(t, 5_000); beyond > 2048 {
		t.Errorf("a session takes %.0f bytes beyond its cookies", beyond)
	}
}
