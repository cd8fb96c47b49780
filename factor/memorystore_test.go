package factor_test

import (
	"errors"
	"testing"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
)

func TestMemoryStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) factor.Store { return factor.NewMemoryStore() })
}

func TestMemoryStoreFails(t *testing.T) {
	store := factor.NewMemoryStore()
	key := factor.Key{App: "wiki", User: "alice"}
	cause := errors.New("unplugged")
	store.Fail(cause)
	if _, _, err := store.Get(t.Context(), key); !errors.Is(err, factor.ErrUnavailable) || !errors.Is(err, cause) {
		t.Errorf("Get: %v", err)
	}
	if _, err := store.Put(t.Context(), key, storetest.NewRecord("alice", 1), 0); !errors.Is(err, factor.ErrUnavailable) {
		t.Errorf("Put: %v", err)
	}
	if err := store.Delete(t.Context(), key, 1); !errors.Is(err, factor.ErrUnavailable) {
		t.Errorf("Delete: %v", err)
	}
	store.Fail(nil)
	if _, _, err := store.Get(t.Context(), key); !errors.Is(err, factor.ErrNotFound) {
		t.Errorf("Get after the failure: %v, want ErrNotFound", err)
	}
}
