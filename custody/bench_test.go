package custody

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkCookieHeader(b *testing.B) {
	policy := testPolicy()
	client := []string{
		"__Host-sallyport=Yz3lT0mD5pQ7nB1vX9cK2wR8sF4gH6jL; csrftoken=Yz3lT0mD5pQ7nB1vX9cK2wR8sF4gH6jL; theme=dark; _ga=GA1.1.123456789.1700000000",
	}
	for _, count := range []int{0, 2, 4} {
		var lines []string
		for i := range count {
			lines = append(lines, fmt.Sprintf("SESSION.%d=%s; HttpOnly; Path=/", i, strings.Repeat("x", 40)))
		}
		jar := jarOf(b, lines...)
		b.Run(fmt.Sprint("held=", count), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				policy.CookieHeader(client, &jar, []string{"lang", "theme"}, "app.example", "/wiki/Main_Page", noon)
			}
		})
	}
}

func BenchmarkCookieHeaderJunk(b *testing.B) {
	jar := jarOf(b, "sid=1", "SESSION=2")
	client := []string{strings.Repeat("junk=0123456789; ", 3000)}
	b.ReportAllocs()
	for b.Loop() {
		testPolicy().CookieHeader(client, &jar, []string{"lang"}, "app.example", "/", noon)
	}
}

func BenchmarkClean(b *testing.B) {
	policy := NewHeaderPolicy(nil)
	h := browserHeaders()
	b.ReportAllocs()
	for b.Loop() {
		policy.Clean(h, CleanOptions{Verified: true})
	}
}

// BenchmarkCleanOfAnApp has an app's own headers beside a browser's, which take the slow path.
func BenchmarkCleanOfAnApp(b *testing.B) {
	policy := NewHeaderPolicy(nil)
	h := browserHeaders()
	for _, name := range []string{"X-Wp-Nonce", "Hx-Current-Url", "X-Csrf-Token", "X-Request-Id"} {
		h[name] = []string{"0123456789abcdef"}
	}
	b.ReportAllocs()
	for b.Loop() {
		policy.Clean(h, CleanOptions{Verified: true})
	}
}

func BenchmarkDecodeJar(b *testing.B) {
	encoded := string(jarOf(b, "sessionid=0123456789abcdef0123; Max-Age=3600", "SESSION=0123456789abcdef0123").Encode(nil))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := DecodeJar(encoded); err != nil {
			b.Fatal(err)
		}
	}
}

func TestCookieHeaderAllocates(t *testing.T) {
	policy := testPolicy()
	jar := jarOf(t, "SESSION.id=0123456789abcdef", "remember=0123456789abcdef; Path=/", "caf\u00e9=1", "d=4")
	client := []string{"a=1; csrftoken=0123456789abcdef; theme=x; XSRF-TOKEN=1"}
	got := testing.AllocsPerRun(100, func() { policy.CookieHeader(client, &jar, []string{"a"}, "app.example", "/x", noon) })
	if got > 8 { // names and patterns take memory only if they are unusual; this jar has one unusual name
		t.Errorf("%v allocations", got)
	}
	jar = jarOf(t, "SESSION.id=0123456789abcdef", "remember=0123456789abcdef; Path=/", "d=4")
	got = testing.AllocsPerRun(100, func() { policy.CookieHeader(client, &jar, []string{"a"}, "app.example", "/x", noon) })
	if got > 1 {
		t.Errorf("%v allocations, want 1", got)
	}
}
